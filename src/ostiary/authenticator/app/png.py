"""Reads the pictures that screens are saved as: PNG (ISO/IEC 15948), eight bits a sample, not interlaced. Into grey."""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.qr import MOST_PIXELS

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By colour type: grey, colour, palette, grey and colour with alpha."""
_PALETTE: Final = 3


def grey_of_png(data: bytes) -> tuple[bytes, int, int]:
    """Pixels, a byte each, row by row; width; height. What is transparent is white. Raises IMAGE_INVALID."""
    try:
        return _read(data)
    except (ValueError, IndexError, KeyError, struct.error, zlib.error) as error:
        raise AppError(AppReason.IMAGE_INVALID) from error


def _read(data: bytes) -> tuple[bytes, int, int]:
    if not data.startswith(_SIGNATURE):
        raise ValueError("no PNG")
    palette, packed, head = b"", bytearray(), b""
    for kind, body in _chunks(data):
        if kind == b"IHDR":
            head = body
        elif kind == b"PLTE":
            palette = body
        elif kind == b"IDAT":
            packed += body
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", head)
    samples = _SAMPLES[colour]
    if depth != 8 or interlace or not 0 < width * height <= MOST_PIXELS:
        raise ValueError("not read here")
    stride = width * samples
    expected = (stride + 1) * height
    raw = zlib.decompressobj().decompress(bytes(packed), expected)  # no more than there can be
    if len(raw) != expected:
        raise ValueError("too short")
    rows = _unfiltered(raw, stride, samples)
    return b"".join(_grey(row, colour, palette) for row in rows), width, height


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            raise ValueError("cut off")
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def _unfiltered(raw: bytes, stride: int, step: int) -> Iterator[bytes]:
    """ISO/IEC 15948 §9: each row says which of its neighbours it is told as a difference from."""
    above = bytes(stride)
    for start in range(0, len(raw), stride + 1):
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        if kind == 1:
            for at in range(step, stride):
                row[at] = (row[at] + row[at - step]) & 0xFF
        elif kind == 2:
            row = bytearray((one + up) & 0xFF for one, up in zip(row, above, strict=True))
        elif kind == 3:
            for at in range(stride):
                left = row[at - step] if at >= step else 0
                row[at] = (row[at] + (left + above[at]) // 2) & 0xFF
        elif kind == 4:
            for at in range(stride):
                left, corner = (row[at - step], above[at - step]) if at >= step else (0, 0)
                row[at] = (row[at] + _nearest(left, above[at], corner)) & 0xFF
        elif kind != 0:
            raise ValueError("filter")
        above = bytes(row)
        yield above


def _nearest(left: int, up: int, corner: int) -> int:
    """Paeth."""
    guess = left + up - corner
    distances = abs(guess - left), abs(guess - up), abs(guess - corner)
    if distances[0] <= distances[1] and distances[0] <= distances[2]:
        return left
    return up if distances[1] <= distances[2] else corner


def _grey(row: bytes, colour: int, palette: bytes) -> bytes:
    """Green is grey enough for a code of two colours."""
    if colour == 0:
        return row
    if colour == _PALETTE:
        return bytes(palette[3 * one + 1] for one in row)
    if colour == 2:
        return row[1::3]
    values, alpha = (row[0::2], row[1::2]) if colour == 4 else (row[1::4], row[3::4])
    if alpha.count(255) == len(alpha):
        return values
    return bytes(255 - (255 - value) * seen // 255 for value, seen in zip(values, alpha, strict=True))
