"""Random identifiers and secrets: one place decides how long they are and where the randomness comes from."""

import hashlib
import secrets
import time
from uuid import UUID

_REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing a person misreads or mishears


def new_id() -> str:
    """A UUID version 7 (RFC 9562 §5.7): in order of time, so that the newest rows lie together."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62
    return str(UUID(int=value | random & (1 << 62) - 1))


def new_token() -> str:
    """A bearer secret of 256 bits, as it stands in a cookie. Only `token_hash` of it is ever stored."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def new_reference() -> str:
    """A code a person can read to a helpdesk, `P-7K3Q-2M`: 29 bits, unique enough to find one event by."""
    letters = "".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(6))
    return f"P-{letters[:4]}-{letters[4:]}"
