"""Where tunnel services live: two assigned names, and 65,280 that follow from a number (CTAP 2.2 §11.5.1.3)."""

import hashlib
from collections.abc import Iterator
from typing import Final

from ostiary.hybrid.errors import HybridError, HybridReason

ASSIGNED: Final = ("cable.ua5v.com", "cable.auth.com")
FIRST_HASHED: Final = 256
LAST: Final = 0xFFFF

_CONTEXT: Final = b"caBLEv2 tunnel server domain"
_SUFFIXES: Final = (".com", ".org", ".net", ".info")
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"


def is_known(identifier: int) -> bool:
    return 0 <= identifier < len(ASSIGNED) or FIRST_HASHED <= identifier <= LAST


def domain_of(identifier: int) -> str:
    """Raises `HybridError(DOMAIN_UNKNOWN)` for numbers that stand for nothing yet."""
    if not is_known(identifier):
        raise HybridError(HybridReason.DOMAIN_UNKNOWN, str(identifier))
    if identifier < FIRST_HASHED:
        return ASSIGNED[identifier]
    digest = hashlib.sha256(_CONTEXT + identifier.to_bytes(2, "little") + b"\0").digest()
    rest = int.from_bytes(digest[:8], "little")
    suffix, rest = _SUFFIXES[rest & 3], rest >> 2
    name = ""
    while rest:
        name += _ALPHABET[rest & 31]
        rest >>= 5
    return f"cable.{name}{suffix}"


def identifier_of(domain: str) -> int | None:
    """The number whose name this is, if there is one."""
    domain = domain.lower().rstrip(".")
    return next((number for number, name in all_domains() if name == domain), None)


def all_domains() -> Iterator[tuple[int, str]]:
    """Every number and its name: an organisation registers one that is free."""
    for identifier in (*range(len(ASSIGNED)), *range(FIRST_HASHED, LAST + 1)):
        yield identifier, domain_of(identifier)
