"""Client data: strict JSON, and what a browser may add to it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.passkeys import CeremonyError, CeremonyReason
from ostiary.passkeys.client_data import MAX_LENGTH, parse_client_data, read_challenge
from tests.passkeys.ceremonies import refuses

HONEST = {"type": "webauthn.get", "challenge": "AAAA", "origin": "https://a.example", "crossOrigin": False}


def spell(**members: object) -> bytes:
    return json.dumps({**HONEST, **members}).encode()


def test_reads_what_browsers_write() -> None:
    claimed = parse_client_data(spell(other_keys_can_be_added_here="do not compare", tokenBinding={"status": "x"}))
    assert (claimed.type, claimed.challenge, claimed.origin) == ("webauthn.get", "AAAA", "https://a.example")
    assert (claimed.cross_origin, claimed.top_origin) == (False, None)


def test_cross_origin_may_be_left_out() -> None:
    assert not parse_client_data(b'{"type":"t","challenge":"AAAA","origin":"o"}').cross_origin


def test_an_empty_top_origin_is_still_one() -> None:
    assert parse_client_data(spell(crossOrigin=True, topOrigin="")).top_origin == ""


def test_drops_a_byte_order_mark_and_only_one() -> None:
    mark = b"\xef\xbb\xbf"
    assert parse_client_data(mark + spell()) == parse_client_data(spell())
    with refuses(CeremonyReason.MALFORMED_CLIENT_DATA):
        parse_client_data(mark + mark + spell())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        spell()[:-1],
        spell() + b"}",
        spell().replace(b"AAAA", b"\xff\xff"),
        spell().decode().encode("utf-16"),
        b'{"type":"t","type":"t","challenge":"AAAA","origin":"o"}',
        b'{"type":"t","challenge":"AAAA","challenge":"BBBB","origin":"o"}',
        b'{"type":"t","challenge":"AAAA","origin":"o","extra":{"a":1,"a":1}}',
        b'{"type":"t","challenge":"AAAA","origin":"o","extra":NaN}',
        b'{"type":"t","challenge":"AAAA","origin":"o","extra":-Infinity}',
        b'{"type":"t","challenge":"AAAA","origin":"o","extra":' + b"9" * 5000 + b"}",
        b'{"type":"t","challenge":"AAAA","origin":"o","extra":' + b"[" * 8000 + b"]" * 8000 + b"}",
        b"[" * 16_000,
        spell(type=1),
        spell(type=None),
        spell(challenge=None),
        spell(challenge=["AAAA"]),
        spell(origin=None),
        spell(origin={}),
        spell(crossOrigin="true"),
        spell(crossOrigin=1),
        spell(crossOrigin=None),
        spell(topOrigin=None),
        spell(topOrigin=[]),
        spell(extra="x" * MAX_LENGTH),
    ],
)
def test_refuses_malformed_client_data(data: bytes) -> None:
    with refuses(CeremonyReason.MALFORMED_CLIENT_DATA):
        parse_client_data(data)


def test_reads_the_challenge() -> None:
    assert read_challenge(spell(challenge="AQID")) == b"\x01\x02\x03"


@pytest.mark.parametrize("challenge", ["AQID=", "A", "AQI+", "é", "\ud800"])
def test_refuses_challenge_that_is_not_base64url(challenge: str) -> None:
    with refuses(CeremonyReason.MALFORMED_CLIENT_DATA):
        read_challenge(spell(challenge=challenge))


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_arbitrary_bytes_are_refused_as_malformed(data: bytes) -> None:
    with pytest.raises(CeremonyError) as caught:
        read_challenge(data)
    assert caught.value.reason is CeremonyReason.MALFORMED_CLIENT_DATA
