"""How much anybody may take of a tunnel service. Everything a tunnel can hold is bounded by these."""

import ipaddress
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds, bytes and counts. `waiting_bytes`: kept for a peer who has not come yet."""

    lifetime: float = 120.0
    message_bytes: int = 256 * 1024
    messages: int = 64
    total_bytes: int = 2 * 1024 * 1024
    waiting_messages: int = 6
    waiting_bytes: int = 32 * 1024
    tunnels: int = 10_000
    tunnels_per_address: int = 20
    openings_per_minute: int = 120
    standing_by: int = 50_000
    standing_by_per_address: int = 200
    rings_per_minute: int = 12
    greeting: float = 10.0


MINUTE: Final = 60.0
_MOST_REMEMBERED: Final = 20_000


class Rate:
    """So many a minute for each key, in windows of a minute. Memory is bounded: of very many keys the oldest go."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: OrderedDict[object, tuple[int, int]] = OrderedDict()

    def allows(self, key: object, now: float) -> bool:
        window = int(now // MINUTE)
        began, count = self._counts.pop(key, (window, 0))
        count = count + 1 if began == window else 1
        self._counts[key] = (window, count)
        while len(self._counts) > _MOST_REMEMBERED:
            self._counts.popitem(last=False)
        return count <= self._most


def network(address: str) -> str:
    """An address as limits see it: an IPv6 customer holds a whole /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class Held:
    """How many of something each address holds now."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        if self._counts[address] >= self._most:
            return False
        self._counts[address] += 1
        return True

    def give_back(self, address: str) -> None:
        self._counts[address] -= 1
        if self._counts[address] <= 0:
            del self._counts[address]
