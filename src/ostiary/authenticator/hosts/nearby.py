"""The engine as the phone of another computer: hybrid transport (CTAP 2.2 §11.5), authenticator's end."""

import asyncio
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from ostiary.authenticator.engine import cbor
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.hosts.in_process import Answers
from ostiary.authenticator.ports import Exchange

SOURCE: Final = "another computer nearby"

_GET_INFO: Final = b"\x04"
_KEPT: Final = (1, 3)  # versions, aaguid
_OPTIONS: Final = 4
_TRANSPORTS: Final = 9

_MAKE_CREDENTIAL, _GET_ASSERTION = 0x01, 0x02
_ANSWERED: Final = frozenset({_MAKE_CREDENTIAL, _GET_ASSERTION, 0x04, 0x08, 0x0B})
"""With getInfo, getNextAssertion and selection. Whoever is nearby manages nothing here: no PIN, no reset, no list."""

_ASKED_FOR: Final = {_MAKE_CREDENTIAL: 7, _GET_ASSERTION: 5}
_CLIENT_DATA_HASH, _ALLOW_LIST = 2, 3
_PIN_AUTH: Final = {_MAKE_CREDENTIAL: 8, _GET_ASSERTION: 6}


def phone_info(engine: Answers) -> bytes:
    """What a client across a tunnel is told of us. No PIN and no tokens: the person is verified here, in the one
    question that names the account, and a client that knows no other way asks for just that (`uv`)."""
    info: dict[int, Any] = cbor.decode(engine.ctap2(_GET_INFO)[1:])
    told: dict[int, Any] = {key: info[key] for key in _KEPT if key in info}
    told[_OPTIONS] = {"rk": True, "uv": True}
    told[_TRANSPORTS] = ["internal", "hybrid"]
    return cbor.encode(told)


def as_from_nearby(request: bytes) -> bytes:
    """The request as it goes to the engine: one that asks the person, and verifies them, whatever the client wanted.
    Raises `Refused`: nobody signs in silently on another computer, and its person's PIN is not ours to take."""
    command = request[0] if request else 0
    if command not in _ANSWERED:
        raise Refused(Status.INVALID_COMMAND)
    if command not in _ASKED_FOR:
        return request
    fields = cbor.decode(request, 1)
    options = fields.get(_ASKED_FOR[command]) if isinstance(fields, dict) else None
    if not isinstance(fields, dict) or not isinstance(options, dict | None):
        return request  # the engine says what is wrong with it
    if _PIN_AUTH[command] in fields:
        raise Refused(Status.PIN_AUTH_INVALID)
    if options is not None and options.get("up") is False:
        return _as_probe(command, fields)
    fields[_ASKED_FOR[command]] = {**(options or {}), "uv": True}
    return bytes([command]) + cbor.encode(fields)


def _as_probe(command: int, fields: dict[Any, Any]) -> bytes:
    """Clients look beforehand which of the passkeys they know are here (CTAP 2.1 §6.1.2 excludeList, split up). They
    learn that much, and get an assertion over nothing: none that the person was not asked for is of use anywhere."""
    if command != _GET_ASSERTION or not fields.get(_ALLOW_LIST):
        raise Refused(Status.UNSUPPORTED_OPTION)
    return bytes([command]) + cbor.encode({**fields, _CLIENT_DATA_HASH: secrets.token_bytes(32)})


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
        try:
            request = as_from_nearby(request)
        except Refused as refused:
            return bytes([refused.code])
        exchange = Exchange(source=SOURCE)
        exchange.on_waiting = partial(self._on_waiting, exchange)
        try:
            return await asyncio.to_thread(self._engine.ctap2, request, exchange)
        finally:
            exchange.cancelled.set()
