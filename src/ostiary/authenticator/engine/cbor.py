"""CBOR in CTAP2 canonical form (CTAP 2.1 §8), both ways, strict and quick.

Refused: all that is not canonical, order of map keys included, and all that CTAP does not use: indefinite lengths,
tags, floating point, simple values but the booleans and null, more nesting than four levels. `fido2.cbor` lets most of
that pass and copies what is left of the message at every item, so the tests alone use it, as a peer.
"""

from typing import Any, Final

from ostiary.authenticator.engine.status import Refused, Status

MAX_DEPTH: Final = 4
"""CTAP 2.1 §8: messages nest no deeper; hmac-secret's key agreement does so by exactly four maps."""

_ARGUMENT_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_SIMPLE: Final = {0xF4: False, 0xF5: True, 0xF6: None}


def decode(data: bytes, start: int = 0) -> Any:
    """The one value from `start` on. Raises `Refused(INVALID_CBOR)`."""
    try:
        value, end = _decode_item(data, start, MAX_DEPTH)
    except (IndexError, UnicodeDecodeError):
        raise Refused(Status.INVALID_CBOR) from None
    if end != len(data):
        raise Refused(Status.INVALID_CBOR)
    return value


def _decode_item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    initial = data[at]
    at += 1
    major, argument = initial >> 5, initial & 0x1F
    if major >= 6:
        if initial not in _SIMPLE:
            raise Refused(Status.INVALID_CBOR)
        return _SIMPLE[initial], at
    if argument >= 24:
        argument, at = _decode_argument(data, at, argument)
    if major == 0:
        return argument, at
    if major == 1:
        return -1 - argument, at
    if major <= 3:
        end = at + argument
        if end > len(data):
            raise Refused(Status.INVALID_CBOR)
        content = data[at:end]
        return (content if major == 2 else content.decode()), end
    if depth == 0:
        raise Refused(Status.INVALID_CBOR)
    if major == 5:
        return _decode_map(data, at, argument, depth - 1)
    items = []
    for _ in range(argument):
        item, at = _decode_item(data, at, depth - 1)
        items.append(item)
    return items, at


def _decode_argument(data: bytes, at: int, info: int) -> tuple[int, int]:
    size = _ARGUMENT_SIZES.get(info)
    if size is None or at + size > len(data):
        raise Refused(Status.INVALID_CBOR)
    argument = int.from_bytes(data[at : at + size], "big")
    # §8: as short as possible
    if argument < 24 or (size > 1 and argument >> (size * 4) == 0):
        raise Refused(Status.INVALID_CBOR)
    return argument, at + size


def _decode_map(data: bytes, at: int, count: int, depth: int) -> tuple[dict[int | str, Any], int]:
    entries: dict[int | str, Any] = {}
    before = (-1, 0, b"")
    for _ in range(count):
        start = at
        key, at = _decode_item(data, at, 0)
        # A bool is an int to Python.
        if type(key) is not int and type(key) is not str:
            raise Refused(Status.INVALID_CBOR)
        # §8: keys sorted by major type, then length, then bytes; strictly, so that none is there twice
        order = (data[start] >> 5, at - start, data[start:at])
        if order <= before:
            raise Refused(Status.INVALID_CBOR)
        before = order
        entries[key], at = _decode_item(data, at, depth)
    return entries, at


class Encoded(bytes):
    """What is CBOR already."""


def encode(value: Any) -> bytes:
    """`value` in canonical form. Of dictionaries, lists, bytes, text, integers, booleans and `None`."""
    parts: list[bytes] = []
    _encode_item(value, parts.append)
    return b"".join(parts)


def _encode_item(value: Any, write: Any) -> None:
    kind = type(value)
    if kind is bytes:
        write(_head(0x40, len(value)))
        write(value)
    elif kind is str:
        content = value.encode()
        write(_head(0x60, len(content)))
        write(content)
    elif kind is int:
        write(_head(0x00, value) if value >= 0 else _head(0x20, -1 - value))
    elif kind is dict:
        write(_head(0xA0, len(value)))
        keyed = sorted(((encode(key), item) for key, item in value.items()), key=_key_order)
        for key, item in keyed:
            write(key)
            _encode_item(item, write)
    elif kind is bool:
        write(b"\xf5" if value else b"\xf4")
    elif kind is list:
        write(_head(0x80, len(value)))
        for item in value:
            _encode_item(item, write)
    elif value is None:
        write(b"\xf6")
    elif kind is Encoded:
        write(value)
    else:
        raise TypeError(f"{kind.__name__} in an answer")


def _key_order(entry: tuple[bytes, Any]) -> tuple[int, int, bytes]:
    key = entry[0]
    return key[0] >> 5, len(key), key


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes((major | argument,))
    for info, size in _ARGUMENT_SIZES.items():
        if argument >> (8 * size) == 0:
            return bytes((major | info,)) + argument.to_bytes(size, "big")
    raise ValueError("an integer beyond 64 bits")
