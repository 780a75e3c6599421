"""The Authenticator as the phone of another computer (CTAP hybrid transport): a person scans or pastes the code that it
shows, Bluetooth proves that it is near, and a tunnel carries the request to the engine, which asks the person.

A code comes from a person's own scan or paste, never from a link or a handler of addresses (CVE-2024-9956): whoever
follows one has not seen that computer. One computer is answered at a time.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from ostiary.authenticator.app.accounts import Accounts
from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.nearby_advertiser import advertiser_of
from ostiary.authenticator.app.nearby_computers import Computer, Computers
from ostiary.authenticator.app.nearby_domain import find_domain
from ostiary.authenticator.app.nearby_problems import app_error
from ostiary.authenticator.app.nearby_session import GOOD, Session
from ostiary.authenticator.app.nearby_standby import Ring, Standby
from ostiary.authenticator.app.nearby_views import NearbyStage, NearbyView
from ostiary.authenticator.app.ports import AppKeys, Ctap2
from ostiary.authenticator.app.prompts import PromptBoard
from ostiary.authenticator.app.qr import read_texts
from ostiary.authenticator.app.views import Topic
from ostiary.authenticator.hosts.nearby import NearbyEngine
from ostiary.authenticator.ports import Clock, Exchange, Locked
from ostiary.hybrid.answering import NotHeard, Stage, answer_ring, answer_scan
from ostiary.hybrid.authenticator import Identity, Scan
from ostiary.hybrid.errors import HybridError
from ostiary.hybrid.qr import PREFIX, QrPayload, decode_qr, require_fresh
from ostiary.hybrid.radio import RadioError
from ostiary.hybrid.tunnel.client import Places, TunnelError, public_place

_LOG: Final = logging.getLogger(__name__)
_CANCEL_CHECK: Final = 0.1

Work = Callable[[Session], Awaitable[None]]


class Nearby:
    """`computers` are those that are remembered. `places` is another in tests alone: where the tunnel services of a
    domain are is the protocol's to say."""

    def __init__(
        self,
        keys: AppKeys,
        accounts: Accounts,
        *,
        engine: Ctap2,
        board: PromptBoard,
        changes: Changes,
        clock: Clock,
        device_name: Callable[[], str],
        open_window: Callable[[str], object],
        on_activity: Callable[[], None],
        places: Places | None = None,
        controller: str = "",
    ) -> None:
        self._controller = controller
        self._keys = keys
        self._accounts = accounts
        self._engine = engine
        self._board = board
        self._changes = changes
        self._clock = clock
        self._device_name = device_name
        self._open_window = open_window
        self._on_activity = on_activity
        self._places = places = places or public_place
        self._guard = threading.Lock()
        self._session: Session | None = None
        self._thread: threading.Thread | None = None
        self.computers = Computers(keys, changes, clock)
        self._standby = Standby(keys, self.computers, changes, clock, places=places, answer=self._answer_ring)

    # --- for faces

    def begin(self, text: str, *, on_prompt: Callable[[str], None] | None = None) -> NearbyView:
        """Answers the computer that shows this code; `text` is what the person just scanned or pasted. Also while
        locked: the question takes the PIN. Raises `AppError`."""
        self._require_pin()
        payload = self._read(text)
        self._on_activity()
        session = self._take(Session(was_rung=False, publish=self._publish, on_prompt=on_prompt))
        work = partial(self._answer_scan, Scan(payload=payload))
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._conduct(session, work)), name="nearby", daemon=True
        )
        self._thread.start()
        return session.view()

    def begin_from_image(
        self, pixels: bytes, width: int, height: int, *, on_prompt: Callable[[str], None] | None = None
    ) -> NearbyView:
        """Greyscale pixels, one byte each, row by row. Raises QR_NOT_FOUND where there is no code, yet."""
        self._require_pin()
        return self.begin(find_code(read_texts(pixels, width, height)), on_prompt=on_prompt)

    def view(self) -> NearbyView | None:
        """The computer that is being answered, or was the last since the app was started."""
        session = self._session
        return session.view() if session is not None else None

    def cancel(self) -> None:
        """Nothing happens when nothing is under way."""
        session = self._session
        if session is not None:
            session.cancel()

    def wait(
        self, session_id: str, cancelled: threading.Event, watch: Callable[[NearbyView], None] = lambda view: None
    ) -> NearbyView:
        """Until it is over. Raises `AppError` for why it failed."""
        session = self._session
        if session is None or session.id != session_id:
            raise AppError(AppReason.CANCELLED)
        told = None
        while True:
            is_over = session.over.is_set()
            view = session.view()
            if view != told:
                watch(view)
                told = view
            if is_over:
                break
            if cancelled.is_set():
                session.cancel()
            with session.changed:
                session.changed.wait(_CANCEL_CHECK)
        if session.error is not None:
            raise session.error
        return session.view()

    def close(self) -> None:
        self.cancel()
        if self._thread is not None:
            self._thread.join(5)

    def forget(self) -> None:
        """After a reset."""
        self.cancel()
        with self._guard:
            self._session = None

    # --- for the loop

    async def run(self) -> None:
        """Stands by to be rung by computers that are remembered."""
        await self._standby.run()

    # --- inside

    def _require_pin(self) -> None:
        if not self._keys.pin.is_set:
            raise AppError(AppReason.PIN_NOT_SET)

    def _read(self, text: str) -> QrPayload:
        try:
            payload = decode_qr(text)
            require_fresh(payload, now=self._clock() // 1000)
        except HybridError as error:
            raise app_error(error) from error
        return payload

    def _take(self, session: Session) -> Session:
        with self._guard:
            if self._session is not None and not self._session.over.is_set():
                raise AppError(AppReason.COMPUTER_BUSY)
            self._session = session
        self._publish()
        return session

    async def _conduct(self, session: Session, work: Work) -> None:
        error: AppError | None = None
        try:
            if session.begin():
                await work(session)
            else:
                error = AppError(AppReason.CANCELLED)
        except asyncio.CancelledError:
            error = AppError(AppReason.CANCELLED)
        except (AppError, HybridError, TunnelError, RadioError, NotHeard) as refused:
            error = app_error(refused)
            _LOG.info("another computer was not answered: %s (%s)", error.reason, getattr(refused, "detail", ""))
        except Exception:
            _LOG.exception("answering another computer failed")
            error = AppError(AppReason.FAILED)
        session.end(error)

    async def _answer_scan(self, scan: Scan, session: Session) -> None:
        domain = await asyncio.to_thread(find_domain, self._accounts, self._keys)
        offered: list[Identity] = []

        def identify(routing_id: bytes) -> Identity | None:
            identity = self.computers.offer(routing_id, domain=domain, name=self._device_name())
            if identity is not None:
                offered.append(identity)
            return identity

        def keep() -> None:
            """Whoever was declined is not remembered."""
            while offered:
                identity = offered.pop()
                session.is_remembered = self.computers.keep(identity, domain=domain, rp_id=session.rp_id)

        nearby = self._nearby_engine(session)
        await answer_scan(
            scan,
            place=self._places(domain),
            domain=domain,
            get_info=await asyncio.to_thread(lambda: nearby.get_info),
            answer=partial(self._answer, session, nearby, keep),
            advertiser=advertiser_of(self._controller),
            identify=identify,
            watch=partial(self._watch, session),
        )

    async def _answer_ring(self, ring: Ring) -> None:
        """Of a computer that is remembered. Nothing is asked before it has shown that it is near."""
        computer = ring.computer
        try:
            session = self._take(
                Session(was_rung=True, publish=self._publish, on_prompt=self._open_window)  # nobody is looking
            )
        except AppError:
            return  # it may ring again

        async def work(session: Session) -> None:
            try:
                key, secret = self.computers.key(), self.computers.secret(computer)
            except Locked as error:
                raise AppError(AppReason.LOCKED) from error
            if secret is None:
                raise AppError(AppReason.COMPUTER_UNKNOWN)
            nearby = self._nearby_engine(session)
            await answer_ring(
                key=key,
                secret=secret,
                nonce=ring.nonce,
                routing_id=ring.routing_id,
                tunnel_id=ring.tunnel_id,
                place=self._places(computer.domain),
                domain=computer.domain,
                get_info=await asyncio.to_thread(lambda: nearby.get_info),
                answer=partial(self._answer, session, nearby, partial(self._note_use, computer)),
                advertiser=advertiser_of(self._controller),
                watch=partial(self._watch, session),
            )

        await self._conduct(session, work)

    def _nearby_engine(self, session: Session) -> NearbyEngine:
        def on_waiting(exchange: Exchange) -> None:
            prompt = self._board.current(exchange)
            if prompt is not None:
                session.ask(prompt.id)

        return NearbyEngine(self._engine, on_waiting=on_waiting)

    async def _answer(
        self, session: Session, nearby: NearbyEngine, on_success: Callable[[], None], request: bytes
    ) -> bytes:
        session.take_request(request)
        answer = await nearby.answer(request)
        session.take_answer(request, answer)
        if session.result in GOOD:  # before the other computer hears of it
            await asyncio.to_thread(on_success)
        return answer

    def _note_use(self, computer: Computer) -> None:
        self.computers.used(computer.id)

    def _watch(self, session: Session, stage: Stage) -> None:
        if stage is not Stage.DONE:  # it is, once the tunnel and the radio are closed
            session.move(NearbyStage(stage.value))

    def _publish(self) -> None:
        self._changes.publish(Topic.NEARBY)


def find_code(texts: set[str]) -> str:
    """The one code of another computer among all that a picture shows. Raises `AppError`."""
    codes = {one for one in texts if one[: len(PREFIX)].upper() == PREFIX}
    if len(codes) > 1:
        raise AppError(AppReason.QR_SEVERAL)
    if not codes:
        raise AppError(AppReason.QR_NOT_FIDO if texts else AppReason.QR_NOT_FOUND)
    return codes.pop()
