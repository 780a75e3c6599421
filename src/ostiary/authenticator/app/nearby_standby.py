"""Being rung by computers that are remembered: one standing connection to each tunnel service where there are any.

It is kept while the Authenticator is unlocked, for a ring is answered with a link's secret; while it is locked, a
computer hears that the device is away, and keeps its link. One that was removed hears that, and forgets it (410).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.nearby_computers import Computer, Computers
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.views import Topic
from ostiary.authenticator.ports import Clock, Locked
from ostiary.hybrid.errors import HybridError, HybridReason
from ostiary.hybrid.linking import parse_client_payload
from ostiary.hybrid.tunnel.client import Places, TunnelConnection, TunnelError, stand_by
from ostiary.hybrid.tunnel.exchange import encode_standby
from ostiary.hybrid.wire import decode_map

_LOG: Final = logging.getLogger(__name__)
MOST_RINGS: Final = 4
"""A minute, of one computer: each makes this one advertise, and may end in a question."""
_MINUTE: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    computer: Computer
    nonce: bytes
    tunnel_id: bytes
    routing_id: bytes


@dataclass(slots=True)
class _Line:
    """To one tunnel service."""

    links: list[bytes]
    connection: TunnelConnection | None = None
    task: "asyncio.Task[None] | None" = None


@dataclass(slots=True)
class _Patience:
    """Rings of one computer within the last minute."""

    at: deque[int] = field(default_factory=deque)

    def takes(self, now: int) -> bool:
        while self.at and self.at[0] <= now - _MINUTE:
            self.at.popleft()
        if len(self.at) >= MOST_RINGS:
            return False
        self.at.append(now)
        return True


class Standby:
    def __init__(
        self,
        keys: AppKeys,
        computers: Computers,
        changes: Changes,
        clock: Clock,
        *,
        places: Places,
        answer: Callable[[Ring], Coroutine[Any, Any, None]],
    ) -> None:
        self._keys = keys
        self._computers = computers
        self._changes = changes
        self._clock = clock
        self._places = places
        self._answer = answer
        self._rings: dict[str, _Patience] = {}
        self._tasks: set[asyncio.Future[None]] = set()

    async def run(self) -> None:
        """Until cancelled. Lines begin and end as computers come and go, and with the lock."""
        lines: dict[int, _Line] = {}
        try:
            with self._changes.subscribe() as topics:
                await self._reconcile(lines)
                async for topic in topics:
                    if topic in (Topic.NEARBY, Topic.STATE):
                        await self._reconcile(lines)
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _reconcile(self, lines: dict[int, _Line]) -> None:
        wanted = self._computers.standing() if self._keys.is_unlocked else {}
        for domain, line in tuple(lines.items()):
            if domain not in wanted or line.task is None or line.task.done():
                if line.task is not None:
                    line.task.cancel()
                del lines[domain]
        for domain, links in wanted.items():
            known = lines.get(domain)
            if known is None:
                known = lines[domain] = _Line(links)
                known.task = self._begin(self._hold(domain, known))
            elif known.links != links:
                known.links = links
                await self._say_links(domain, known)

    async def _hold(self, domain: int, line: _Line) -> None:
        async with aclosing(stand_by(self._places(domain))) as connections:
            async for connection in connections:
                line.connection = connection
                try:
                    await self._say_links(domain, line)
                    while True:
                        self._take(domain, await connection.receive())
                except TunnelError as error:
                    _LOG.info("no longer standing by at tunnel service %d: %s", domain, error.detail)
                except Locked:
                    return  # `_reconcile` begins anew at the next unlocking
                finally:
                    line.connection = None

    async def _say_links(self, domain: int, line: _Line) -> None:
        if line.connection is None:
            return
        try:
            await line.connection.send(encode_standby(self._computers.standby_secret(domain), line.links))
        except (TunnelError, Locked):
            return  # `_hold` finds out, too

    def _take(self, domain: int, message: bytes) -> None:
        """What is no ring of a computer we know is passed over."""
        try:
            told = decode_map(message, HybridReason.MESSAGE_MALFORMED)
            tunnel_id, routing_id, payload = told.get(1), told.get(2), told.get(3)
            if not (isinstance(tunnel_id, bytes) and isinstance(routing_id, bytes) and isinstance(payload, bytes)):
                return
            link_id, nonce, _ = parse_client_payload(payload)
        except HybridError:
            return
        computer = self._computers.find(link_id, domain)
        if computer is None:
            return
        if not self._rings.setdefault(computer.id, _Patience()).takes(self._clock()):
            _LOG.info("a computer that is remembered rings too often")
            return
        self._begin(self._answer(Ring(computer=computer, nonce=nonce, tunnel_id=tunnel_id, routing_id=routing_id)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Ends with `run` at the latest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
