"""Either end of a tunnel as a WebSocket client, with the `websockets` library."""

from collections.abc import AsyncGenerator, Callable, Mapping
from enum import StrEnum
from ssl import SSLContext
from typing import Any, Final, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, NegotiationError
from websockets.typing import Origin, Subprotocol

from ostiary.hybrid.channel import LARGEST
from ostiary.hybrid.data_channel import IsWhole
from ostiary.hybrid.domains import domain_of
from ostiary.hybrid.tunnel.addresses import ROUTING_HEADER, STANDBY, SUBPROTOCOL

_WITHIN: Final = 15.0
_PING_EVERY: Final = 20.0
_GONE: Final = 410


class TunnelReason(StrEnum):
    UNREACHABLE = "tunnel_unreachable"
    REFUSED = "tunnel_refused"
    LINK_GONE = "link_gone"
    """The device no longer knows this computer: the link is to be forgotten."""
    CLOSED = "tunnel_closed"


class TunnelError(Exception):
    def __init__(self, reason: TunnelReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


class Place(NamedTuple):
    """Where a tunnel service answers: `host` is what it is called, `url` what is dialled when that is another."""

    host: str
    url: str
    tls: SSLContext | None = None


Places = Callable[[int], Place]
"""From the number of a tunnel domain to where it is."""


def public_place(domain: int) -> Place:
    """As the protocol has it: by the domain's own name, over TLS."""
    host = domain_of(domain)
    return Place(host, f"wss://{host}")


class TunnelConnection:
    """One WebSocket that carries messages of the protocol."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @property
    def routing_id(self) -> bytes:
        """Of the tunnel just opened. Raises `TunnelError` when the service told none."""
        response = self._connection.response
        told = response.headers.get(ROUTING_HEADER, "") if response is not None else ""
        try:
            routing_id = bytes.fromhex(told)
        except ValueError:
            routing_id = b""
        if len(routing_id) != 3:
            raise TunnelError(TunnelReason.REFUSED, "no routing id")
        return routing_id

    async def send(self, message: bytes) -> None:
        """Raises `TunnelError(CLOSED)`."""
        try:
            await self._connection.send(message)
        except ConnectionClosed as error:
            raise TunnelError(TunnelReason.CLOSED, _why(error)) from error

    async def receive(self, is_whole: IsWhole | None = None) -> bytes:
        """A message is a WebSocket's. Raises `TunnelError(CLOSED)`."""
        try:
            message = await self._connection.recv()
        except ConnectionClosed as error:
            raise TunnelError(TunnelReason.CLOSED, _why(error)) from error
        if isinstance(message, str):
            raise TunnelError(TunnelReason.CLOSED, "text")
        return message

    async def close(self) -> None:
        await self._connection.close()


async def open_tunnel(place: Place, path: str, headers: Mapping[str, str] | None = None) -> TunnelConnection:
    """Raises `TunnelError`: `LINK_GONE` is the only one after which a link is to be forgotten."""
    try:
        connection = await connect(place.url + path, additional_headers=headers, **_options(place))
    except InvalidStatus as error:
        status = error.response.status_code
        reason = TunnelReason.LINK_GONE if status == _GONE else TunnelReason.REFUSED
        raise TunnelError(reason, str(status)) from error
    except (NegotiationError, InvalidHandshake) as error:
        raise TunnelError(TunnelReason.REFUSED, type(error).__name__) from error
    except (OSError, TimeoutError) as error:
        raise TunnelError(TunnelReason.UNREACHABLE, type(error).__name__) from error
    if connection.subprotocol != SUBPROTOCOL:
        await connection.close()
        raise TunnelError(TunnelReason.REFUSED, "subprotocol")
    return TunnelConnection(connection)


async def stand_by(place: Place) -> AsyncGenerator[TunnelConnection]:
    """A connection on which an authenticator is rung, and another one whenever that is over: later and later while the
    service is away (`websockets`' own `reconnect_delays`), whatever the cause."""
    async for connection in connect(
        place.url + STANDBY, ping_interval=_PING_EVERY, process_exception=lambda error: None, **_options(place)
    ):
        try:
            yield TunnelConnection(connection)
        finally:
            await connection.close()


def _options(place: Place) -> dict[str, Any]:
    options: dict[str, Any] = {"ssl": place.tls} if place.tls is not None else {}
    return options | {
        "subprotocols": [Subprotocol(SUBPROTOCOL)],
        "origin": Origin(f"wss://{place.host}"),
        "compression": None,
        "max_size": LARGEST,
        "open_timeout": _WITHIN,
        "user_agent_header": None,
    }


def _why(error: ConnectionClosed) -> str:
    return str(error.rcvd.code) if error.rcvd is not None else "lost"
