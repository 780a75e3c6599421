"""Extensions through the real engine: what a page puts in, and what it gets."""

import hashlib
import hmac
from typing import Any

import pytest
from fido2.webauthn import AuthenticatorData

from ostiary.authenticator.client import ClientError, ClientReason, base64url

from .ceremonies import Bench, Stored, a_bench, authenticated, creation_options, descriptor, registered, request_options

FIRST, SECOND = base64url.encode(b"one"), base64url.encode(b"two")


@pytest.fixture
def bench() -> Bench:
    return a_bench()


def register(bench: Bench, **extensions: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The response, and what the page is told of the extensions."""
    options = creation_options(extensions=extensions)
    response = bench.create(options)
    registered(options, response)
    return response, response["clientExtensionResults"]


def sign_in(bench: Bench, *allowed: dict[str, Any], **extensions: Any) -> dict[str, Any]:
    options = request_options(extensions=extensions)
    if allowed:
        options["allowCredentials"] = [descriptor(one) for one in allowed]
    results: dict[str, Any] = bench.get(options)["clientExtensionResults"]
    return results


def refused(call: Any, *arguments: Any, **more: Any) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **more)
    return caught.value


def test_what_nobody_asked_for_is_not_answered(bench: Bench) -> None:
    response, results = register(bench)
    assert results == {}
    assert sign_in(bench, response) == {}


def test_what_nobody_knows_is_ignored(bench: Bench) -> None:
    response, results = register(bench, unheardOf={"of": 1}, appidExclude="https://contoso.example")
    assert results == {}
    assert sign_in(bench, response, appid="https://contoso.example") == {"appid": False}


# --- prf


def test_prf_gives_the_same_secret_each_time_and_another_for_each_value(bench: Bench) -> None:
    response, results = register(bench, prf={"eval": {"first": FIRST}})
    assert results["prf"]["enabled"] is True
    read = sign_in(bench, response, prf={"eval": {"first": FIRST, "second": SECOND}})["prf"]["results"]
    assert read["first"] == results["prf"]["results"]["first"]
    assert read["second"] != read["first"]
    assert len(base64url.decode(read["second"])) == 32


def test_prf_is_hmac_secret_of_a_hashed_value(bench: Bench) -> None:
    response, _ = register(bench, prf={})
    secret = bench.keys.hmac_secret(base64url.decode(response["id"]), is_verified=True)
    salt = hashlib.sha256(b"WebAuthn PRF\x00one").digest()
    read = sign_in(bench, response, prf={"eval": {"first": FIRST}})["prf"]["results"]["first"]
    assert base64url.decode(read) == hmac.digest(secret, salt, "sha256")


def test_prf_values_are_chosen_by_the_credential_that_is_here(bench: Bench) -> None:
    response, _ = register(bench, prf={})
    elsewhere = {"id": base64url.encode(bytes(32))}
    by_credential = {elsewhere["id"]: {"first": FIRST}, response["id"]: {"first": SECOND}}
    chosen = sign_in(bench, elsewhere, response, prf={"evalByCredential": by_credential, "eval": {"first": FIRST}})
    assert chosen["prf"]["results"] == sign_in(bench, response, prf={"eval": {"first": SECOND}})["prf"]["results"]


def test_prf_falls_back_to_the_value_for_all(bench: Bench) -> None:
    response, _ = register(bench, prf={})
    elsewhere = {"id": base64url.encode(bytes(32))}
    asked = {"evalByCredential": {elsewhere["id"]: {"first": SECOND}}, "eval": {"first": FIRST}}
    chosen = sign_in(bench, elsewhere, response, prf=asked)
    assert chosen["prf"]["results"] == sign_in(bench, response, prf={"eval": {"first": FIRST}})["prf"]["results"]


def test_prf_without_values_evaluates_nothing(bench: Bench) -> None:
    response, _ = register(bench, prf={})
    assert sign_in(bench, response, prf={}) == {"prf": {}}


def test_prf_is_another_secret_without_verification(bench: Bench) -> None:
    response, _ = register(bench, prf={})
    verified = sign_in(bench, response, prf={"eval": {"first": FIRST}})
    options = request_options(
        userVerification="discouraged",
        allowCredentials=[descriptor(response)],
        extensions={"prf": {"eval": {"first": FIRST}}},
    )
    assert bench.get(options)["clientExtensionResults"] != verified


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"evalByCredential": {}}, "NotSupportedError"),
        ({"eval": {}}, "TypeError"),
        ({"eval": {"first": "AA=="}}, "EncodingError"),
        ({"eval": {"first": FIRST, "second": 7}}, "TypeError"),
        ([], "TypeError"),
    ],
)
def test_refuses_prf_inputs_at_registration(bench: Bench, asked: Any, name: str) -> None:
    assert refused(register, bench, prf=asked).name == name
    assert bench.verifier.prompts == []


@pytest.mark.parametrize("key", ["", "AA==", "not base64!", base64url.encode(b"somebody else's")])
def test_refuses_prf_values_for_a_credential_that_is_not_allowed(bench: Bench, key: str) -> None:
    response, _ = register(bench, prf={})
    error = refused(sign_in, bench, response, prf={"evalByCredential": {key: {"first": FIRST}}})
    assert (error.name, error.reason) == ("SyntaxError", ClientReason.EXTENSION_INVALID)


def test_refuses_prf_values_by_credential_when_any_is_allowed(bench: Bench) -> None:
    response, _ = register(bench, prf={})
    error = refused(sign_in, bench, prf={"evalByCredential": {response["id"]: {"first": FIRST}}})
    assert (error.name, error.reason) == ("NotSupportedError", ClientReason.EXTENSION_INVALID)


# --- largeBlob


def test_a_large_blob_is_written_and_read(bench: Bench) -> None:
    response, results = register(bench, largeBlob={"support": "required"})
    assert results == {"largeBlob": {"supported": True}}
    assert sign_in(bench, response, largeBlob={"read": True}) == {"largeBlob": {}}
    for blob in (b"first" * 300, b"second"):
        text = base64url.encode(blob)
        assert sign_in(bench, response, largeBlob={"write": text}) == {"largeBlob": {"written": True}}
        assert sign_in(bench, response, largeBlob={"read": True}) == {"largeBlob": {"blob": text}}


def test_large_blobs_of_two_passkeys_do_not_meet(bench: Bench) -> None:
    first, _ = register(bench, largeBlob={"support": "preferred"})
    other = creation_options(
        user={"id": "AQ", "name": "grace", "displayName": "Grace"}, extensions={"largeBlob": {"support": "preferred"}}
    )
    second = bench.create(other)
    for response, text in ((first, FIRST), (second, SECOND)):
        sign_in(bench, response, largeBlob={"write": text})
    assert sign_in(bench, first, largeBlob={"read": True}) == {"largeBlob": {"blob": FIRST}}
    assert sign_in(bench, second, largeBlob={"read": True}) == {"largeBlob": {"blob": SECOND}}


def test_a_large_blob_that_does_not_fit_is_not_written(bench: Bench) -> None:
    response, _ = register(bench, largeBlob={"support": "required"})
    noise = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(400))
    assert sign_in(bench, response, largeBlob={"write": base64url.encode(noise)}) == {"largeBlob": {"written": False}}
    assert sign_in(bench, response, largeBlob={"read": True}) == {"largeBlob": {}}


def test_a_passkey_without_room_for_a_blob_says_so(bench: Bench) -> None:
    response, _ = register(bench)
    assert sign_in(bench, response, largeBlob={"read": True}) == {"largeBlob": {}}
    assert sign_in(bench, response, largeBlob={"write": FIRST}) == {"largeBlob": {"written": False}}


@pytest.mark.parametrize("asked", [{"read": True}, {"write": FIRST}])
def test_refuses_to_read_or_write_a_large_blob_at_registration(bench: Bench, asked: dict[str, Any]) -> None:
    assert refused(register, bench, largeBlob=asked).name == "NotSupportedError"


@pytest.mark.parametrize("asked", [{"support": "required"}, {"read": True, "write": FIRST}])
def test_refuses_large_blob_inputs_that_contradict(bench: Bench, asked: dict[str, Any]) -> None:
    response, _ = register(bench)
    assert refused(sign_in, bench, response, largeBlob=asked).name == "NotSupportedError"


def test_refuses_to_write_a_large_blob_for_whoever_signs_in(bench: Bench) -> None:
    register(bench, largeBlob={"support": "required"})
    assert refused(sign_in, bench, largeBlob={"write": FIRST}).name == "NotSupportedError"


def test_refuses_a_required_large_blob_where_there_is_none(bench: Bench) -> None:
    options = creation_options(
        authenticatorSelection={"residentKey": "discouraged"}, extensions={"largeBlob": {"support": "required"}}
    )
    error = refused(bench.create, options)
    assert (error.name, error.reason) == ("NotAllowedError", ClientReason.EXTENSION_UNSUPPORTED)


# --- the smaller ones


@pytest.mark.parametrize(
    ("policy", "level"),
    [
        ("userVerificationOptional", None),
        ("userVerificationOptionalWithCredentialIDList", 2),
        ("userVerificationRequired", 3),
    ],
)
def test_cred_protect_reaches_the_authenticator(bench: Bench, policy: str, level: int | None) -> None:
    response, results = register(bench, credentialProtectionPolicy=policy, enforceCredentialProtectionPolicy=True)
    assert results == {}
    credential = bench.keys.find(base64url.decode(response["id"]))
    assert credential is not None
    assert credential.cred_protect == (level or 1)


def test_refuses_a_protection_policy_there_is_not(bench: Bench) -> None:
    assert refused(register, bench, credentialProtectionPolicy="strong").name == "TypeError"


def test_a_small_blob_is_kept_and_given(bench: Bench) -> None:
    response, results = register(bench, credBlob=FIRST)
    assert results == {"credBlob": True}
    assert sign_in(bench, response, getCredBlob=True) == {"getCredBlob": FIRST}


def test_a_small_blob_that_is_not_small_is_not_kept(bench: Bench) -> None:
    response, results = register(bench, credBlob=base64url.encode(bytes(500)))
    assert results == {"credBlob": False}
    assert sign_in(bench, response, getCredBlob=True) == {"getCredBlob": ""}


def test_the_minimum_pin_length_goes_to_those_who_were_named(bench: Bench) -> None:
    response, _ = register(bench, minPinLength=True)
    data = AuthenticatorData(base64url.decode(response["response"]["authenticatorData"]))
    assert "minPinLength" not in (data.extensions or {})
    bench.keys.configure(bench.keys.configuration._replace(minimum_pin_length_rp_ids=("contoso.example",)))
    response, _ = register(bench, minPinLength=True)
    data = AuthenticatorData(base64url.decode(response["response"]["authenticatorData"]))
    assert data.extensions is not None
    assert data.extensions["minPinLength"] == bench.keys.pin.minimum_length


def test_everything_at_once(bench: Bench) -> None:
    options = creation_options(
        extensions={
            "credProps": True,
            "prf": {"eval": {"first": FIRST}},
            "largeBlob": {"support": "preferred"},
            "credBlob": FIRST,
            "minPinLength": True,
            "credentialProtectionPolicy": "userVerificationRequired",
        }
    )
    response = bench.create(options)
    assert set(response["clientExtensionResults"]) == {"credProps", "prf", "largeBlob", "credBlob"}
    asked = request_options(
        allowCredentials=[descriptor(response)],
        extensions={"prf": {"eval": {"first": FIRST}}, "getCredBlob": True, "largeBlob": {"read": True}},
    )
    authenticated(asked, bench.get(asked), Stored.of(registered(options, response)))


@pytest.mark.parametrize(
    "extensions", [{"credProps": "yes"}, {"minPinLength": 1}, {"credBlob": 7}, {"largeBlob": "yes"}, {"largeBlob": []}]
)
def test_refuses_extension_inputs_of_the_wrong_kind(bench: Bench, extensions: dict[str, Any]) -> None:
    assert refused(register, bench, **extensions).name == "TypeError"
