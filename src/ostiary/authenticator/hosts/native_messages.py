"""Frames of JSON: four bytes of length, then UTF-8. Browsers' native messaging has the length in the machine's own
byte order, the app's agent socket in little endian."""

import json
import struct
from collections.abc import Callable
from typing import Any, Final

NATIVE: Final = struct.Struct("=I")
AGENT: Final = struct.Struct("<I")
LONGEST: Final = 1024 * 1024
"""What a browser takes from a host. What it sends is held to the same."""


class FrameError(Exception):
    """What was read is no frame. Nothing that follows could be understood."""


def read_frame(read: Callable[[int], bytes], length: struct.Struct) -> dict[str, Any] | None:
    """None at the end of the stream. `read` gives as many bytes as asked for, fewer only at the end."""
    head = read(length.size)
    if not head:
        return None
    if len(head) != length.size:
        raise FrameError("the stream ended within a length")
    (size,) = length.unpack(head)
    if not 0 < size <= LONGEST:
        raise FrameError(f"a message of {size} bytes")
    body = read(size)
    if len(body) != size:
        raise FrameError("the stream ended within a message")
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FrameError("not JSON") from error
    if not isinstance(message, dict):
        raise FrameError("not an object")
    return message


def frame(message: dict[str, Any], length: struct.Struct) -> bytes:
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(body) > LONGEST:
        raise FrameError(f"a message of {len(body)} bytes")
    return length.pack(len(body)) + body
