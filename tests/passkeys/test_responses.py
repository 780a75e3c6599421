"""The browser's JSON: every type checked, and nothing but a refusal for anything else."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.passkeys import (
    CeremonyError,
    CeremonyReason,
    base64url,
    parse_authentication_response,
    parse_registration_response,
)
from tests.passkeys.ceremonies import (
    CHALLENGE,
    ORIGIN,
    USER_HANDLE,
    Record,
    creation_options,
    record_of,
    refuses,
    request_options,
    verify_authentication,
    verify_registration,
)
from tests.software_authenticator import SoftwareAuthenticator

AUTHENTICATOR = SoftwareAuthenticator(transports=("internal", "hybrid"))
REGISTRATION = AUTHENTICATOR.create(creation_options(), ORIGIN)
AUTHENTICATION = AUTHENTICATOR.get(request_options(), ORIGIN)


def outer(data: dict[str, Any], **members: object) -> dict[str, Any]:
    return {name: value for name, value in {**data, **members}.items() if value is not ...}


def inner(data: dict[str, Any], **members: object) -> dict[str, Any]:
    return {**data, "response": outer(data["response"], **members)}


def test_reads_a_registration() -> None:
    response = parse_registration_response(REGISTRATION)
    assert response.credential_id == AUTHENTICATOR.credentials[0].id
    assert response.challenge == CHALLENGE
    assert response.transports == ("internal", "hybrid")
    assert response.authenticator_attachment == "platform"
    assert response.client_extension_results == {"credProps": {"rk": True}}


def test_reads_an_authentication() -> None:
    response = parse_authentication_response(AUTHENTICATION)
    assert response.challenge == CHALLENGE
    assert response.user_handle == USER_HANDLE
    assert len(response.authenticator_data) == 37


def test_ignores_members_it_does_not_know() -> None:
    data = inner(outer(REGISTRATION, name="My passkey"), publicKey=5, extra=[])
    assert parse_registration_response(data) == parse_registration_response(REGISTRATION)


def test_ignores_the_unsigned_copies_of_signed_things() -> None:
    data = inner(REGISTRATION, publicKey="AAAA", publicKeyAlgorithm=-257, authenticatorData="AAAA")
    assert verify_registration(data) == verify_registration(REGISTRATION)


@pytest.mark.parametrize(
    ("given_transports", "kept"),
    [
        (..., ()),
        (None, ()),
        ([], ()),
        (["usb", "nfc", "usb"], ("usb", "nfc")),
        (["cable", "internal", "teleport"], ("internal",)),
    ],
)
def test_keeps_transports_as_given(given_transports: object, kept: tuple[str, ...]) -> None:
    assert parse_registration_response(inner(REGISTRATION, transports=given_transports)).transports == kept


@pytest.mark.parametrize("attachment", [..., None, "orbital"])
def test_treats_an_unknown_attachment_as_absent(attachment: object) -> None:
    response = parse_registration_response(outer(REGISTRATION, authenticatorAttachment=attachment))
    assert response.authenticator_attachment is None


def test_user_handle_may_be_absent_or_null() -> None:
    for absent in (..., None):
        assert parse_authentication_response(inner(AUTHENTICATION, userHandle=absent)).user_handle is None


OUTER: list[dict[str, object]] = [
    {"id": ...},
    {"rawId": ...},
    {"id": "AAAA"},
    {"id": None, "rawId": None},
    {"id": "", "rawId": ""},
    {"id": "AA==", "rawId": "AA=="},
    {"id": "AB", "rawId": "AB"},
    {"id": 5, "rawId": 5},
    {"type": ...},
    {"type": "password"},
    {"type": ["public-key"]},
    {"response": ...},
    {"response": []},
    {"response": "text"},
    {"authenticatorAttachment": 1},
    {"clientExtensionResults": []},
    {"clientExtensionResults": None},
]


@pytest.mark.parametrize("change", OUTER)
def test_refuses_malformed_envelope(change: dict[str, object]) -> None:
    with refuses(CeremonyReason.MALFORMED_RESPONSE):
        parse_registration_response(outer(REGISTRATION, **change))
    with refuses(CeremonyReason.MALFORMED_RESPONSE):
        parse_authentication_response(outer(AUTHENTICATION, **change))


BAD_BYTES: list[object] = [..., None, "", 5, [], {}, "AA==", "A", "AAAAA", "A+AA", "A/AA", "é", "AAAA\n", "A" * 90_000]


@pytest.mark.parametrize("value", BAD_BYTES)
@pytest.mark.parametrize("field", ["clientDataJSON", "attestationObject"])
def test_refuses_malformed_registration_bytes(field: str, value: object) -> None:
    with refuses(CeremonyReason.MALFORMED_RESPONSE):
        parse_registration_response(inner(REGISTRATION, **{field: value}))


@pytest.mark.parametrize("value", BAD_BYTES)
@pytest.mark.parametrize("field", ["clientDataJSON", "authenticatorData", "signature"])
def test_refuses_malformed_authentication_bytes(field: str, value: object) -> None:
    with refuses(CeremonyReason.MALFORMED_RESPONSE):
        parse_authentication_response(inner(AUTHENTICATION, **{field: value}))


@pytest.mark.parametrize("value", ["", 5, "AA==", base64url.encode(bytes(65))])
def test_refuses_malformed_user_handle(value: object) -> None:
    with refuses(CeremonyReason.MALFORMED_RESPONSE):
        parse_authentication_response(inner(AUTHENTICATION, userHandle=value))


def test_accepts_the_longest_user_handle() -> None:
    data = inner(AUTHENTICATION, userHandle=base64url.encode(bytes(64)))
    assert parse_authentication_response(data).user_handle == bytes(64)


@pytest.mark.parametrize("value", ["usb", {"usb": 1}, [1], ["usb", None], ["usb"] * 33])
def test_refuses_malformed_transports(value: object) -> None:
    with refuses(CeremonyReason.MALFORMED_RESPONSE):
        parse_registration_response(inner(REGISTRATION, transports=value))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)


@given(JSON_VALUES)
def test_arbitrary_json_is_refused_as_malformed(data: object) -> None:
    for parse in (parse_registration_response, parse_authentication_response):
        with pytest.raises(CeremonyError) as caught:
            parse(data)
        assert caught.value.reason is CeremonyReason.MALFORMED_RESPONSE


BYTES = st.binary(min_size=1, max_size=80).map(base64url.encode)


@settings(max_examples=60)
@given(BYTES, BYTES)
def test_arbitrary_bytes_never_register(client_data: str, attestation_object: str) -> None:
    data = inner(REGISTRATION, clientDataJSON=client_data, attestationObject=attestation_object)
    with pytest.raises(CeremonyError):
        verify_registration(data)
    # With honest client data, so that the rest is looked at.
    with pytest.raises(CeremonyError) as caught:
        verify_registration(inner(REGISTRATION, attestationObject=attestation_object))
    assert caught.value.reason is CeremonyReason.MALFORMED_CBOR


@settings(max_examples=60)
@given(BYTES, st.binary(min_size=1, max_size=80).map(base64url.encode))
def test_arbitrary_bytes_never_authenticate(authenticator_data: str, signature: str) -> None:
    record: Record = record_of(verify_registration(REGISTRATION))
    for change in ({"authenticatorData": authenticator_data}, {"signature": signature}):
        with pytest.raises(CeremonyError):
            verify_authentication(inner(AUTHENTICATION, **change), record)
