"""Keys from the secret of a QR code, or of a link (CTAP 2.2 §11.5.1.2)."""

from enum import IntEnum
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Purpose(IntEnum):
    EID_KEY = 1
    TUNNEL_ID = 2
    PSK = 3


class EidKey(NamedTuple):
    cipher: bytes
    mac: bytes


def derive(secret: bytes, purpose: Purpose, *, salt: bytes = b"", length: int) -> bytes:
    """HKDF-SHA-256 with the purpose as four little-endian bytes."""
    info = int(purpose).to_bytes(4, "little")
    return HKDF(algorithm=SHA256(), length=length, salt=salt or None, info=info).derive(secret)


def eid_key(secret: bytes, *, nonce: bytes = b"") -> EidKey:
    """`nonce` is the client's, of a linked transaction."""
    key = derive(secret, Purpose.EID_KEY, salt=nonce, length=64)
    return EidKey(key[:32], key[32:])


def tunnel_id(secret: bytes) -> bytes:
    return derive(secret, Purpose.TUNNEL_ID, length=16)


def pre_shared_key(secret: bytes, *, eid: bytes) -> bytes:
    """What only those know who heard the advert: its plaintext is the salt."""
    return derive(secret, Purpose.PSK, salt=eid, length=32)
