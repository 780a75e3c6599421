"""The engine as a device of the `fido2` library, in the same process: for programs and tests written against it."""

from collections.abc import Callable, Iterator
from threading import Event
from typing import Protocol

from fido2.ctap import STATUS, CtapDevice, CtapError
from fido2.hid import CAPABILITY, CTAPHID

from ostiary.authenticator.ports import Exchange


class Answers(Protocol):
    """What `Engine` is to a host."""

    def ctap2(self, request: bytes, exchange: Exchange | None = None) -> bytes: ...


class InProcessDevice(CtapDevice):
    """`fido2.ctap2.Ctap2`, `Fido2Client` and the like work on it as on a security key."""

    def __init__(self, engine: Answers, *, source: str = "a program on this computer") -> None:
        self._engine = engine
        self._source = source

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
        """Raises `CtapError` for what is no CTAP2 message."""
        if cmd == CTAPHID.PING:
            return data
        if cmd != CTAPHID.CBOR:
            raise CtapError(CtapError.ERR.INVALID_COMMAND)
        exchange = Exchange(source=self._source)
        if event is not None:
            exchange.cancelled = event
        if on_keepalive is not None:
            exchange.on_waiting = lambda: on_keepalive(STATUS.UPNEEDED)
        return self._engine.ctap2(data, exchange)

    def close(self) -> None:
        pass

    @classmethod
    def list_devices(cls) -> Iterator[CtapDevice]:
        """None: an engine is given, not found."""
        return iter(())
