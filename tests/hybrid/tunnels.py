"""A tunnel service that really listens, in a thread of its own, by either server."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ssl import SSLContext

import uvicorn

from ostiary.hybrid.tunnel.asgi import TunnelApplication
from ostiary.hybrid.tunnel.exchange import Exchange
from ostiary.hybrid.tunnel.limits import Limits
from ostiary.hybrid.tunnel.server import TunnelServer

SERVERS = ("alone", "inside")
_READY_WITHIN = 10


@dataclass
class Listening:
    url: str
    exchange: Exchange
    loop: asyncio.AbstractEventLoop


@contextmanager
def listening(kind: str, limits: Limits | None = None, *, tls: SSLContext | None = None) -> Iterator[Listening]:
    exchange = Exchange(limits=limits)
    ready = threading.Event()
    found: list[Listening] = []
    stopped: list[asyncio.Event] = []

    async def alone() -> None:
        async with TunnelServer(exchange).serve("127.0.0.1", 0, tls=tls) as server:
            tell(next(iter(server.sockets)).getsockname()[1])
            await stopped[0].wait()
            await exchange.close()

    async def inside() -> None:
        config = uvicorn.Config(
            TunnelApplication(exchange),
            port=0,
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        tell(server.servers[0].sockets[0].getsockname()[1])
        await stopped[0].wait()
        server.should_exit = True
        await exchange.close()
        await task

    def tell(port: int) -> None:
        found.append(Listening(f"{'wss' if tls else 'ws'}://127.0.0.1:{port}", exchange, asyncio.get_running_loop()))
        ready.set()

    async def serve() -> None:
        stopped.append(asyncio.Event())
        await (alone() if kind == "alone" else inside())

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(_READY_WITHIN)
        yield found[0]
    finally:
        found[0].loop.call_soon_threadsafe(stopped[0].set)
        thread.join(_READY_WITHIN)
        assert not thread.is_alive()
