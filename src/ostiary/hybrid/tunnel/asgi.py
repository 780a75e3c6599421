"""The tunnel service as an ASGI application, inside `ostiary serve`."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from ostiary.hybrid.tunnel.addresses import (
    PAYLOAD_HEADER,
    SIGNAL_HEADER,
    SUBPROTOCOL,
    Contact,
    parse_path,
    parse_payload,
)
from ostiary.hybrid.tunnel.exchange import Close, Exchange, Refused
from ostiary.hybrid.tunnel.limits import network
from ostiary.hybrid.tunnel.serving import admit, require_websocket, response_headers, serve_peer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PAYLOAD: Final = PAYLOAD_HEADER.lower().encode()
_SIGNAL: Final = SIGNAL_HEADER.lower().encode()


class _AsgiPeer:
    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_open = True

    async def send(self, message: bytes) -> None:
        if self._is_open:
            await self._send({"type": "websocket.send", "bytes": message})

    async def close(self, code: int) -> None:
        if self._is_open:
            self._is_open = False
            await self._send({"type": "websocket.close", "code": int(code)})

    def lose(self) -> None:
        self._is_open = False


class TunnelApplication:
    """Answers `/cable/...`. The server around it should neither compress nor log these paths."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _answer(send, "http", 426 if parse_path(scope["path"]) else 404, "This is a place for WebSockets.")
            return
        assert scope["type"] == "websocket"
        await receive()  # websocket.connect
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        client = scope.get("client")
        address = network(client[0]) if client else ""
        try:
            wanted = require_websocket(
                scope["path"], scope.get("subprotocols", ()), headers.get(b"origin", b"").decode("latin-1")
            )
            payload = parse_payload(headers.get(_PAYLOAD, b"").decode("latin-1"))
            admit(self.exchange, wanted, payload, address)
        except Refused as refused:
            await _answer(send, "websocket.http", refused.status, refused.text, scope)
            return
        peer = _AsgiPeer(send)
        accept: Message = {"type": "websocket.accept", "subprotocol": SUBPROTOCOL}
        wants_signal = isinstance(wanted, Contact) and _SIGNAL in headers
        accept["headers"] = [
            (name.lower().encode(), value.encode())
            for name, value in response_headers(self.exchange, wanted, wants_signal).items()
        ]
        await send(accept)

        async def messages() -> bytes | None:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                peer.lose()
                return None
            content = message.get("bytes")
            if content is None:
                await peer.close(Close.UNSUPPORTED)
            return content

        await serve_peer(self.exchange, wanted, payload, peer, address, messages, wants_signal=wants_signal)


async def _answer(send: Send, kind: str, status: int, text: str, scope: Scope | None = None) -> None:
    if scope is not None and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": f"{kind}.response.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.response.body", "body": f"{text}\n".encode()})
