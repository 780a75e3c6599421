"""The FIDO applet of a smart card, APDU by APDU (CTAP 2.1 §11.3, ISO 7816-4)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.authenticator.hosts.ctaphid import LARGEST_MESSAGE, Status
from ostiary.authenticator.hosts.nfc_card import (
    AID,
    CHAIN_BROKEN,
    CLASS_UNKNOWN,
    CONDITIONS_UNMET,
    FILE_UNKNOWN,
    INSTRUCTION_UNKNOWN,
    OK,
    PARAMETERS_WRONG,
    VERSION,
    WRONG_LENGTH,
    BadApdu,
    Card,
    Poll,
    Work,
    parse_apdu,
)

SELECT = bytes.fromhex("00a4040008") + AID + b"\0"


def word(answer: bytes | Work | Poll) -> int:
    assert isinstance(answer, bytes)
    return int.from_bytes(answer[-2:], "big")


def selected() -> Card:
    card = Card()
    assert card.receive(SELECT) == VERSION + OK.to_bytes(2, "big")
    return card


def short(ins: int, p1: int, data: bytes, cla: int = 0x80) -> bytes:
    return bytes([cla, ins, p1, 0, len(data)]) + data + b"\0"


def extended(ins: int, p1: int, data: bytes) -> bytes:
    return bytes([0x80, ins, p1, 0, 0]) + len(data).to_bytes(2, "big") + data + b"\0\0"


def test_takes_a_short_request() -> None:
    assert selected().receive(short(0x10, 0, b"\x04")) == Work(b"\x04", False, 256)


def test_takes_an_extended_request_and_answers_at_once() -> None:
    card = selected()
    assert card.receive(extended(0x10, 0x80, bytes(2000))) == Work(bytes(2000), True, 65_536)
    assert card.answer(bytes(1000), 65_536) == bytes(1000) + b"\x90\x00"


def test_takes_a_request_in_a_chain_and_answers_in_one() -> None:
    card = selected()
    assert word(card.receive(short(0x10, 0, b"a" * 250, cla=0x90))) == OK
    assert word(card.receive(short(0x10, 0, b"b" * 250, cla=0x90))) == OK
    assert card.receive(short(0x10, 0, b"c")) == Work(b"a" * 250 + b"b" * 250 + b"c", False, 256)
    first = card.answer(bytes(600), 256)
    assert len(first) == 258 and first[-2:] == b"\x61\xff"
    second = card.receive(b"\x00\xc0\x00\x00\xff")
    assert isinstance(second, bytes) and len(second) == 257 and second[-2] == 0x61
    third = card.receive(b"\x00\xc0\x00\x00" + second[-1:])
    assert isinstance(third, bytes) and len(third) == 600 - 256 - 255 + 2 and third[-2:] == b"\x90\x00"


def test_keeps_a_polling_host_waiting() -> None:
    card = selected()
    card.receive(short(0x10, 0x80, b"\x04"))
    assert card.keep_alive(Status.UPNEEDED) == b"\x02\x91\x00"
    assert card.receive(bytes.fromhex("8011000000")) == Poll(False, 256)
    assert card.receive(bytes.fromhex("8011110000")) == Poll(True, 256)
    assert card.answer(b"\x2d", 256) == b"\x2d\x90\x00"
    assert word(card.receive(bytes.fromhex("8011000000"))) == CONDITIONS_UNMET


def test_refuses_another_request_meanwhile() -> None:
    card = selected()
    card.receive(short(0x10, 0x80, b"\x04"))
    assert word(card.receive(short(0x10, 0x80, b"\x04"))) == CONDITIONS_UNMET


def test_refuses_requests_before_the_applet_is_selected() -> None:
    assert word(Card().receive(short(0x10, 0, b"\x04"))) == CONDITIONS_UNMET
    card = selected()
    assert word(card.receive(bytes.fromhex("80120100"))) == OK
    assert word(card.receive(short(0x10, 0, b"\x04"))) == CONDITIONS_UNMET


@pytest.mark.parametrize(
    ("apdu", "status"),
    [
        ("00a4040008a0000006472f0002", FILE_UNKNOWN),
        ("00a40000", FILE_UNKNOWN),
        ("00b00000", INSTRUCTION_UNKNOWN),
        ("80200000", INSTRUCTION_UNKNOWN),
        ("40100000", CLASS_UNKNOWN),
        ("801001000104", PARAMETERS_WRONG),
        ("801000010104", PARAMETERS_WRONG),
        ("80120000", PARAMETERS_WRONG),
        ("80100000", WRONG_LENGTH),
        ("801000", WRONG_LENGTH),
        ("801000000504", WRONG_LENGTH),
        ("8010000000ff", WRONG_LENGTH),
        ("00c00000", CONDITIONS_UNMET),
    ],
)
def test_refuses_what_is_no_command_of_the_applet(apdu: str, status: int) -> None:
    assert word(selected().receive(bytes.fromhex(apdu))) == status


def test_refuses_a_chain_without_end() -> None:
    card = selected()
    for _ in range(LARGEST_MESSAGE // 250):
        assert word(card.receive(short(0x10, 0, bytes(250), cla=0x90))) == OK
    assert word(card.receive(short(0x10, 0, bytes(250), cla=0x90))) == CHAIN_BROKEN


@given(st.binary(max_size=400))
@settings(max_examples=500, deadline=None)
def test_survives_any_bytes(raw: bytes) -> None:
    try:
        apdu = parse_apdu(raw)
    except BadApdu:
        assert word(Card().receive(raw)) == WRONG_LENGTH
    else:
        assert len(apdu.data) <= len(raw) and apdu.expected
        card = selected()
        if isinstance(card.receive(raw), Work):
            card.answer(b"\0", 256)
        assert card.receive(SELECT) == VERSION + b"\x90\x00"
