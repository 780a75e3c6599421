"""The engine does one thing at a time and tells others that it is busy; whoever asks inside the app waits instead."""

from typing import Final

from ostiary.authenticator.app.ports import Ctap2
from ostiary.authenticator.ports import Exchange

CHANNEL_BUSY: Final = b"\x06"
KEEPALIVE_CANCEL: Final = b"\x2d"
_RETRY: Final = 0.1


class PatientEngine:
    def __init__(self, engine: Ctap2) -> None:
        self._engine = engine

    def ctap2(self, request: bytes, exchange: Exchange | None = None) -> bytes:
        exchange = exchange or Exchange()
        while (answer := self._engine.ctap2(request, exchange)) == CHANNEL_BUSY:
            if exchange.cancelled.wait(_RETRY):
                return KEEPALIVE_CANCEL
        return answer
