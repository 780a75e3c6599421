"""A PIN as CTAP clients send it."""

import hashlib
import unicodedata


def pin_hash(pin: str) -> bytes:
    """LEFT(SHA-256(PIN), 16), the PIN in UTF-8 and Normalization Form C (CTAP 2.1 §6.5.1, §6.5.5)."""
    return hashlib.sha256(unicodedata.normalize("NFC", pin).encode()).digest()[:16]
