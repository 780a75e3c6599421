"""The tunnel service under load: `python -m bench.tunnel`.

Idle tunnels' memory, ceremonies a second on one core, and how long a message takes at half of that load. The service
is a process of its own; its CPU time and memory are read from the kernel. `--soak SECONDS` lets good ceremonies go on
among peers that vanish, read nothing, or send rubbish: none may fail, and nothing may stay behind.
"""

import argparse
import asyncio
import resource
import secrets
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

MESSAGES = 6  # what one ceremony passes: two of the handshake, getInfo and update, request and answer
SIZE = 600


class Service:
    """`ostiary tunnel` on a free port, with room for the bench."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "bench.tunnel", "--serve"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port, self.routing = self._process.stdout.readline().split()

    @property
    def memory(self) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024

    @property
    def cpu(self) -> float:
        return time.clock_gettime(~self._process.pid << 3 | 2)  # clock_getcpuclockid(3)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def dial(self, path: str) -> connect:
        return connect(
            f"ws://127.0.0.1:{self.port}{path}",
            subprotocols=[Subprotocol("fido.cable")],
            compression=None,
            ping_interval=None,
        )


async def idle(service: Service, count: int) -> float:
    """Bytes of the service's memory for each tunnel that waits."""
    before = service.memory
    connections: list[ClientConnection] = []
    for at in range(0, count, 100):
        batch = [service.dial(f"/cable/new/{secrets.token_hex(16)}") for _ in range(min(100, count - at))]
        connections += await asyncio.gather(*(one.__aenter__() for one in batch))
    used = service.memory - before
    print(f"{count} idle tunnels: {service.memory / 1e6:.0f} MB in all, {used / count / 1024:.1f} KiB each")
    await asyncio.gather(*(one.close() for one in connections))
    return used / count


async def ceremony(service: Service, delays: list[float]) -> None:
    tunnel = secrets.token_hex(16)
    connect_path = f"/cable/connect/{service.routing}/{tunnel}"
    async with service.dial(f"/cable/new/{tunnel}") as phone, service.dial(connect_path) as computer:
        message = secrets.token_bytes(SIZE)
        for number in range(MESSAGES):
            sender, receiver = (computer, phone) if number % 2 else (phone, computer)
            begun = time.perf_counter()
            await sender.send(message)
            await receiver.recv()
            delays.append(time.perf_counter() - begun)


async def ceremonies(
    service: Service, seconds: float, at_once: int, pause: float = 0.0
) -> tuple[float, float, list[float]]:
    """Ceremonies a second of wall time, and the service's CPU seconds for each."""
    delays: list[float] = []
    done = 0
    end = time.perf_counter() + seconds
    cpu, begun = service.cpu, time.perf_counter()

    async def one_after_another() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await ceremony(service, delays)
            done += 1
            if pause:
                await asyncio.sleep(pause)

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return done / (time.perf_counter() - begun), (service.cpu - cpu) / done, delays


async def bench(tunnels: int, seconds: float) -> None:
    from bench.sign_in import RawVerification  # not in the process that serves: it would weigh there

    service = Service()
    try:
        raw = RawVerification().seconds()
        await idle(service, tunnels)
        rate, cost, _ = await ceremonies(service, seconds, at_once=32)
        print(
            f"{1 / cost:.0f} ceremonies a second of one core ({cost * 1e3:.2f} ms of CPU each, "
            f"{cost / raw:.0f} raw P-256 verifications); {rate:.0f} a second here, clients included"
        )
        wanted = rate / 2
        rate, _, delays = await ceremonies(service, seconds, at_once=8, pause=max(8 / wanted - 8 / rate, 0.001))
        ordered = sorted(delays)
        print(
            f"at {rate:.0f} ceremonies a second a message takes {statistics.median(ordered) * 1e3:.2f} ms, "
            f"p99 {ordered[int(len(ordered) * 0.99)] * 1e3:.2f} ms"
        )
    finally:
        service.stop()


async def soak(seconds: float) -> None:
    service = Service()
    end = time.perf_counter() + seconds
    counts = dict.fromkeys(("good", "vanished", "slow", "rubbish"), 0)

    async def good() -> None:
        while time.perf_counter() < end:
            await ceremony(service, [])
            counts["good"] += 1

    async def vanishing() -> None:
        while time.perf_counter() < end:
            tunnel = secrets.token_hex(16)
            new, connect_path = f"/cable/new/{tunnel}", f"/cable/connect/{service.routing}/{tunnel}"
            async with service.dial(new) as phone, service.dial(connect_path) as computer:
                await computer.send(secrets.token_bytes(SIZE))
                (computer if counts["vanished"] % 2 else phone).transport.abort()
            counts["vanished"] += 1

    async def slow() -> None:
        """Sends as much as it may to somebody who reads nothing for a while."""
        while time.perf_counter() < end:
            tunnel = secrets.token_hex(16)
            new, connect_path = f"/cable/new/{tunnel}", f"/cable/connect/{service.routing}/{tunnel}"
            async with service.dial(new) as phone, service.dial(connect_path) as computer:
                phone.transport.pause_reading()
                with suppress(ConnectionClosed, TimeoutError):
                    async with asyncio.timeout(2):
                        while True:
                            await computer.send(bytes(100_000))
                phone.transport.abort()
            counts["slow"] += 1

    async def rubbish() -> None:
        while time.perf_counter() < end:
            path = secrets.choice((f"/cable/new/{secrets.token_hex(15)}", "/cable/contact/AAAA", "/", "/cable/standby"))
            with suppress(InvalidStatus, ConnectionClosed):
                async with service.dial(path) as peer:
                    await peer.send(secrets.choice(("text", secrets.token_bytes(300))))
                    await peer.recv()
            counts["rubbish"] += 1

    try:
        await asyncio.sleep(0)
        workers = [asyncio.create_task(one()) for one in (good, good, vanishing, vanishing, slow, slow, rubbish)]
        await asyncio.sleep(min(30.0, seconds / 4))
        early = service.memory
        await asyncio.gather(*workers)
        await asyncio.sleep(2)
        print(
            f"after {seconds:.0f} s: {counts}; "
            f"memory {early / 1e6:.1f} MB early, {service.memory / 1e6:.1f} MB at the end"
        )
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/metrics") as answer:
            still_open = next(
                line for line in answer.read().decode().splitlines() if line.startswith("ostiary_tunnel_open ")
            )
        print(still_open)
    finally:
        service.stop()


def serve() -> None:
    from ostiary.hybrid.tunnel.exchange import Exchange
    from ostiary.hybrid.tunnel.limits import Limits
    from ostiary.hybrid.tunnel.server import TunnelServer, run

    limits = Limits(tunnels=100_000, tunnels_per_address=100_000, openings_per_minute=1_000_000, lifetime=600)
    exchange = Exchange(limits=limits)

    def ready(port: int) -> None:
        print(port, exchange.routing_id.hex(), flush=True)

    asyncio.run(run(TunnelServer(exchange), exchange, host="127.0.0.1", port=0, on_ready=ready))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tunnels", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--soak", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if arguments.serve:
        serve()
    elif arguments.soak:
        asyncio.run(soak(arguments.soak))
    else:
        asyncio.run(bench(arguments.tunnels, arguments.seconds))


if __name__ == "__main__":
    main()
