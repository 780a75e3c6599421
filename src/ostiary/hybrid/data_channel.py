"""What carries messages between the two ends: a tunnel, or Bluetooth itself (CTAP 2.3)."""

from collections.abc import Callable
from typing import Final, Protocol

from ostiary.hybrid.channel import LARGEST
from ostiary.hybrid.errors import HybridError, HybridReason

IsWhole = Callable[[bytes], bool]
"""Whether bytes are the next message of a session, by its own judgement."""


class DataChannel(Protocol):
    async def send(self, message: bytes) -> None:
        """Raises `TunnelError(CLOSED)`."""
        ...

    async def receive(self, is_whole: IsWhole) -> bytes:
        """The next message. `is_whole` is asked where the channel itself does not tell. Raises `TunnelError(CLOSED)`
        or `HybridError`."""
        ...

    async def close(self) -> None: ...


END: Final = b"\r\n"


class Reassembly:
    """Messages out of pieces that end in CR LF, or end with the piece: peers do either, and what is sealed may hold a
    CR LF of its own. So every place where a message might end is tried, and the session, which alone can open it, says
    which it is."""

    def __init__(self) -> None:
        self._pieces = bytearray()
        self._ends: list[int] = []

    def add(self, piece: bytes) -> None:
        """Raises `HybridError(MESSAGE_MALFORMED)` for more than a message can hold."""
        if len(self._pieces) + len(piece) > LARGEST:
            raise HybridError(HybridReason.MESSAGE_MALFORMED, "too long")
        begin = max(len(self._pieces) - 1, 0)
        self._pieces += piece
        at = self._pieces.find(END, begin)
        while at >= 0:
            self._ends.append(at)
            at = self._pieces.find(END, at + 1)
        if not self._ends or self._ends[-1] != len(self._pieces) - len(END):
            self._ends.append(len(self._pieces))

    def take(self, is_whole: IsWhole) -> bytes | None:
        """The next message, if all of it is here."""
        for begin in (0, len(END)) if self._pieces.startswith(END) else (0,):  # an end that came after its message
            for end in sorted(set(self._ends)):
                message = bytes(self._pieces[begin:end])
                if message and is_whole(message):
                    self._drop(end + len(END) if self._pieces[end : end + len(END)] == END else end)
                    return message
        return None

    def _drop(self, length: int) -> None:
        del self._pieces[:length]
        self._ends = [one - length for one in self._ends if one > length]
