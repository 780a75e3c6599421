"""AES-256-GCM under keys derived by HKDF-SHA-256: how everything in a key store is sealed.

A file is a header in the clear, a nonce, and what is sealed; the header is associated data, so none of it can be
changed unnoticed:

    8  "OSTIARYK"      1  version      1  what file it is      1  where the device key is (`Protection`)      1  zero
    16 identity of the store           12 nonce                the rest: ciphertext and tag

Nonces are random: 96 bits are enough for 2^32 messages under one key (NIST SP 800-38D §8.3), and the busiest key here
seals a few bytes every thousand signatures.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ostiary.authenticator.keys.errors import KeyStoreDamaged, KeyStoreReason, KeyStoreUnavailable
from ostiary.authenticator.ports import Randomness

KEY_SIZE: Final = 32
STORE_ID_SIZE: Final = 16
_NONCE_SIZE: Final = 12
_MAGIC: Final = b"OSTIARYK"
_VERSION: Final = 1
_HEADER_SIZE: Final = len(_MAGIC) + 4 + STORE_ID_SIZE


class FileKind(IntEnum):
    KEYS = 1
    COUNTERS = 2


class Protection(IntEnum):
    """Where the device key lives: what a thief of the disk lacks, beside the PIN."""

    MEMORY = 0
    FILE = 1
    KEYRING = 2
    TPM = 3


class Header(NamedTuple):
    kind: FileKind
    protection: Protection
    store_id: bytes

    def encoded(self) -> bytes:
        return _MAGIC + bytes((_VERSION, self.kind, self.protection, 0)) + self.store_id


def derive(secret: bytes, *, store_id: bytes, purpose: str) -> bytes:
    """A key for one purpose in one store."""
    return HKDF(SHA256(), KEY_SIZE, salt=store_id, info=b"ostiary key store v1 " + purpose.encode()).derive(secret)


def seal(key: bytes, plaintext: bytes, associated: bytes, randomness: Randomness) -> bytes:
    nonce = randomness(_NONCE_SIZE)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def unseal(key: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    """None: another key, other associated data, or other bytes than were sealed."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], associated)
    except (InvalidTag, ValueError):
        return None


def read_header(file: bytes, kind: FileKind) -> Header:
    """Raises `KeyStoreDamaged`, or `KeyStoreUnavailable` for what a later version wrote."""
    name = kind.name.lower()
    if len(file) < _HEADER_SIZE or not file.startswith(_MAGIC):
        raise KeyStoreDamaged(f"The file '{name}' of the key store is not one.")
    version, found_kind, protection, zero = file[len(_MAGIC) : len(_MAGIC) + 4]
    if version > _VERSION:
        raise KeyStoreUnavailable(
            KeyStoreReason.NEWER_VERSION,
            "A later version of Ostiary wrote this key store.",
            next_step="Install that version again, or a later one.",
        )
    if version != _VERSION or found_kind != kind or zero != 0 or protection not in list(Protection):
        raise KeyStoreDamaged(f"The file '{name}' of the key store was changed.")
    return Header(kind, Protection(protection), file[_HEADER_SIZE - STORE_ID_SIZE : _HEADER_SIZE])


def seal_file(header: Header, key: bytes, plaintext: bytes, randomness: Randomness) -> bytes:
    encoded = header.encoded()
    return encoded + seal(key, plaintext, encoded, randomness)


def unseal_file(header: Header, key: bytes, file: bytes) -> bytes:
    """Raises `KeyStoreDamaged`."""
    plaintext = unseal(key, file[_HEADER_SIZE:], file[:_HEADER_SIZE])
    if plaintext is None:
        raise KeyStoreDamaged(
            f"The file '{header.kind.name.lower()}' of the key store was changed, or its device key is another one."
        )
    return plaintext
