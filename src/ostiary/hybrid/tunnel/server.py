"""The tunnel service alone: `ostiary tunnel`, on the `websockets` library, for a host of its own."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from http import HTTPStatus
from ssl import SSLContext
from typing import Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from ostiary.hybrid.tunnel.addresses import (
    PAYLOAD_HEADER,
    SIGNAL_HEADER,
    SUBPROTOCOL,
    Address,
    Contact,
    parse_path,
    parse_payload,
)
from ostiary.hybrid.tunnel.exchange import Close, Exchange, Refused, metrics_text
from ostiary.hybrid.tunnel.limits import network
from ostiary.hybrid.tunnel.serving import admit, require_websocket, response_headers, serve_peer

_PING_EVERY: Final = 30.0
_LONGEST_CLOSING: Final = 2.0


class _Peer:
    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def send(self, message: bytes) -> None:
        with suppress(ConnectionClosed):
            await self._connection.send(message)

    async def close(self, code: int) -> None:
        await self._connection.close(code)


class TunnelServer:
    """`trusted_proxy`: take the client's address from the last entry of `X-Forwarded-For`, which the proxy in front
    wrote."""

    def __init__(self, exchange: Exchange, *, trusts_proxy: bool = False) -> None:
        self._exchange = exchange
        self._trusts_proxy = trusts_proxy

    def serve(self, host: str, port: int, *, tls: SSLContext | None = None) -> AbstractAsyncContextManager[Server]:
        """Sealed messages do not shrink, so nothing is compressed. What does not read is not written to: the library's
        buffers are as small as one message."""
        return serve(
            self._handle,
            host,
            port,
            ssl=tls,
            process_request=self._admit,
            process_response=self._add_headers,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            max_size=self._exchange.limits.message_bytes,
            max_queue=(2, 1),
            ping_interval=_PING_EVERY,
            close_timeout=_LONGEST_CLOSING,
            server_header=None,
        )

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        path, headers = request.path.partition("?")[0], request.headers
        if path in ("/healthz", "/metrics") and parse_path(path) is None:
            return self._tell(connection, path)
        offered = [one.strip() for line in headers.get_all("Sec-WebSocket-Protocol") for one in line.split(",")]
        try:
            wanted = require_websocket(path, offered, headers.get("Origin", ""))
            admit(
                self._exchange, wanted, parse_payload(headers.get(PAYLOAD_HEADER)), self._address(connection, request)
            )
        except Refused as refused:
            return connection.respond(HTTPStatus(refused.status), f"{refused.text}\n")
        return None

    def _add_headers(self, connection: ServerConnection, request: Request, response: Response) -> Response | None:
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            wanted = _wanted(request)
            for name, value in response_headers(self._exchange, wanted, _wants_signal(wanted, request)).items():
                response.headers[name] = value
        return None

    async def _handle(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        wanted, peer = _wanted(request), _Peer(connection)

        async def messages() -> bytes | None:
            try:
                message = await connection.recv()
            except ConnectionClosed:
                return None
            if isinstance(message, bytes):
                return message
            await connection.close(Close.UNSUPPORTED)
            return None

        await serve_peer(
            self._exchange,
            wanted,
            parse_payload(request.headers.get(PAYLOAD_HEADER)),
            peer,
            self._address(connection, request),
            messages,
            wants_signal=_wants_signal(wanted, request),
        )

    def _address(self, connection: ServerConnection, request: Request) -> str:
        if self._trusts_proxy and (forwarded := request.headers.get_all("X-Forwarded-For")):
            return network(forwarded[-1].rpartition(",")[2].strip())
        remote = connection.remote_address
        return network(str(remote[0])) if remote else ""

    def _tell(self, connection: ServerConnection, path: str) -> Response:
        if path == "/healthz":
            return connection.respond(HTTPStatus.OK, "ok\n")
        return connection.respond(HTTPStatus.OK, metrics_text(self._exchange))


async def run(
    server: TunnelServer,
    exchange: Exchange,
    *,
    host: str,
    port: int,
    on_ready: Callable[[int], None],
    tls: SSLContext | None = None,
) -> None:
    """Serves until SIGINT or SIGTERM; every peer is then told that the service goes away."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with server.serve(host, port, tls=tls) as listening:
        on_ready(next(iter(listening.sockets)).getsockname()[1])
        await stopped.wait()
        await exchange.close()


def _wanted(request: Request) -> Address:
    wanted = parse_path(request.path.partition("?")[0])
    assert wanted is not None  # or it had not been admitted
    return wanted


def _wants_signal(wanted: Address, request: Request) -> bool:
    return isinstance(wanted, Contact) and SIGNAL_HEADER in request.headers
