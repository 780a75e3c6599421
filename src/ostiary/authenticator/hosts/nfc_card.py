"""CTAP over ISO 7816-4 (CTAP 2.1 §11.3): a smart card with the FIDO applet. Sans-I/O: command APDUs in, answers out.

Short and extended lengths, command chaining, response chaining by GET RESPONSE, and `NFCCTAP_GETRESPONSE` for hosts
that poll while a person is waited for.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ostiary.authenticator.hosts.ctaphid import LARGEST_MESSAGE, Status

AID: Final = bytes.fromhex("a0000006472f0001")
VERSION: Final = b"FIDO_2_0"  # no U2F here (§11.3.3)

_CHAINING: Final = 0x10
_SELECT, _GET_RESPONSE = 0xA4, 0xC0
_MESSAGE, _POLL, _CONTROL = 0x10, 0x11, 0x12
_MAY_POLL: Final = 0x80  # P1 of NFCCTAP_MSG: the host understands keep-alives
_CANCEL: Final = 0x11  # P1 of NFCCTAP_GETRESPONSE

OK: Final = 0x9000
UPDATE: Final = 0x9100
_MORE: Final = 0x6100
WRONG_LENGTH: Final = 0x6700
CHAIN_BROKEN: Final = 0x6883
CONDITIONS_UNMET: Final = 0x6985
FILE_UNKNOWN: Final = 0x6A82
PARAMETERS_WRONG: Final = 0x6A86
INSTRUCTION_UNKNOWN: Final = 0x6D00
CLASS_UNKNOWN: Final = 0x6E00


class Apdu(NamedTuple):
    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    expected: int  # how many bytes the host takes at once


class BadApdu(ValueError):
    """Not a command APDU of ISO 7816-4 §5.1."""


class Work(NamedTuple):
    """A CTAP request came in whole. `may_poll`: the host asks again while it is worked on."""

    message: bytes
    may_poll: bool
    expected: int


class Poll(NamedTuple):
    """The host asks for the answer to the work given out, or cancels it: then it is answered all the same."""

    is_cancel: bool
    expected: int


@dataclass(slots=True)
class Card:
    """What one card between two resets remembers. `receive` gives an answer at once, or the work to be done first."""

    _is_selected: bool = False
    _chained: bytearray = field(default_factory=bytearray)
    _chain: tuple[int, ...] = ()  # the command that the chain is of
    _rest: bytes = b""
    _is_working: bool = False

    def receive(self, raw: bytes) -> bytes | Work | Poll:
        try:
            apdu = parse_apdu(raw)
        except BadApdu:
            return _word(WRONG_LENGTH)
        if apdu.ins == _GET_RESPONSE and apdu.cla in (0x00, 0x80):
            return self._next(apdu.expected)
        self._rest = b""
        if apdu.cla & ~_CHAINING not in (0x00, 0x80):
            return _word(CLASS_UNKNOWN)
        command = (apdu.cla & ~_CHAINING, *apdu[1:4])
        if command != self._chain:  # what was begun before is not gone on with (ISO 7816-4 §5.1.1.1)
            self._chained.clear()
            self._chain = command
        if apdu.cla & _CHAINING:
            return self._lengthen(apdu.data)
        data, self._chained = bytes(self._chained) + apdu.data, bytearray()
        if len(data) > LARGEST_MESSAGE:
            return _word(WRONG_LENGTH)
        if apdu.cla == 0x00:
            return self._select(apdu, data) if apdu.ins == _SELECT else _word(INSTRUCTION_UNKNOWN)
        if not self._is_selected:
            return _word(CONDITIONS_UNMET)
        return self._applet(apdu, data)

    def answer(self, message: bytes, expected: int) -> bytes:
        """The answer to the work given out, or as much of it as the host takes at once."""
        self._is_working = False
        self._rest = message
        return self._next(expected)

    def keep_alive(self, status: Status) -> bytes:
        """In place of an answer, to a host that may poll."""
        return bytes([status]) + _word(UPDATE)

    def _applet(self, apdu: Apdu, data: bytes) -> bytes | Work | Poll:
        if apdu.ins == _POLL:
            return Poll(apdu.p1 == _CANCEL, apdu.expected) if self._is_working else _word(CONDITIONS_UNMET)
        if self._is_working:  # one request at a time; a host that lost interest cancels or resets
            return _word(CONDITIONS_UNMET)
        if apdu.ins == _MESSAGE:
            if apdu.p1 & ~_MAY_POLL or apdu.p2:
                return _word(PARAMETERS_WRONG)
            if not data:
                return _word(WRONG_LENGTH)
            self._is_working = True
            return Work(data, bool(apdu.p1 & _MAY_POLL), apdu.expected)
        if apdu.ins == _CONTROL:  # the host is done with the applet (§11.3.6)
            if apdu.p1 != 0x01:
                return _word(PARAMETERS_WRONG)
            self._is_selected = False
            return _word(OK)
        return _word(INSTRUCTION_UNKNOWN)

    def _select(self, apdu: Apdu, data: bytes) -> bytes:
        self._is_selected = (apdu.p1, data) == (0x04, AID)
        return VERSION + _word(OK) if self._is_selected else _word(FILE_UNKNOWN)

    def _lengthen(self, data: bytes) -> bytes:
        if len(self._chained) + len(data) > LARGEST_MESSAGE:
            self._chained.clear()
            return _word(CHAIN_BROKEN)
        self._chained += data
        return _word(OK)

    def _next(self, expected: int) -> bytes:
        if not self._rest:
            return _word(CONDITIONS_UNMET)
        part, self._rest = self._rest[:expected], self._rest[expected:]
        return part + (_word(_MORE | min(len(self._rest), 0xFF)) if self._rest else _word(OK))


def parse_apdu(raw: bytes) -> Apdu:
    """Raises `BadApdu`."""
    if len(raw) < 4:
        raise BadApdu("shorter than a header")
    (cla, ins, p1, p2), body = raw[:4], raw[4:]
    if not body:
        return Apdu(cla, ins, p1, p2, b"", 256)
    if len(body) == 1:
        return Apdu(cla, ins, p1, p2, b"", body[0] or 256)
    if body[0]:
        length, rest = body[0], body[1:]
        width, most = 1, 256
    else:
        if len(body) < 3:
            raise BadApdu("an extended length is cut off")
        length, rest = int.from_bytes(body[1:3], "big"), body[3:]
        width, most = 2, 65_536
        if not rest:
            return Apdu(cla, ins, p1, p2, b"", length or most)
    data, expected = rest[:length], rest[length:]
    if len(data) < length or len(expected) not in (0, width):
        raise BadApdu("the length is not that of the data")
    return Apdu(
        cla, ins, p1, p2, data, (int.from_bytes(expected, "big") or most) if expected else (256 if width == 1 else most)
    )


def _word(status: int) -> bytes:
    return status.to_bytes(2, "big")
