"""Who waits for whom at a tunnel service, and what passes between them. The same for every server around it.

A tunnel holds two peers at most, is joined once, and is gone when either leaves, when its time is over, or when
more passes than may. Messages are passed on as they come: a sender is not read from while the other side is slow, so a
tunnel holds one message, and a few while the second peer has not come yet.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Protocol

from ostiary.hybrid.advert import ROUTING_ID_LENGTH
from ostiary.hybrid.errors import HybridError, HybridReason
from ostiary.hybrid.tunnel.addresses import DEVICE_LENGTH, LINK_LENGTH, Connect, Contact, ContactId, New
from ostiary.hybrid.tunnel.limits import Held, Limits, Rate
from ostiary.hybrid.wire import decode_map, encode_map

JOINED: Final = b"\0"
"""Sent to a client who asked to be told when the authenticator comes."""

_SECRET_LENGTH: Final = 32
_MOST_LINKS: Final = 500


class Close(IntEnum):
    """RFC 6455 §7.4.1"""

    NORMAL = 1000
    GOING_AWAY = 1001
    UNSUPPORTED = 1003
    POLICY = 1008
    TOO_BIG = 1009


class Refused(Exception):
    """The connection is not taken; `status` is HTTP's."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Peer(Protocol):
    """One WebSocket."""

    async def send(self, message: bytes) -> None:
        """Waits while the other side is slow."""
        ...

    async def close(self, code: int) -> None: ...


@dataclass(slots=True)
class Counts:
    """For metrics. No identifiers, no addresses."""

    opened: int = 0
    joined: int = 0
    rung: int = 0
    refused: int = 0
    expired: int = 0
    messages: int = 0
    bytes: int = 0


@dataclass(slots=True, eq=False)
class Tunnel:
    """One of them, seen from both sides: `peers[0]` opened it, `peers[1]` joined."""

    id: bytes
    address: str
    peers: list[Peer]
    wants_signal: bool = False
    waiting: list[bytes] = field(default_factory=list)
    messages: list[int] = field(default_factory=lambda: [0, 0])
    passed: int = 0
    is_over: bool = False
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True, eq=False)
class _Device:
    """An authenticator that stands by to be rung."""

    peer: Peer
    address: str
    links: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Side:
    """One peer's place in a tunnel."""

    tunnel: Tunnel
    index: int


class Exchange:
    """All tunnels of one instance. `routing_id` names it among several: a balancer sends `connect` and `contact` to
    the instance whose they are, by the path alone."""

    def __init__(
        self,
        *,
        routing_id: bytes | None = None,
        limits: Limits | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        self.routing_id = routing_id or secrets.token_bytes(ROUTING_ID_LENGTH)
        assert len(self.routing_id) == ROUTING_ID_LENGTH
        self.limits = limits or Limits()
        self.counts = Counts()
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._waiting: dict[bytes, Tunnel] = {}
        self._tunnels: set[Tunnel] = set()
        self._devices: dict[bytes, _Device] = {}
        self._held = Held(self.limits.tunnels_per_address)
        self._held_standing_by = Held(self.limits.standing_by_per_address)
        self._openings = Rate(self.limits.openings_per_minute)
        self._rings = Rate(self.limits.rings_per_minute)

    @property
    def open_tunnels(self) -> int:
        return len(self._tunnels)

    @property
    def standing_by(self) -> int:
        return len(self._devices)

    # --- before the WebSocket is accepted: may it be?

    def admit_new(self, wanted: New, address: str) -> None:
        """Raises `Refused`."""
        self._admit(address)
        if wanted.tunnel_id in self._waiting:
            raise self._refuse(409, "This tunnel is waiting already.")

    def admit_connect(self, wanted: Connect, address: str) -> None:
        """Raises `Refused`."""
        if not self._openings.allows(address, self._now()):
            raise self._refuse(429, "Too many tunnels from here. Wait a minute.")
        if wanted.routing_id != self.routing_id or wanted.tunnel_id not in self._waiting:
            raise self._refuse(404, "No such tunnel is waiting.")

    def admit_contact(self, wanted: Contact, payload: bytes | None, address: str) -> None:
        """Raises `Refused`. 410 makes a client forget its link, so it is said only when the device itself says so, or
        when the identifier can never have been one of ours."""
        self._admit(address)
        contact = wanted.contact
        if contact is None:
            raise self._refuse(410, "This link is no more.")
        if payload is None:
            raise self._refuse(400, "The client's payload is missing.")
        device = self._devices.get(contact.device)
        if device is None:  # its identifier may name an instance of before a restart: the device itself is what counts
            raise self._refuse(503, "The device is not connected.")
        if contact.link not in device.links:
            raise self._refuse(410, "This link is no more.")
        if not self._rings.allows(contact.device, self._now()):
            raise self._refuse(429, "The device was called too often. Wait a minute.")

    def admit_standby(self, address: str) -> None:
        """Raises `Refused`."""
        if not self._openings.allows(address, self._now()):
            raise self._refuse(429, "Too many connections from here. Wait a minute.")
        if len(self._devices) >= self.limits.standing_by or not self._held_standing_by.take(address):
            raise self._refuse(429, "Too many devices stand by from here.")
        self._held_standing_by.give_back(address)

    # --- afterwards

    def open(self, wanted: New, peer: Peer, address: str) -> Side:
        """An authenticator that scanned a code waits for the client. Raises `Refused`."""
        if wanted.tunnel_id in self._waiting:
            raise self._refuse(409, "This tunnel is waiting already.")
        return Side(self._begin(wanted.tunnel_id, peer, address), 0)

    async def join(self, wanted: Connect, peer: Peer) -> Side:
        """The second peer; what was said before it came reaches it first. Raises `Refused`."""
        tunnel = self._waiting.pop(wanted.tunnel_id, None)
        if tunnel is None:
            raise self._refuse(404, "No such tunnel is waiting.")
        tunnel.peers.append(peer)
        self.counts.joined += 1
        if tunnel.wants_signal:
            await tunnel.peers[0].send(JOINED)
        while tunnel.waiting:
            await peer.send(tunnel.waiting.pop(0))
        return Side(tunnel, 1)

    async def ring(
        self, wanted: Contact, payload: bytes, peer: Peer, address: str, *, wants_signal: bool = False
    ) -> Side:
        """A linked client waits for the device it rings. Raises `Refused`."""
        contact = wanted.contact
        device = self._devices.get(contact.device) if contact is not None else None
        if device is None:
            raise self._refuse(503, "The device is not connected.")
        tunnel_id = secrets.token_bytes(16)
        tunnel = self._begin(tunnel_id, peer, address)
        tunnel.wants_signal = wants_signal
        self.counts.rung += 1
        await device.peer.send(encode_map({1: tunnel_id, 2: self.routing_id, 3: payload}))
        return Side(tunnel, 0)

    async def relay(self, side: Side, message: bytes) -> None:
        """Passes a message on, or keeps it for a peer who has not come; ends the tunnel that goes too far."""
        tunnel, limits = side.tunnel, self.limits
        tunnel.messages[side.index] += 1
        tunnel.passed += len(message)
        if tunnel.is_over:
            return
        if len(message) > limits.message_bytes or tunnel.passed > limits.total_bytes:
            await self.leave(side, Close.TOO_BIG)
        elif tunnel.messages[side.index] > limits.messages:
            await self.leave(side, Close.POLICY)
        elif len(tunnel.peers) == 2 and not tunnel.waiting:
            self.counts.messages += 1
            self.counts.bytes += len(message)
            await tunnel.peers[1 - side.index].send(message)
        else:
            tunnel.waiting.append(message)
            kept = sum(map(len, tunnel.waiting))
            if len(tunnel.waiting) > limits.waiting_messages or kept > limits.waiting_bytes:
                await self.leave(side, Close.POLICY)

    async def leave(self, side: Side, code: int) -> None:
        """A peer is gone, or is sent away: so is the other."""
        await self._end(side.tunnel, code)

    async def stand_by(self, peer: Peer, address: str, messages: Callable[[], Awaitable[bytes | None]]) -> None:
        """Serves a device that waits to be rung, until it leaves. It proves which device it is by a secret whose hash
        its contact identifiers hold, and says which links still stand, again whenever that changes."""
        device: _Device | None = None
        name = b""
        if not self._held_standing_by.take(address):
            await peer.close(Close.POLICY)
            return
        try:
            while (message := await self._next_word(messages, is_first=device is None)) is not None:
                try:
                    name, links = _parse_standby(message)
                except HybridError:
                    await peer.close(Close.POLICY)
                    return
                if device is None:
                    device = _Device(peer, address, links)
                    previous, self._devices[name] = self._devices.get(name), device
                    if previous is not None:  # the same device, come back before its old connection was missed
                        await previous.peer.close(Close.NORMAL)
                elif self._devices.get(name) is device:
                    device.links = links
                else:  # one device a connection
                    await peer.close(Close.POLICY)
                    return
            if device is None:
                await peer.close(Close.POLICY)
        finally:
            self._held_standing_by.give_back(address)
            if device is not None and self._devices.get(name) is device:
                del self._devices[name]

    async def _next_word(self, messages: Callable[[], Awaitable[bytes | None]], *, is_first: bool) -> bytes | None:
        """Whoever stands by says at once who it is; afterwards it may be silent for days."""
        try:
            async with asyncio.timeout(self.limits.greeting if is_first else None):
                return await messages()
        except TimeoutError:
            return None

    async def close(self) -> None:
        """The service stops."""
        for tunnel in tuple(self._tunnels):
            await self._end(tunnel, Close.GOING_AWAY)
        for device in tuple(self._devices.values()):
            await device.peer.close(Close.GOING_AWAY)

    # ---

    def _admit(self, address: str) -> None:
        if not self._openings.allows(address, self._now()):
            raise self._refuse(429, "Too many tunnels from here. Wait a minute.")
        if len(self._tunnels) >= self.limits.tunnels:
            raise self._refuse(503, "Too many tunnels are open.")

    def _begin(self, tunnel_id: bytes, peer: Peer, address: str) -> Tunnel:
        if not self._held.take(address):
            raise self._refuse(429, "Too many tunnels are open from here.")
        tunnel = Tunnel(tunnel_id, address, [peer])
        self._waiting[tunnel_id] = tunnel
        self._tunnels.add(tunnel)
        self.counts.opened += 1
        loop = asyncio.get_running_loop()
        tunnel.timer = loop.call_later(self.limits.lifetime, self._expire, tunnel)
        return tunnel

    def _expire(self, tunnel: Tunnel) -> None:
        self.counts.expired += 1
        task = asyncio.ensure_future(self._end(tunnel, Close.POLICY))
        tunnel.timer = None
        task.add_done_callback(lambda done: done.exception())

    async def _end(self, tunnel: Tunnel, code: int) -> None:
        if tunnel.is_over:
            return
        tunnel.is_over = True
        tunnel.waiting.clear()
        self._tunnels.discard(tunnel)
        self._held.give_back(tunnel.address)
        if tunnel.timer is not None:
            tunnel.timer.cancel()
        if self._waiting.get(tunnel.id) is tunnel:
            del self._waiting[tunnel.id]
        for peer in tunnel.peers:
            await peer.close(code)

    def _refuse(self, status: int, text: str) -> Refused:
        self.counts.refused += 1
        return Refused(status, text)


def device_of(secret: bytes) -> bytes:
    """The name of a device in its contact identifiers: the hash of what it proves itself by."""
    return hashlib.sha256(b"ostiary standby" + secret).digest()[:DEVICE_LENGTH]


def new_contact(routing_id: bytes, secret: bytes, link_id: bytes) -> ContactId:
    """`link_id`: of the link that the identifier is for, so that it ends with it."""
    return ContactId(routing_id, device_of(secret), link_id)


def metrics_text(exchange: Exchange) -> str:
    """Prometheus' text format: counts alone, of nobody in particular."""
    counts = exchange.counts
    values = {
        "open": ("gauge", exchange.open_tunnels),
        "standing_by": ("gauge", exchange.standing_by),
        "opened_total": ("counter", counts.opened),
        "joined_total": ("counter", counts.joined),
        "rung_total": ("counter", counts.rung),
        "refused_total": ("counter", counts.refused),
        "expired_total": ("counter", counts.expired),
        "messages_total": ("counter", counts.messages),
        "bytes_total": ("counter", counts.bytes),
    }
    lines = [
        line
        for name, (kind, value) in values.items()
        for line in (f"# TYPE ostiary_tunnel_{name} {kind}", f"ostiary_tunnel_{name} {value}")
    ]
    return "\n".join(lines) + "\n"


def encode_standby(secret: bytes, links: list[bytes]) -> bytes:
    return encode_map({1: secret, 2: links})


def _parse_standby(message: bytes) -> tuple[bytes, frozenset[bytes]]:
    values = decode_map(message, HybridReason.MESSAGE_MALFORMED)
    secret, links = values.get(1), values.get(2)
    if not isinstance(secret, bytes) or len(secret) != _SECRET_LENGTH or not isinstance(links, list | tuple):
        raise HybridError(HybridReason.MESSAGE_MALFORMED, "standby")
    if len(links) > _MOST_LINKS or not all(isinstance(one, bytes) and len(one) == LINK_LENGTH for one in links):
        raise HybridError(HybridReason.MESSAGE_MALFORMED, "links")
    return device_of(secret), frozenset(links)
