"""What the browser is asked for."""

from typing import Any

import pytest

from ostiary import passkeys
from ostiary.passkeys import AttestationConveyance, CredentialDescriptor, Hint, UserVerification
from tests.passkeys.ceremonies import creation_options, request_options


def test_creation_asks_for_a_passkey() -> None:
    options = creation_options(attestation=AttestationConveyance.NONE)
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert options["rp"] == {"id": "login.contoso.example", "name": "Contoso"}
    assert options["user"]["name"] == "ada@contoso.example"
    assert options["attestation"] == "none"
    assert options["extensions"] == {"credProps": True}
    assert options["excludeCredentials"] == []
    assert "hints" not in options
    assert [parameter["alg"] for parameter in options["pubKeyCredParams"]] == list(passkeys.DEFAULT_ALGORITHMS)


def test_creation_spells_bytes_in_base64url() -> None:
    options = creation_options(challenge=b"\xff" * 16, user_handle=b"\xfb\xff")
    assert (options["challenge"], options["user"]["id"]) == ("_" * 21 + "w", "-_8")


@pytest.mark.parametrize(
    ("hints", "attachment"),
    [
        ([Hint.CLIENT_DEVICE], "platform"),
        ([Hint.HYBRID], "cross-platform"),
        ([Hint.SECURITY_KEY], "cross-platform"),
        ([Hint.HYBRID, Hint.SECURITY_KEY], "cross-platform"),
        ([Hint.CLIENT_DEVICE, Hint.HYBRID], None),
    ],
)
def test_hints_that_agree_name_the_attachment(hints: list[Hint], attachment: str | None) -> None:
    options = creation_options(hints=hints)
    assert options["hints"] == [hint.value for hint in hints]
    assert options["authenticatorSelection"].get("authenticatorAttachment") == attachment


def test_creation_excludes_what_the_account_has() -> None:
    descriptors = [CredentialDescriptor(bytes([number]), ("usb",)) for number in range(100)]
    excluded = creation_options(exclude_credentials=descriptors)["excludeCredentials"]
    assert len(excluded) == 100
    assert excluded[1] == {"type": "public-key", "id": "AQ", "transports": ["usb"]}


def test_request_without_an_allow_list_asks_for_any_passkey() -> None:
    options = request_options()
    assert (options["allowCredentials"], options["rpId"]) == ([], "login.contoso.example")
    assert (options["userVerification"], options["timeout"]) == ("required", 300_000)


def test_request_caps_the_allow_list() -> None:
    descriptors = [CredentialDescriptor(bytes([number])) for number in range(100)]
    allowed = request_options(allow_credentials=descriptors)["allowCredentials"]
    assert len(allowed) == passkeys.MAX_ALLOW_CREDENTIALS
    assert allowed[1] == {"type": "public-key", "id": "AQ"}


def test_refuses_empty_allow_list() -> None:
    with pytest.raises(ValueError, match="allow-list"):
        request_options(allow_credentials=[])


@pytest.mark.parametrize("make", [creation_options, request_options])
def test_refuses_short_challenge(make: Any) -> None:
    with pytest.raises(ValueError, match="challenge"):
        make(challenge=bytes(15))


@pytest.mark.parametrize("length", [0, 65])
def test_refuses_user_handle_no_authenticator_takes(length: int) -> None:
    with pytest.raises(ValueError, match="user handle"):
        creation_options(user_handle=bytes(length))


def test_user_verification_can_be_relaxed_for_a_second_factor() -> None:
    relaxed = UserVerification.DISCOURAGED
    assert request_options(user_verification=relaxed)["userVerification"] == "discouraged"
    selection = creation_options(user_verification=relaxed)["authenticatorSelection"]
    assert selection["userVerification"] == "discouraged"
