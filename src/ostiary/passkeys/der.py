"""DER (X.690 §10), as much of it as certificates and two attestation formats' extensions need.

Definite lengths in their shortest form only, whole input or nothing. ``DerError`` is a ``ValueError``.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class DerError(ValueError):
    """Not DER, or not of the type that was asked for."""


class Tag(IntEnum):
    """Universal tags (X.680 §8.6), with the class and the constructed bit of their one DER form left out."""

    INTEGER = 2
    BIT_STRING = 3
    OCTET_STRING = 4
    ENUMERATED = 10
    SEQUENCE = 16
    SET = 17


_UNIVERSAL, _CONTEXT = 0, 2
_CONSTRUCTED_TAGS: Final = frozenset({Tag.SEQUENCE, Tag.SET})
_MAX_TAG_BYTES: Final = 3


@dataclass(frozen=True, slots=True)
class Element:
    """One tag, length and value. ``number`` is a universal tag, or that of a field when ``is_field``."""

    is_field: bool
    number: int
    is_constructed: bool
    content: bytes

    def take(self, tag: Tag) -> bytes:
        """The content of an element that has to be of this universal type."""
        if self.is_field or self.number != tag or self.is_constructed != (tag in _CONSTRUCTED_TAGS):
            raise DerError(f"expected {tag.name}")
        return self.content

    def elements(self, tag: Tag) -> list["Element"]:
        """What a sequence or a set holds."""
        return read_all(self.take(tag))

    def integer(self, tag: Tag = Tag.INTEGER) -> int:
        content = self.take(tag)
        if not content or (len(content) > 1 and content[0] in (0, 0xFF) and (content[0] ^ content[1]) < 0x80):
            raise DerError("an integer that is empty or longer than it need be")
        return int.from_bytes(content, "big", signed=True)

    def inner(self) -> "Element":
        """What an explicitly tagged field holds (X.690 §8.14.2)."""
        if not self.is_field or not self.is_constructed:
            raise DerError("not an explicitly tagged field")
        return read_one(self.content)


def read_one(data: bytes) -> Element:
    """The one element ``data`` holds."""
    element, end = _read(data, 0)
    if end != len(data):
        raise DerError(f"{len(data) - end} bytes after the value")
    return element


def read_all(data: bytes) -> list[Element]:
    """All the elements of ``data``, one after the other."""
    elements, at = [], 0
    while at < len(data):
        element, at = _read(data, at)
        elements.append(element)
    return elements


def _read(data: bytes, at: int) -> tuple[Element, int]:
    first = _byte(data, at)
    number, at = first & 0x1F, at + 1
    if number == 0x1F:
        number, at = _read_long_tag(data, at)
    tag_class = first >> 6
    if tag_class not in (_UNIVERSAL, _CONTEXT):
        raise DerError("a tag of a class that has no place here")
    length, at = _read_length(data, at)
    end = at + length
    if end > len(data):
        raise DerError("cut off")
    return Element(tag_class == _CONTEXT, number, first & 0x20 != 0, data[at:end]), end


def _read_long_tag(data: bytes, at: int) -> tuple[int, int]:
    """X.690 §8.1.2.4: seven bits a byte."""
    number = 0
    for place in range(_MAX_TAG_BYTES):
        byte = _byte(data, at + place)
        number = number << 7 | byte & 0x7F
        if number == 0:
            raise DerError("a tag longer than it need be")
        if byte < 0x80:
            if number < 0x1F:
                raise DerError("a tag longer than it need be")
            return number, at + place + 1
    raise DerError("a tag number too large")


def _read_length(data: bytes, at: int) -> tuple[int, int]:
    """X.690 §10.1: definite, and as short as possible."""
    first = _byte(data, at)
    at += 1
    if first < 0x80:
        return first, at
    size = first & 0x7F
    content = data[at : at + size]
    if not 1 <= size <= 4 or len(content) != size or content[0] == 0:
        raise DerError("a length of no use")
    length = int.from_bytes(content, "big")
    if length < 0x80:
        raise DerError("a length longer than it need be")
    return length, at + size


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise DerError("cut off")
    return data[at]
