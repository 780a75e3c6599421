"""One other computer that is being answered: how far it is, and how it ended. Read from any thread; moved on by the one
event loop that answers."""

import asyncio
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from fido2 import cbor

from ostiary.authenticator.app.errors import AppError
from ostiary.authenticator.app.nearby_views import NearbyResult, NearbyStage, NearbyView

_MAKE_CREDENTIAL, _GET_ASSERTION = 0x01, 0x02
_DONE: Final = {_MAKE_CREDENTIAL: NearbyResult.REGISTERED, _GET_ASSERTION: NearbyResult.SIGNED_IN}
_STATUS: Final = {
    0x19: NearbyResult.ALREADY_REGISTERED,  # CREDENTIAL_EXCLUDED
    0x27: NearbyResult.DECLINED,  # OPERATION_DENIED
    0x2E: NearbyResult.NO_PASSKEY,  # NO_CREDENTIALS
}
"""CTAP 2.1 §6.3"""

GOOD: Final = frozenset({NearbyResult.REGISTERED, NearbyResult.SIGNED_IN})


class Session:
    """`on_prompt` gets the id of the question that is put to the person, once."""

    def __init__(
        self, *, was_rung: bool, publish: Callable[[], None], on_prompt: Callable[[str], object] | None = None
    ) -> None:
        self.id = secrets.token_urlsafe(9)
        self.stage = NearbyStage.CONNECTING
        self.result: NearbyResult | None = None
        self.rp_id = ""
        self.is_remembered = was_rung
        self.was_rung = was_rung
        self.error: AppError | None = None
        self.over = threading.Event()
        self.changed = threading.Condition()
        self._publish = publish
        self._on_prompt = on_prompt
        self._prompts: set[str] = set()
        self._guard = threading.Lock()
        self._is_cancelled = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[object]] | None = None

    def view(self) -> NearbyView:
        error = self.error
        return NearbyView(
            id=self.id,
            stage=self.stage,
            is_over=self.over.is_set(),
            result=self.result,
            rp_id=self.rp_id,
            is_remembered=self.is_remembered,
            was_rung=self.was_rung,
            reason=error.reason.value if error else "",
            message=error.message if error else "",
            next=error.next if error else "",
        )

    # --- for the loop that answers

    def begin(self) -> bool:
        """In its task. False when it was cancelled before."""
        task = asyncio.current_task()
        assert task is not None
        with self._guard:
            self._running = asyncio.get_running_loop(), task
            return not self._is_cancelled

    def move(self, stage: NearbyStage) -> None:
        self.stage = stage
        self._tell()

    def take_request(self, request: bytes) -> None:
        self.rp_id = _rp_id(request) or self.rp_id
        self._tell()

    def take_answer(self, request: bytes, answer: bytes) -> None:
        command = request[0] if request else 0
        if command in _DONE:
            status = answer[0] if answer and self._prompts else None  # what nobody was asked for is no success
            self.result = _DONE[command] if status == 0 else _STATUS.get(status or -1, NearbyResult.NOTHING)

    def ask(self, prompt_id: str) -> None:
        with self._guard:
            is_new = prompt_id not in self._prompts
            self._prompts.add(prompt_id)
        if is_new and self._on_prompt is not None:
            self._on_prompt(prompt_id)

    def end(self, error: AppError | None = None) -> None:
        self.error = error
        self.stage = NearbyStage.FAILED if error else NearbyStage.DONE
        if error is None and self.result is None:
            self.result = NearbyResult.NOTHING
        self.over.set()
        self._tell()

    # --- for everybody

    def cancel(self) -> None:
        with self._guard:
            self._is_cancelled = True
            running = self._running
        if running is not None and not self.over.is_set():
            loop, task = running
            with suppress(RuntimeError):  # its loop is closed: it is over
                loop.call_soon_threadsafe(task.cancel)

    def _tell(self) -> None:
        with self.changed:
            self.changed.notify_all()
        self._publish()


def _rp_id(request: bytes) -> str:
    """What a request is for, to tell the person by; the engine reads it for itself."""
    try:
        values = cbor.decode(request[1:])
        found = values[2]["id"] if request[0] == _MAKE_CREDENTIAL else values[1]  # type: ignore[index]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return ""
    return found[:255] if isinstance(found, str) and found.isprintable() else ""
