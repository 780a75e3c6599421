"""What every server around an exchange does the same: whom it lets in, and one connection from beginning to end."""

from collections.abc import Awaitable, Callable, Sequence

from ostiary.hybrid.tunnel.addresses import (
    ROUTING_HEADER,
    SIGNAL_HEADER,
    SUBPROTOCOL,
    Address,
    Connect,
    Contact,
    New,
    parse_path,
)
from ostiary.hybrid.tunnel.exchange import Close, Exchange, Peer, Refused, Side

Messages = Callable[[], Awaitable[bytes | None]]
"""The next message of a peer; None when it is gone, or sent what is no bytes and was told so."""


async def serve_peer(
    exchange: Exchange,
    wanted: Address,
    payload: bytes | None,
    peer: Peer,
    address: str,
    messages: Messages,
    *,
    wants_signal: bool,
) -> None:
    """From the accepted WebSocket to its end."""
    side: Side | None = None
    code = Close.GOING_AWAY
    try:
        if isinstance(wanted, New):
            side = exchange.open(wanted, peer, address)
        elif isinstance(wanted, Connect):
            side = await exchange.join(wanted, peer)
        elif isinstance(wanted, Contact):
            side = await exchange.ring(wanted, payload or b"", peer, address, wants_signal=wants_signal)
        else:
            await exchange.stand_by(peer, address, messages)
            return
        while (message := await messages()) is not None:
            await exchange.relay(side, message)
        code = Close.NORMAL
    except Refused:  # somebody was faster since the connection was admitted
        await peer.close(Close.POLICY)
    finally:
        if side is not None:
            await exchange.leave(side, code)


def require_websocket(path: str, subprotocols: Sequence[str], origin: str) -> Address:
    """What is wanted. Raises `Refused`: pages of the web have no business here, and say who they are by their origin;
    clients of the protocol send none, or the service's own."""
    wanted = parse_path(path)
    if wanted is None:
        raise Refused(404, "There is nothing here.")
    if SUBPROTOCOL not in subprotocols:
        raise Refused(400, f"The subprotocol {SUBPROTOCOL} is missing.")
    if origin and not origin.lower().startswith("wss://"):
        raise Refused(403, "Not for web pages.")
    return wanted


def admit(exchange: Exchange, wanted: Address, payload: bytes | None, address: str) -> None:
    """Raises `Refused`."""
    if isinstance(wanted, New):
        exchange.admit_new(wanted, address)
    elif isinstance(wanted, Connect):
        exchange.admit_connect(wanted, address)
    elif isinstance(wanted, Contact):
        exchange.admit_contact(wanted, payload, address)
    else:
        exchange.admit_standby(address)


def response_headers(exchange: Exchange, wanted: Address, wants_signal: bool) -> dict[str, str]:
    headers = {}
    if not isinstance(wanted, Connect | Contact):
        headers[ROUTING_HEADER] = exchange.routing_id.hex().upper()
    if wants_signal:
        headers[SIGNAL_HEADER] = "true"
    return headers
