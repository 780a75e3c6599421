"""A phone nearby as a device of the `fido2` library: any program written for security keys can use it.

    device = HybridDevice.by_qr(show=print_code)      # waits until a phone has scanned the code and is near
    client = Fido2Client(device, ...)

The library is synchronous, the air is not: an event loop in a thread of its own stands between them.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from threading import Event
from typing import Any, Final, TypeVar

from fido2 import cbor
from fido2.ctap import STATUS, CtapDevice, CtapError
from fido2.hid import CAPABILITY, CTAPHID

from ostiary.hybrid.bleak_scanner import BleakAdvertScanner
from ostiary.hybrid.calling import Call, call_by_link, call_by_qr
from ostiary.hybrid.client import LinkedCall, QrOffer
from ostiary.hybrid.errors import HybridError
from ostiary.hybrid.linking import Link
from ostiary.hybrid.progress import Progress, Step, no_progress
from ostiary.hybrid.qr import GET_ASSERTION
from ostiary.hybrid.radio import Scanner
from ostiary.hybrid.tunnel.client import Places, TunnelError, public_place

_GET_INFO: Final = 0x04
_LARGEST_REQUEST: Final = 16_384
_LOOK_EVERY: Final = 0.1
T = TypeVar("T")


class HybridDevice(CtapDevice):
    """One session with a phone. `link`: what it let itself be remembered by, for `by_link` next time."""

    def __init__(self, thread: "_LoopThread", call: Call, progress: Progress) -> None:
        self._thread = thread
        self._call = call
        self._progress = progress
        self._get_info = adapt_get_info(call.get_info)

    @classmethod
    def by_qr(
        cls,
        show: Callable[[str], None],
        *,
        hint: str = GET_ASSERTION,
        can_link: bool = False,
        scanner: Scanner | None = None,
        places: Places = public_place,
        progress: Progress = no_progress,
    ) -> "HybridDevice":
        """`show` is given the text of the code. Raises `RadioError`, `NobodyCame`, `TunnelError` or `HybridError`."""
        offer = QrOffer.new(made_at=int(time.time()), hint=hint, can_link=can_link)
        show(offer.text)
        return cls._begin(
            call_by_qr(offer, scanner or BleakAdvertScanner(), places=places, progress=progress), progress
        )

    @classmethod
    def by_link(
        cls,
        link: Link,
        *,
        hint: str = GET_ASSERTION,
        scanner: Scanner | None = None,
        places: Places = public_place,
        progress: Progress = no_progress,
    ) -> "HybridDevice":
        """Rings a phone that is remembered. After `TunnelError(LINK_GONE)` the link is to be forgotten."""
        call = LinkedCall.new(link, hint=hint)
        return cls._begin(
            call_by_link(call, scanner or BleakAdvertScanner(), places=places, progress=progress), progress
        )

    @classmethod
    def _begin(cls, calling: Coroutine[Any, Any, Call], progress: Progress) -> "HybridDevice":
        thread = _LoopThread()
        try:
            return cls(thread, thread.run(calling), progress)
        except BaseException:
            thread.stop()
            raise

    @property
    def link(self) -> Link | None:
        return self._call.link

    @property
    def capabilities(self) -> CAPABILITY:
        return CAPABILITY.CBOR | CAPABILITY.NMSG

    def call(
        self,
        cmd: int,
        data: bytes = b"",
        event: Event | None = None,
        on_keepalive: Callable[[STATUS], None] | None = None,
    ) -> bytes:
        """getInfo is answered from what the phone said at the beginning: some answer it but once. Setting `event` ends
        the session, for the protocol knows no other cancelling."""
        if cmd != CTAPHID.CBOR or not data:
            raise CtapError(CtapError.ERR.INVALID_COMMAND)
        if data[0] == _GET_INFO:
            return b"\0" + self._get_info
        self._progress(Step.WAITING_FOR_PERSON)
        if on_keepalive is not None:
            on_keepalive(STATUS.UPNEEDED)
        try:
            answer = self._thread.run(self._call.request(data), cancelled=event)
        except asyncio.CancelledError as error:
            self.close()
            raise CtapError(CtapError.ERR.KEEPALIVE_CANCEL) from error
        except (TunnelError, HybridError) as error:
            raise CtapError(CtapError.ERR.OTHER) from error
        self._progress(Step.DONE)
        return answer

    def close(self) -> None:
        if self._thread.is_running:
            self._thread.run(self._call.close())
            self._thread.stop()

    @classmethod
    def list_devices(cls) -> Iterator[CtapDevice]:
        """None: a phone is called, not found."""
        return iter(())


def adapt_get_info(get_info: bytes) -> bytes:
    """What the `fido2` library needs to be told of phones, which have neither a PIN nor a size: that user verification
    is their own affair, and that larger requests than 1024 bytes are taken."""
    info: dict[Any, Any] = dict(cbor.decode(get_info))  # type: ignore[arg-type]
    info.setdefault(5, _LARGEST_REQUEST)
    info.setdefault(6, [2])
    return cbor.encode(info)


class _LoopThread:
    """An event loop beside a synchronous program."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hybrid", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def run(self, work: Coroutine[Any, Any, T], *, cancelled: Event | None = None) -> T:
        """Raises `asyncio.CancelledError` once `cancelled` is set."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        if cancelled is None:
            return future.result()
        while True:
            try:
                return future.result(_LOOK_EVERY)
            except NotYet:
                if future.done():
                    raise
                if cancelled.is_set():
                    future.cancel()
                    raise asyncio.CancelledError from None

    def stop(self) -> None:
        self.run(_cancel_the_rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_the_rest() -> None:
    """What libraries left running."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
