"""What is said after the handshake (CTAP 2.2 §11.5.1.5): sealed, counted, padded, each message with a type."""

from collections.abc import Collection
from enum import IntEnum
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ostiary.hybrid.errors import HybridError, HybridReason
from ostiary.hybrid.wire import decode_map, encode_map

LARGEST: Final = 1 << 20
_BLOCK: Final = 32
_MOST_MESSAGES: Final = (1 << 24) - 1

CTAP_FEATURE: Final = "ctap"
UPDATE_LENGTH: Final = 512
"""Of every update's plaintext, whether it links or not: an observer sees no difference."""


class MessageType(IntEnum):
    SHUTDOWN = 0
    CTAP = 1
    UPDATE = 2
    JSON = 3


class Channel:
    """One end of the channel. A message that does not open is fatal."""

    def __init__(self, *, sending: bytes, receiving: bytes) -> None:
        self._sending = AESGCM(sending)
        self._receiving = AESGCM(receiving)
        self._sent = 0
        self._received = 0

    def seal(self, plain: bytes) -> bytes:
        if self._sent > _MOST_MESSAGES:
            raise HybridError(HybridReason.TOO_MANY_MESSAGES)
        sealed = self._sending.encrypt(_nonce(self._sent), pad(plain), None)
        self._sent += 1
        return sealed

    def open(self, sealed: bytes) -> bytes:
        """Raises `HybridError`."""
        if self._received > _MOST_MESSAGES:
            raise HybridError(HybridReason.TOO_MANY_MESSAGES)
        if len(sealed) > LARGEST:
            raise HybridError(HybridReason.MESSAGE_MALFORMED, f"{len(sealed)} bytes")
        plain = self._decrypt(sealed)
        if plain is None:
            raise HybridError(HybridReason.MESSAGE_FORGED)
        self._received += 1
        return unpad(plain)

    def would_open(self, sealed: bytes) -> bool:
        """Whether this is the next message, for channels where messages have no clear end."""
        return self._decrypt(sealed) is not None

    def _decrypt(self, sealed: bytes) -> bytes | None:
        try:
            return self._receiving.decrypt(_nonce(self._received), sealed, None)
        except (InvalidTag, ValueError):
            return None


class Message(NamedTuple):
    type: MessageType
    body: bytes


class PostHandshake(NamedTuple):
    """The authenticator's first message: its getInfo, which a client must not ask for again, and what it can do."""

    get_info: bytes
    features: Collection[str] = (CTAP_FEATURE,)


def pad(plain: bytes) -> bytes:
    """Zeros to a multiple of 32 bytes, and how many of them."""
    zeros = -(len(plain) + 1) % _BLOCK
    return plain + bytes(zeros) + bytes([zeros])


def unpad(padded: bytes) -> bytes:
    """Not every peer pads to a multiple of 32, so any count that fits is taken. Raises `HybridError`."""
    if not padded or padded[-1] + 1 >= len(padded):
        raise HybridError(HybridReason.MESSAGE_MALFORMED, "padding")
    return padded[: -padded[-1] - 1]


def parse_message(plain: bytes) -> Message:
    """Raises `HybridError` for types nobody knows."""
    try:
        return Message(MessageType(plain[0]), plain[1:])
    except (IndexError, ValueError) as error:
        raise HybridError(HybridReason.MESSAGE_UNEXPECTED, "type") from error


def encode_post_handshake(get_info: bytes) -> bytes:
    return encode_map({1: get_info, 3: [CTAP_FEATURE]})


def parse_post_handshake(plain: bytes) -> PostHandshake:
    """Raises `HybridError(CTAP_NOT_OFFERED)` where there is no authenticator behind it."""
    values = decode_map(plain, HybridReason.MESSAGE_MALFORMED)
    features = values.get(3, [CTAP_FEATURE])
    if not isinstance(features, list | tuple):
        raise HybridError(HybridReason.MESSAGE_MALFORMED, "features")
    get_info = values.get(1)
    if CTAP_FEATURE not in features:
        raise HybridError(HybridReason.CTAP_NOT_OFFERED)
    if not isinstance(get_info, bytes):
        raise HybridError(HybridReason.MESSAGE_MALFORMED, "getInfo")
    return PostHandshake(get_info, tuple(one for one in features if isinstance(one, str)))


def _nonce(count: int) -> bytes:
    return count.to_bytes(12, "big")
