"""Secrets we must read again (code generators) are sealed with a key that is not in the database."""

import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class SealBrokenError(Exception):
    """Sealed with another key, for another purpose, or changed since."""


class Sealer:
    """AES-256-GCM with a random nonce; `purpose` is authenticated, so a seal cannot be moved elsewhere."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)
        self.key = key

    def seal(self, plain: bytes, *, purpose: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._aead.encrypt(nonce, plain, purpose.encode())

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        try:
            return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBrokenError(purpose) from error

    def __repr__(self) -> str:
        return "Sealer(...)"


def key_from_file(path: Path) -> bytes:
    """The key in the file, made at the first start. Whole or not at all: it is written aside and renamed."""
    if not path.exists():
        aside = path.with_suffix(".new")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    key = path.read_bytes()
    if len(key) != 32:
        raise SealBrokenError(f"{path} does not hold a key of 32 bytes")
    return key
