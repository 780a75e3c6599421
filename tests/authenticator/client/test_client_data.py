"""Byte for byte, as WebAuthn L3 §5.8.1.1 serialises it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ostiary.authenticator.client import base64url
from ostiary.authenticator.client.client_data import CREATE, GET, serialise
from ostiary.authenticator.client.origin import Caller


def test_the_members_stand_in_the_specification_s_order() -> None:
    written = serialise(CREATE, b"\x00\x01\xff", Caller("https://contoso.example"))
    assert written == (
        b'{"type":"webauthn.create","challenge":"AAH_","origin":"https://contoso.example","crossOrigin":false}'
    )


def test_a_framed_page_names_what_is_around_it() -> None:
    caller = Caller("https://contoso.example", cross_origin=True, top_origin="https://portal.example")
    assert serialise(GET, b"", caller) == (
        b'{"type":"webauthn.get","challenge":"","origin":"https://contoso.example","crossOrigin":true,'
        b'"topOrigin":"https://portal.example"}'
    )


def test_a_page_of_its_own_names_no_other() -> None:
    caller = Caller("https://contoso.example", cross_origin=False, top_origin="https://portal.example")
    assert b"topOrigin" not in serialise(GET, b"", caller)


def test_escapes_what_json_insists_on_and_nothing_else() -> None:
    written = serialise(GET, b"", Caller('"\\/\x00\x1f\x7fé\u2028😀'))
    assert '"origin":"\\"\\\\/\\u0000\\u001f\x7fé\u2028😀"'.encode() in written


@given(st.binary(), st.text(st.characters(exclude_categories=["Cs"])), st.booleans())
def test_any_json_reader_reads_it_back(challenge: bytes, origin: str, cross_origin: bool) -> None:
    read = json.loads(serialise(GET, challenge, Caller(origin, cross_origin)))
    assert read["origin"] == origin
    assert base64url.decode(read["challenge"]) == challenge
    assert read["crossOrigin"] is cross_origin
