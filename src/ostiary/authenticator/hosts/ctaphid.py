"""CTAPHID: how CTAP messages travel in 64-byte USB reports (CTAP 2.1 §11.2). Sans-I/O: reports in, events out.

One transaction at a time, as on a real security key; what other channels send meanwhile is told that the channel is
busy. There is no U2F here (capability NMSG), so that nothing asks for presence without verification by the back door.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

REPORT_LENGTH: Final = 64
LARGEST_MESSAGE: Final = (REPORT_LENGTH - 7) + 128 * (REPORT_LENGTH - 5)
"""7609 bytes: what one initial and 128 continuation packets hold (§11.2.4)."""

KEEP_ALIVE_EVERY: Final = 100
"""Milliseconds between keep-alives while a request is worked on (§11.2.9.1.7)."""

PACKET_WITHIN: Final = 500
"""Milliseconds a continuation packet may take before the message is given up (§11.2.5.3)."""

BROADCAST: Final = 0xFFFFFFFF
_MOST_CHANNELS: Final = 256
_PROTOCOL_VERSION: Final = 2
_IS_COMMAND: Final = 0x80


class Command(IntEnum):
    PING = 0x01
    MSG = 0x03
    LOCK = 0x04
    INIT = 0x06
    WINK = 0x08
    CBOR = 0x10
    CANCEL = 0x11
    KEEPALIVE = 0x3B
    ERROR = 0x3F


class Problem(IntEnum):
    """§11.2.9.1.6"""

    INVALID_CMD = 0x01
    INVALID_PAR = 0x02
    INVALID_LEN = 0x03
    INVALID_SEQ = 0x04
    MSG_TIMEOUT = 0x05
    CHANNEL_BUSY = 0x06
    INVALID_CHANNEL = 0x0B


class Status(IntEnum):
    PROCESSING = 1
    UPNEEDED = 2


class Capability(IntFlag):
    WINK = 0x01
    CBOR = 0x04
    NMSG = 0x08


class Request(NamedTuple):
    """A CTAP request came in whole; `Protocol.answer` ends it."""

    channel: int
    message: bytes


class Cancelled(NamedTuple):
    """The request under way is to be cancelled; it is still answered."""

    channel: int


class Send(NamedTuple):
    report: bytes


Event = Request | Cancelled | Send


@dataclass(slots=True)
class _Incoming:
    channel: int
    command: int
    length: int
    content: bytearray
    sequence: int
    since: int


class Protocol:
    """The device's side. `receive` and `tick` take the time in milliseconds of any steady clock."""

    def __init__(self, *, randomness: Callable[[int], bytes], version: tuple[int, int, int] = (1, 0, 0)) -> None:
        self._randomness = randomness
        self._version = bytes(version)
        self._channels: dict[int, None] = {}  # in the order they were given out
        self._incoming: _Incoming | None = None
        self._working: int | None = None

    @property
    def is_working(self) -> bool:
        """Whether a request waits for its answer."""
        return self._working is not None

    def receive(self, report: bytes, now: int) -> list[Event]:
        """One report of the host. Shorter ones are padded, as a kernel may cut trailing zeros."""
        report = report[:REPORT_LENGTH].ljust(REPORT_LENGTH, b"\0")
        channel = int.from_bytes(report[:4], "big")
        events = self.tick(now)
        if report[4] & _IS_COMMAND:
            return events + self._begin(
                channel, report[4] & ~_IS_COMMAND, int.from_bytes(report[5:7], "big"), report[7:], now
            )
        return events + self._continue(channel, report[4], report[5:], now)

    def tick(self, now: int) -> list[Event]:
        """Gives up a message whose next packet is overdue."""
        incoming = self._incoming
        if incoming is None or now - incoming.since <= PACKET_WITHIN:
            return []
        self._incoming = None
        return _problem(incoming.channel, Problem.MSG_TIMEOUT)

    def answer(self, message: bytes) -> list[Event]:
        """The answer to the request under way."""
        assert self._working is not None
        channel, self._working = self._working, None
        return _send(channel, Command.CBOR, message)

    def keep_alive(self, status: Status) -> list[Event]:
        """To be sent every 100 ms while a request is worked on."""
        return _send(self._working, Command.KEEPALIVE, bytes([status])) if self._working is not None else []

    # --- packets

    def _begin(self, channel: int, command: int, length: int, data: bytes, now: int) -> list[Event]:
        if command == Command.INIT:
            return self._initialise(channel, length, data)
        if channel not in self._channels:  # the broadcast channel is for INIT alone
            return _problem(channel, Problem.INVALID_CHANNEL)
        if command == Command.CANCEL:  # never answered (§11.2.9.1.5)
            return [Cancelled(channel)] if self._working == channel else []
        if self._working is not None:
            return _problem(channel, Problem.CHANNEL_BUSY)
        if self._incoming is not None:
            if self._incoming.channel != channel:
                return _problem(channel, Problem.CHANNEL_BUSY)
            self._incoming = None
            return _problem(channel, Problem.INVALID_SEQ)
        if length > LARGEST_MESSAGE:
            return _problem(channel, Problem.INVALID_LEN)
        self._incoming = _Incoming(channel, command, length, bytearray(data[:length]), 0, now)
        return self._complete()

    def _continue(self, channel: int, sequence: int, data: bytes, now: int) -> list[Event]:
        incoming = self._incoming
        if incoming is None or incoming.channel != channel:
            return []  # spurious: ignored (§11.2.5.4)
        if sequence != incoming.sequence:
            self._incoming = None
            return _problem(channel, Problem.INVALID_SEQ)
        incoming.sequence += 1
        incoming.since = now
        incoming.content += data[: incoming.length - len(incoming.content)]
        return self._complete()

    def _complete(self) -> list[Event]:
        incoming = self._incoming
        assert incoming is not None
        if len(incoming.content) < incoming.length:
            return []
        self._incoming = None
        channel, content = incoming.channel, bytes(incoming.content)
        if incoming.command == Command.PING:
            return _send(channel, Command.PING, content)
        if incoming.command != Command.CBOR:
            return _problem(channel, Problem.INVALID_CMD)
        if not content:
            return _problem(channel, Problem.INVALID_LEN)
        self._working = channel
        return [Request(channel, content)]

    def _initialise(self, channel: int, length: int, data: bytes) -> list[Event]:
        """§11.2.9.1.3: a channel for the host, or, on a channel it has, a way to begin anew."""
        if length != 8:
            return _problem(channel, Problem.INVALID_LEN)
        if channel == BROADCAST:
            given = self._new_channel()
        elif channel in self._channels:
            given = channel
            if self._incoming is not None and self._incoming.channel == channel:
                self._incoming = None
        else:
            return _problem(channel, Problem.INVALID_CHANNEL)
        events: list[Event] = [Cancelled(channel)] if self._working == channel else []
        capabilities = bytes([Capability.CBOR | Capability.NMSG])
        body = data[:8] + given.to_bytes(4, "big") + bytes([_PROTOCOL_VERSION]) + self._version + capabilities
        return events + _send(channel, Command.INIT, body)

    def _new_channel(self) -> int:
        while True:
            channel = int.from_bytes(self._randomness(4), "big")
            if channel not in (0, BROADCAST) and channel not in self._channels:
                break
        if len(self._channels) >= _MOST_CHANNELS:  # the one given out longest ago; never the one being served
            oldest = next(one for one in self._channels if one != self._working)
            del self._channels[oldest]
        self._channels[channel] = None
        return channel


def packets(channel: int, command: int, message: bytes) -> Iterator[bytes]:
    """A message as reports (§11.2.4)."""
    assert len(message) <= LARGEST_MESSAGE
    head = channel.to_bytes(4, "big")
    first = head + bytes([command | _IS_COMMAND]) + len(message).to_bytes(2, "big") + message[: REPORT_LENGTH - 7]
    yield first.ljust(REPORT_LENGTH, b"\0")
    rest = message[REPORT_LENGTH - 7 :]
    step = REPORT_LENGTH - 5
    for sequence, at in enumerate(range(0, len(rest), step)):
        yield (head + bytes([sequence]) + rest[at : at + step]).ljust(REPORT_LENGTH, b"\0")


def _send(channel: int, command: Command, message: bytes) -> list[Event]:
    return [Send(report) for report in packets(channel, command, message)]


def _problem(channel: int, problem: Problem) -> list[Event]:
    return _send(channel, Command.ERROR, bytes([problem]))
