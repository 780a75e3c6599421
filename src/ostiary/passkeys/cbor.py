"""CBOR (RFC 8949), as much of it as WebAuthn messages may contain.

Allowed: integers, byte strings, text strings, arrays, maps with integer or text keys, ``true``, ``false`` and ``null``.
Refused: indefinite lengths, tags, floating point, other simple values, integers and lengths not in their shortest
form, duplicate map keys, truncated input, trailing bytes, deep nesting and long input (CTAP 2.2 §8; WebAuthn L3 §6).

The *order* of map keys is not judged by ``decode``: attestation objects are assembled by clients, and devices in
people's hands send them in every order. ``encode`` writes CTAP2 canonical order, so ``encode(decode(x)) == x`` asks
whether ``x`` has it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from ostiary.passkeys.reasons import CeremonyError, CeremonyReason

CborValue: TypeAlias = "int | bytes | str | bool | list[CborValue] | dict[int | str, CborValue] | None"
CborKeyed: TypeAlias = "Mapping[int, CborEncodable] | Mapping[str, CborEncodable] | Mapping[int | str, CborEncodable]"
CborEncodable: TypeAlias = "int | bytes | str | bool | Sequence[CborEncodable] | CborKeyed | None"

MAX_LENGTH: Final = 65_536
"""More than any message in the field: a three-level ML-DSA-87 certificate chain is about half of it."""

MAX_DEPTH: Final = 8
"""CTAP 2.2 §8 lets messages nest four deep; a compound attestation adds two, the rest is room."""

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_SIMPLE_VALUES: Final[dict[int, bool | None]] = {20: False, 21: True, 22: None}


def decode(data: bytes) -> CborValue:
    """The one value ``data`` holds. Raises ``CeremonyError(malformed_cbor)``, also for trailing bytes."""
    value, end = decode_prefix(data, 0)
    if end != len(data):
        raise _malformed(f"{len(data) - end} bytes after the value")
    return value


def decode_prefix(data: bytes, start: int) -> tuple[CborValue, int]:
    """The value that begins at ``start``, and where it ends. Raises ``CeremonyError(malformed_cbor)``."""
    if len(data) > MAX_LENGTH:
        raise _malformed(f"{len(data)} bytes are too many")
    return _decode_item(data, start, MAX_DEPTH)


def _decode_item(data: bytes, start: int, depth: int) -> tuple[CborValue, int]:
    major, argument, at = _decode_head(data, start)
    if major == _UNSIGNED:
        return argument, at
    if major == _NEGATIVE:
        return -1 - argument, at
    if major in (_BYTES, _TEXT):
        end = at + argument
        if end > len(data):
            raise _malformed("a string is cut off")
        content = data[at:end]
        return (content, end) if major == _BYTES else (_decode_text(content), end)
    if major == _SIMPLE:
        if argument not in _SIMPLE_VALUES:
            raise _malformed(f"simple value {argument}")
        return _SIMPLE_VALUES[argument], at
    if depth == 0:
        raise _malformed("nested too deep")
    if major == _ARRAY:
        return _decode_array(data, at, argument, depth - 1)
    return _decode_map(data, at, argument, depth - 1)


def _decode_head(data: bytes, at: int) -> tuple[int, int, int]:
    """Major type, argument, and where the content begins."""
    if at >= len(data):
        raise _malformed("cut off")
    major, info = data[at] >> 5, data[at] & 0x1F
    at += 1
    if major == _TAG:
        raise _malformed("a tag")
    if info < 24:
        return major, info, at
    # CTAP 2.2 §8: definite lengths only; no floating point (info 25-27 of major type 7), no simple values beyond null.
    if info > 27 or major == _SIMPLE:
        raise _malformed(f"initial byte {data[at - 1]:#04x}")
    size = 1 << (info - 24)
    if at + size > len(data):
        raise _malformed("an integer is cut off")
    argument = int.from_bytes(data[at : at + size], "big")
    # CTAP 2.2 §8: integers as short as possible.
    if argument < 24 or (size > 1 and argument >> (size * 4) == 0):
        raise _malformed("an integer is longer than it need be")
    return major, argument, at + size


def _decode_text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed("a text string is not UTF-8") from error


def _decode_array(data: bytes, at: int, count: int, depth: int) -> tuple[CborValue, int]:
    items: list[CborValue] = []
    for _ in range(count):
        item, at = _decode_item(data, at, depth)
        items.append(item)
    return items, at


def _decode_map(data: bytes, at: int, count: int, depth: int) -> tuple[CborValue, int]:
    entries: dict[int | str, CborValue] = {}
    for _ in range(count):
        key, at = _decode_item(data, at, depth)
        # A bool is an int to Python, and True == 1: it would pass for a key it is not.
        if isinstance(key, bool) or not isinstance(key, int | str):
            raise _malformed(f"a map key of type {type(key).__name__}")
        if key in entries:
            raise _malformed(f"map key {key!a} twice")
        entries[key], at = _decode_item(data, at, depth)
    return entries, at


def _malformed(detail: str) -> CeremonyError:
    return CeremonyError(CeremonyReason.MALFORMED_CBOR, detail)


def encode(value: CborEncodable) -> bytes:
    """``value`` in CTAP2 canonical form (CTAP 2.2 §8): shortest heads, map keys by type, then length, then bytes."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _encode_head(_UNSIGNED, value) if value >= 0 else _encode_head(_NEGATIVE, -1 - value)
    if isinstance(value, bytes):
        return _encode_head(_BYTES, len(value)) + value
    if isinstance(value, str):
        content = value.encode("utf-8")
        return _encode_head(_TEXT, len(content)) + content
    if isinstance(value, Mapping):
        entries = [(encode(key), encode(item)) for key, item in value.items()]
        entries.sort(key=lambda entry: (entry[0][0] >> 5, len(entry[0]), entry[0]))
        return _encode_head(_MAP, len(entries)) + b"".join(key + item for key, item in entries)
    return _encode_head(_ARRAY, len(value)) + b"".join(encode(item) for item in value)


def _encode_head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * size):
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise ValueError("an integer beyond 64 bits")
