"""authenticatorLargeBlobs (CTAP 2.1 §6.10): one array for all, read by anyone, written piece by piece with a token."""

import hashlib
from dataclasses import dataclass
from typing import Final

from ostiary.authenticator.engine.fields import Fields, need, take
from ostiary.authenticator.engine.info import MAX_LARGE_BLOBS
from ostiary.authenticator.engine.state import Answer, State
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.engine.token import Permission

_CHECKSUM_LENGTH: Final = 16
_SHORTEST: Final = 1 + _CHECKSUM_LENGTH
_OVERHEAD: Final = 64
"""maxFragmentLength is that much shorter than maxMsgSize."""


@dataclass(slots=True)
class Writing:
    """A writing under way."""

    expected_length: int
    content: bytes = b""


def large_blobs(state: State, fields: Fields) -> Answer:
    count: int | None = take(fields, 1, int)
    piece: bytes | None = take(fields, 2, bytes)
    if 3 not in fields:
        raise Refused(Status.INVALID_PARAMETER)
    offset = need(fields, 3, int)
    if (count is None) == (piece is None) or offset < 0:
        raise Refused(Status.INVALID_PARAMETER)
    if piece is not None:
        return _write(state, fields, piece, offset)
    assert count is not None
    return _read(state, fields, count, offset)


def _max_fragment_length(state: State) -> int:
    return state.max_message_size - _OVERHEAD


def _read(state: State, fields: Fields, count: int, offset: int) -> Answer:
    if count < 0 or 4 in fields or 5 in fields or 6 in fields:
        raise Refused(Status.INVALID_PARAMETER)
    if count > _max_fragment_length(state):
        raise Refused(Status.INVALID_LENGTH)
    stored = state.keys.large_blobs
    if offset > len(stored):
        raise Refused(Status.INVALID_PARAMETER)
    return {1: stored[offset : offset + count]}


def _write(state: State, fields: Fields, piece: bytes, offset: int) -> Answer:
    length: int | None = take(fields, 4, int)
    if len(piece) > _max_fragment_length(state):
        raise Refused(Status.INVALID_LENGTH)
    remembered = state.continuation
    if offset == 0:
        if length is None or length < _SHORTEST:
            raise Refused(Status.INVALID_PARAMETER)
        if length > MAX_LARGE_BLOBS:
            raise Refused(Status.LARGE_BLOB_STORAGE_FULL)
        writing = Writing(length)
    else:
        if length is not None:
            raise Refused(Status.INVALID_PARAMETER)
        if not isinstance(remembered, Writing) or len(remembered.content) != offset:
            raise Refused(Status.INVALID_SEQ)
        writing = remembered
    _verify(state, fields, piece, offset)
    if offset + len(piece) > writing.expected_length:
        raise Refused(Status.INVALID_PARAMETER)
    writing.content += piece
    if len(writing.content) < writing.expected_length:
        state.remember(writing)
        return {}
    content, checksum = writing.content[:-_CHECKSUM_LENGTH], writing.content[-_CHECKSUM_LENGTH:]
    if hashlib.sha256(content).digest()[:_CHECKSUM_LENGTH] != checksum:
        raise Refused(Status.INTEGRITY_FAILURE)
    state.keys.keep_large_blobs(writing.content)
    return {}


def _verify(state: State, fields: Fields, piece: bytes, offset: int) -> None:
    if not state.is_protected and not state.keys.configuration.always_uv:
        return
    signature: bytes | None = take(fields, 5, bytes)
    if signature is None:
        raise Refused(Status.PUAT_REQUIRED)
    protocol = state.need_protocol(fields, 6)
    message = b"\xff" * 32 + b"\x0c\x00" + offset.to_bytes(4, "little") + hashlib.sha256(piece).digest()
    state.token.verify(protocol, message, signature, Permission.LARGE_BLOB_WRITE)
