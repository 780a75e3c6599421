"""Base64url: one spelling for each byte string."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.passkeys import base64url


@given(st.binary(max_size=100))
def test_round_trip(data: bytes) -> None:
    text = base64url.encode(data)
    assert text == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert base64url.decode(text) == data
    assert base64url.encode_to_bytes(data) == text.encode()


@given(st.text(alphabet="ABab01-_+/= \n", max_size=12) | st.text(max_size=12))
def test_what_decodes_is_what_encode_writes(text: str) -> None:
    try:
        data = base64url.decode(text)
    except ValueError:
        return
    assert base64url.encode(data) == text


@pytest.mark.parametrize(
    "text", ["AA==", "AAA=", "AAAA=", "A", "AAAAA", "AB", "AAB", "+AAA", "/AAA", "AA AA", "AAAA\n", "é", "=", "AA!A"]
)
def test_refuses(text: str) -> None:
    with pytest.raises(ValueError):
        base64url.decode(text)
