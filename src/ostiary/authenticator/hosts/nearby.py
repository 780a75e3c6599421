"""The engine as the phone of another computer: hybrid transport (CTAP 2.2 §11.5), authenticator's end."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from fido2 import cbor

from ostiary.authenticator.hosts.in_process import Answers
from ostiary.authenticator.ports import Exchange

SOURCE: Final = "another computer nearby"

_GET_INFO: Final = b"\x04"
_KEPT: Final = (1, 3, 9)  # versions, aaguid, transports
_OPTIONS: Final = 4


def phone_info(engine: Answers) -> bytes:
    """What a client across a tunnel is told of us. No PIN and no tokens: the person is verified here, in the one
    question that names the account, and a client that knows no other way asks for just that (`uv`)."""
    info: dict[int, Any] = dict(cbor.decode(engine.ctap2(_GET_INFO)[1:]))  # type: ignore[arg-type]
    told: dict[int, Any] = {key: info[key] for key in _KEPT if key in info}
    told[_OPTIONS] = {"rk": True, "uv": True}
    told[9] = ["internal", "hybrid"]
    return cbor.encode(told)


class NearbyEngine:
    """Answers what comes through a tunnel, each request in a thread, because it waits for the person. `on_waiting` is
    called there when it does."""

    def __init__(self, engine: Answers, *, on_waiting: Callable[[Exchange], None] = lambda exchange: None) -> None:
        self._engine = engine
        self._on_waiting = on_waiting

    @property
    def get_info(self) -> bytes:
        return phone_info(self._engine)

    async def answer(self, request: bytes) -> bytes:
        """Being cancelled withdraws the question."""
        exchange = Exchange(source=SOURCE)
        exchange.on_waiting = partial(self._on_waiting, exchange)
        try:
            return await asyncio.to_thread(self._engine.ctap2, request, exchange)
        finally:
            exchange.cancelled.set()
