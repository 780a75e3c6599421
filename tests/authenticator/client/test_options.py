"""Options of the wrong shape are refused by name, before anybody is asked anything."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.authenticator.client import ClientError, ClientReason, base64url
from ostiary.authenticator.client.options import read_creation_options, read_request_options

from .ceremonies import creation_options, request_options


def _without(name: str) -> dict[str, Any]:
    options = creation_options()
    del options[name]
    return options


@pytest.mark.parametrize(
    "options",
    [
        None,
        [],
        "options",
        _without("rp"),
        _without("user"),
        _without("challenge"),
        _without("pubKeyCredParams"),
        creation_options(rp={"id": "contoso.example"}),
        creation_options(rp={"id": 7, "name": "Contoso"}),
        creation_options(rp="Contoso"),
        creation_options(rp={"name": "\ud800"}),
        creation_options(user={"id": "AA", "name": "ada"}),
        creation_options(user={"id": "", "name": "ada", "displayName": "Ada"}),
        creation_options(user={"id": base64url.encode(bytes(65)), "name": "ada", "displayName": "Ada"}),
        creation_options(challenge=7),
        creation_options(pubKeyCredParams={}),
        creation_options(pubKeyCredParams=[7]),
        creation_options(pubKeyCredParams=[{"alg": -7}]),
        creation_options(pubKeyCredParams=[{"type": "public-key", "alg": "ES256"}]),
        creation_options(pubKeyCredParams=[{"type": "public-key", "alg": True}]),
        creation_options(pubKeyCredParams=[{"type": "public-key", "alg": 2**40}]),
        creation_options(excludeCredentials={}),
        creation_options(excludeCredentials=["AAAA"]),
        creation_options(excludeCredentials=[{"id": "AAAA"}]),
        creation_options(excludeCredentials=[{"type": "public-key"}]),
        creation_options(authenticatorSelection=[]),
        creation_options(authenticatorSelection={"residentKey": 1}),
        creation_options(authenticatorSelection={"requireResidentKey": "yes"}),
        creation_options(authenticatorSelection={"userVerification": True}),
        creation_options(authenticatorSelection={"authenticatorAttachment": 1}),
        creation_options(attestation=7),
        creation_options(hints="security-key"),
        creation_options(timeout="soon"),
        creation_options(timeout=True),
        creation_options(timeout=-1),
        creation_options(timeout=math.inf),
        creation_options(timeout=math.nan),
        creation_options(extensions=[]),
    ],
)
def test_refuses_creation_options_of_the_wrong_shape(options: object) -> None:
    with pytest.raises(ClientError) as caught:
        read_creation_options(options)
    assert (caught.value.name, caught.value.reason) == ("TypeError", ClientReason.OPTIONS_INVALID)


@pytest.mark.parametrize("text", ["AA==", "A", "AB", "+A", "A A", "Ä", "AA\n"])
def test_refuses_bytes_that_are_not_base64url(text: str) -> None:
    for read, options in (
        (read_creation_options, creation_options(challenge=text)),
        (read_creation_options, creation_options(user={"id": text, "name": "ada", "displayName": "Ada"})),
        (read_request_options, request_options(allowCredentials=[{"type": "public-key", "id": text}])),
    ):
        with pytest.raises(ClientError) as caught:
            read(options)
        assert (caught.value.name, caught.value.reason) == ("EncodingError", ClientReason.ENCODING_INVALID)


def test_an_empty_list_allows_every_credential_and_a_list_of_strangers_none() -> None:
    assert read_request_options(request_options(allowCredentials=[])).allow is None
    assert read_request_options(request_options()).allow is None
    assert read_request_options(request_options(allowCredentials=[{"type": "other", "id": "AA"}])).allow == ()


def test_a_credential_named_twice_is_one() -> None:
    twice = [{"type": "public-key", "id": "AAAA"}, {"type": "public-key", "id": "AAAA", "transports": ["smart-card"]}]
    assert read_request_options(request_options(allowCredentials=twice)).allow == (bytes(3),)


@pytest.mark.parametrize(
    ("wanted", "read"), [(None, "preferred"), ("unheard of", "preferred"), ("discouraged", "discouraged")]
)
def test_a_wish_nobody_knows_is_as_good_as_none(wanted: str | None, read: str) -> None:
    assert read_request_options(request_options(userVerification=wanted)).user_verification == read


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_MEMBERS = st.sampled_from([*creation_options(), "excludeCredentials", "extensions", "timeout", "attestation", "hints"])


@given(_MEMBERS, _JSON)
def test_nothing_but_a_refusal_comes_of_nonsense(name: str, value: object) -> None:
    for read, options in (
        (read_creation_options, creation_options(**{name: value})),
        (read_request_options, request_options(**{name: value})),
    ):
        try:
            read(options)
        except ClientError as error:
            assert error.name in ("TypeError", "EncodingError", "NotSupportedError")


@given(st.binary())
def test_bytes_have_one_spelling(octets: bytes) -> None:
    assert base64url.decode(base64url.encode(octets)) == octets
