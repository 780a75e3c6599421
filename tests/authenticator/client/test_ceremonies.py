"""The client half with the real engine behind it, and our own relying party as the judge of what it makes."""

import threading
import time
from typing import Any

import pytest
from fido2.webauthn import AttestationObject

from ostiary.authenticator import Configuration, Decision, Exchange, Outcome, Prompt, Purpose
from ostiary.authenticator.client import ClientError, ClientReason, Timeouts
from ostiary.authenticator.client.errors import NOT_ALLOWED
from ostiary.authenticator.models import SEALED_FILE
from ostiary.passkeys import base64url

from .ceremonies import (
    ORIGIN,
    RP_ID,
    USER_HANDLE,
    Bench,
    Stored,
    a_bench,
    authenticated,
    creation_options,
    descriptor,
    registered,
    request_options,
)

SOON = Timeouts(usual=200, least=100, most=300)


@pytest.fixture
def bench() -> Bench:
    return a_bench()


def refused(call: Any, *arguments: Any, **more: Any) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **more)
    return caught.value


def waits_for_ever(prompt: Prompt, exchange: Exchange) -> Decision:
    assert exchange.cancelled.wait(10)
    return Decision(outcome=Outcome.CANCELLED)


# --- what works


def test_registers_and_signs_in(bench: Bench) -> None:
    options = creation_options()
    response = bench.create(options)
    facts = registered(options, response)
    assert facts.user_verified
    assert not facts.backup_eligible
    assert facts.transports == ("internal",)
    assert facts.authenticator_attachment == "platform"

    asked = request_options()
    signed = bench.get(asked)
    assert authenticated(asked, signed, Stored.of(facts)).user_verified
    assert base64url.decode(signed["response"]["userHandle"]) == USER_HANDLE
    assert signed["authenticatorAttachment"] == "platform"


def test_the_response_has_what_a_page_reads_without_cbor(bench: Bench) -> None:
    response = bench.create()["response"]
    attestation = AttestationObject(base64url.decode(response["attestationObject"]))
    assert base64url.decode(response["authenticatorData"]) == bytes(attestation.auth_data)
    assert response["publicKeyAlgorithm"] == -7
    assert base64url.decode(response["publicKey"]).startswith(bytes.fromhex("3059301306072a8648ce3d0201"))


def test_an_eddsa_key_is_spelled_for_the_page_too(bench: Bench) -> None:
    options = creation_options(pubKeyCredParams=[{"type": "public-key", "alg": -8}])
    response = bench.create(options)
    assert response["response"]["publicKeyAlgorithm"] == -8
    assert base64url.decode(response["response"]["publicKey"]).startswith(bytes.fromhex("302a300506032b6570"))
    registered(options, response, algorithms=[-8])


def test_the_relying_party_s_identifier_is_the_host_when_none_is_named(bench: Bench) -> None:
    options = creation_options(rp={"name": "Contoso"})
    registered(options, bench.create(options), rp_id="login.contoso.example")
    asked = request_options()
    del asked["rpId"]
    assert bench.get(asked)["id"]


def test_signs_in_among_named_credentials(bench: Bench) -> None:
    first = bench.create()
    bench.create(creation_options(user={"id": "AQ", "name": "grace", "displayName": "Grace"}))
    assert bench.get(request_options(allowCredentials=[descriptor(first)]))["id"] == first["id"]


def test_the_person_is_told_who_asks(bench: Bench) -> None:
    bench.create(exchange=Exchange(source="Chromium on this computer"))
    (prompt,) = bench.verifier.prompts
    assert (prompt.purpose, prompt.rp_id, prompt.rp_name) == (Purpose.REGISTER, RP_ID, "Contoso")
    assert prompt.accounts[0].name == "ada@contoso.example"
    assert prompt.needs_verification


def test_a_credential_that_need_not_be_discoverable(bench: Bench) -> None:
    options = creation_options(authenticatorSelection={"residentKey": "discouraged"}, extensions={"credProps": True})
    response = bench.create(options)
    assert response["clientExtensionResults"]["credProps"] == {"rk": False}
    asked = request_options(allowCredentials=[descriptor(response)])
    authenticated(asked, bench.get(asked), Stored.of(registered(options, response)))


@pytest.mark.parametrize(
    ("selection", "is_resident"),
    [
        ({"residentKey": "required"}, True),
        ({"residentKey": "preferred"}, True),
        ({"requireResidentKey": True}, True),
        ({"residentKey": "preferred", "requireResidentKey": False}, True),
        ({"residentKey": "unheard of", "requireResidentKey": True}, True),
        ({"requireResidentKey": False}, False),
        ({}, False),
    ],
)
def test_reads_what_is_asked_about_discoverability(bench: Bench, selection: dict[str, Any], is_resident: bool) -> None:
    options = creation_options(authenticatorSelection=selection, extensions={"credProps": True})
    assert bench.create(options)["clientExtensionResults"]["credProps"]["rk"] is is_resident


def test_long_lists_are_looked_through(bench: Bench) -> None:
    mine = bench.create()
    others = [{"type": "public-key", "id": base64url.encode(bytes([1, n % 256, n // 256] * 10))} for n in range(300)]
    assert bench.get(request_options(allowCredentials=[*others, descriptor(mine)]))["id"] == mine["id"]
    error = refused(bench.create, creation_options(excludeCredentials=[*others, descriptor(mine)]))
    assert error.name == "InvalidStateError"
    bench.create(creation_options(excludeCredentials=others))


def test_lists_may_name_what_no_authenticator_here_could_have_made(bench: Bench) -> None:
    mine = bench.create()
    too_long = {"type": "public-key", "id": base64url.encode(bytes(1023))}
    assert bench.get(request_options(allowCredentials=[too_long, descriptor(mine)]))["id"] == mine["id"]


# --- attestation


def test_attestation_reaches_who_asks_for_it(bench: Bench) -> None:
    for conveyance in ("direct", "indirect", "enterprise"):
        response = bench.create(creation_options(attestation=conveyance))
        attestation = AttestationObject(base64url.decode(response["response"]["attestationObject"]))
        assert attestation.fmt == "packed"


@pytest.mark.parametrize("members", [{}, {"attestation": "none"}, {"attestation": "unheard of"}])
def test_attestation_is_taken_away_from_who_does_not(bench: Bench, members: dict[str, Any]) -> None:
    options = creation_options(**members)
    response = bench.create(options)
    attestation = AttestationObject(base64url.decode(response["response"]["attestationObject"]))
    assert (attestation.fmt, attestation.att_stmt) == ("none", {})
    # WebAuthn L3 §5.1.3, step 22: a platform authenticator's AAGUID stays
    assert attestation.auth_data.credential_data is not None
    assert bytes(attestation.auth_data.credential_data.aaguid) == SEALED_FILE
    registered(options, response)


# --- algorithms


def test_an_empty_list_of_algorithms_means_the_usual(bench: Bench) -> None:
    assert bench.create(creation_options(pubKeyCredParams=[]))["response"]["publicKeyAlgorithm"] == -7


def test_takes_the_relying_party_s_first_that_it_can(bench: Bench) -> None:
    wanted = [-257, -8, -7]
    options = creation_options(pubKeyCredParams=[{"type": "public-key", "alg": one} for one in wanted])
    assert bench.create(options)["response"]["publicKeyAlgorithm"] == -8


@pytest.mark.parametrize(
    "parameters", [[{"type": "public-key", "alg": -257}], [{"type": "private-key", "alg": -7}]], ids=["alg", "type"]
)
def test_refuses_algorithms_nobody_here_signs_by(bench: Bench, parameters: list[Any]) -> None:
    error = refused(bench.create, creation_options(pubKeyCredParams=parameters))
    assert (error.name, error.reason) == ("NotSupportedError", ClientReason.ALGORITHM_UNSUPPORTED)
    assert bench.verifier.prompts == []


# --- the person's answers


def test_refuses_a_second_passkey_once_the_person_has_answered(bench: Bench) -> None:
    first = bench.create()
    error = refused(bench.create, creation_options(excludeCredentials=[descriptor(first)]))
    assert (error.name, error.reason) == ("InvalidStateError", ClientReason.ALREADY_REGISTERED)
    assert bench.verifier.prompts[-1].purpose is Purpose.ALREADY_REGISTERED


def test_what_a_person_decides_and_what_is_not_there_look_the_same_to_a_page(bench: Bench) -> None:
    nothing_here = refused(bench.get)
    bench.create()
    unknown = refused(bench.get, request_options(allowCredentials=[{"type": "public-key", "id": "AAAA"}]))
    of_no_kind = refused(bench.get, request_options(allowCredentials=[{"type": "other", "id": "AAAA"}]))
    bench.verifier.decide = lambda prompt, exchange: Decision(outcome=Outcome.DECLINED)
    declined = refused(bench.get)
    bench.verifier.decide = lambda prompt, exchange: Decision(outcome=Outcome.TIMED_OUT)
    slept = refused(bench.get)
    errors = [nothing_here, unknown, of_no_kind, declined, slept]
    assert {(error.name, error.message) for error in errors} == {("NotAllowedError", NOT_ALLOWED)}
    assert [error.reason for error in errors] == [
        ClientReason.NO_PASSKEY,
        ClientReason.NO_PASSKEY,
        ClientReason.NO_PASSKEY,
        ClientReason.DECLINED,
        ClientReason.TIMED_OUT,
    ]


def test_nobody_is_asked_about_a_passkey_that_is_known_not_to_be_here(bench: Bench) -> None:
    made = bench.create()
    asked: list[tuple[str, Any]] = []

    def is_here(rp_id: str, ids: Any) -> bool:
        asked.append((rp_id, ids))
        return ids is None

    error = refused(bench.get, request_options(allowCredentials=[descriptor(made)]), is_here=is_here)
    assert (error.name, error.message, error.reason) == ("NotAllowedError", NOT_ALLOWED, ClientReason.NO_PASSKEY)
    assert len(bench.verifier.prompts) == 1
    assert bench.get(is_here=is_here)["id"] == made["id"]
    assert asked == [(RP_ID, (base64url.decode(made["id"]),)), (RP_ID, None)]


def test_a_declined_registration(bench: Bench) -> None:
    bench.verifier.decide = lambda prompt, exchange: Decision(outcome=Outcome.DECLINED)
    error = refused(bench.create)
    assert (error.name, error.reason) == ("NotAllowedError", ClientReason.DECLINED)
    assert not bench.keys.credentials()


def test_a_blocked_pin(bench: Bench) -> None:
    bench.verifier.decide = lambda prompt, exchange: Decision(outcome=Outcome.BLOCKED)
    assert refused(bench.create).reason in (ClientReason.PIN_BLOCKED, ClientReason.DECLINED)


# --- user verification


@pytest.mark.parametrize("ceremony", ["create", "get"])
def test_refuses_required_verification_where_nobody_can_be_verified(ceremony: str) -> None:
    bench = a_bench(can_verify=False)
    options = {"create": creation_options(), "get": request_options()}[ceremony]
    error = refused(getattr(bench, ceremony), options)
    assert (error.name, error.reason) == ("NotAllowedError", ClientReason.VERIFICATION_UNAVAILABLE)
    assert bench.verifier.prompts == []


@pytest.mark.parametrize(("wanted", "is_verified"), [("required", True), ("preferred", True), ("discouraged", False)])
def test_verifies_the_person_as_far_as_it_is_wanted(bench: Bench, wanted: str, is_verified: bool) -> None:
    made = bench.create()
    asked = request_options(userVerification=wanted, allowCredentials=[descriptor(made)])
    bench.get(asked)
    assert bench.verifier.prompts[-1].needs_verification is is_verified


def test_a_discoverable_passkey_is_never_made_without_verification(bench: Bench) -> None:
    options = creation_options(authenticatorSelection={"residentKey": "required", "userVerification": "discouraged"})
    registered(options, bench.create(options))
    assert bench.verifier.prompts[-1].needs_verification


def test_what_is_not_discoverable_may_be_made_without(bench: Bench) -> None:
    options = creation_options(authenticatorSelection={"residentKey": "discouraged", "userVerification": "discouraged"})
    facts = registered(options, bench.create(options), require_user_verification=False)
    assert not facts.user_verified


def test_always_verifies_where_it_is_configured_so(bench: Bench) -> None:
    bench.keys.configure(Configuration(always_uv=True))
    bench.create()
    bench.get(request_options(userVerification="discouraged"))
    assert bench.verifier.prompts[-1].needs_verification


def test_preferred_verification_does_without_where_it_must() -> None:
    bench = a_bench(can_verify=False)
    options = creation_options(authenticatorSelection={"residentKey": "discouraged", "userVerification": "preferred"})
    assert not registered(options, bench.create(options), require_user_verification=False).user_verified


# --- which authenticator, and how it is asked


@pytest.mark.parametrize(
    "members",
    [
        {"authenticatorSelection": {"authenticatorAttachment": "cross-platform"}},
        {"hints": ["security-key"]},
        {"hints": ["hybrid", "security-key"]},
        {"hints": ["security-key"], "authenticatorSelection": {"authenticatorAttachment": "platform"}},
    ],
)
def test_refuses_to_be_a_security_key_or_a_phone(bench: Bench, members: dict[str, Any]) -> None:
    error = refused(bench.create, creation_options(**members))
    assert (error.name, error.reason) == ("NotAllowedError", ClientReason.OTHER_DEVICE_WANTED)
    assert bench.verifier.prompts == []


@pytest.mark.parametrize(
    "members",
    [
        {"authenticatorSelection": {"authenticatorAttachment": "platform"}},
        {"hints": ["security-key", "client-device"]},
        {"hints": ["client-device"], "authenticatorSelection": {"authenticatorAttachment": "cross-platform"}},
        {"hints": ["unheard-of"]},
    ],
)
def test_takes_part_where_this_device_is_welcome(bench: Bench, members: dict[str, Any]) -> None:
    assert bench.create(creation_options(**members))["id"]


@pytest.mark.parametrize("mediation", ["conditional", "silent"])
@pytest.mark.parametrize("ceremony", ["create", "get"])
def test_refuses_what_is_to_happen_without_a_person(bench: Bench, ceremony: str, mediation: str) -> None:
    options = {"create": creation_options(), "get": request_options()}[ceremony]
    error = refused(getattr(bench, ceremony), options, mediation=mediation)
    assert (error.name, error.reason) == ("NotAllowedError", ClientReason.MEDIATION_UNSUPPORTED)
    assert bench.verifier.prompts == []


# --- time and change of mind


def test_ends_a_request_whose_time_is_over(bench: Bench) -> None:
    bench.verifier.decide = waits_for_ever
    error = refused(bench.create, creation_options(timeout=150), timeouts=SOON)
    assert (error.name, error.message, error.reason) == ("NotAllowedError", NOT_ALLOWED, ClientReason.TIMED_OUT)


def test_ends_a_request_that_is_aborted(bench: Bench) -> None:
    bench.verifier.decide = waits_for_ever
    exchange = Exchange()
    threading.Timer(0.05, exchange.cancelled.set).start()
    error = refused(bench.create, exchange=exchange)
    assert (error.name, error.reason) == ("AbortError", ClientReason.CANCELLED)


def test_does_not_begin_what_is_aborted_already(bench: Bench) -> None:
    exchange = Exchange()
    exchange.cancelled.set()
    assert refused(bench.get, exchange=exchange).name == "AbortError"
    assert bench.verifier.prompts == []


@pytest.mark.parametrize(
    ("asked", "given"), [(None, 300_000), (0, 300_000), (1_000, 300_000), (400_000, 400_000), (10**12, 600_000)]
)
def test_gives_people_the_time_they_need(asked: float | None, given: float) -> None:
    assert Timeouts().adjust(asked) == given


def test_an_answer_in_time_leaves_no_timer_behind(bench: Bench) -> None:
    exchange = Exchange()
    bench.create(exchange=exchange, timeouts=SOON)
    time.sleep(0.35)
    assert not exchange.cancelled.is_set()


# --- who asks


def test_a_framed_page_is_told_from_one_of_its_own(bench: Bench) -> None:
    options = creation_options()
    facts = registered(options, bench.create(options))
    assert not facts.cross_origin
    asked = request_options()
    signed = bench.get(asked, cross_origin=True, top_origin="https://portal.example")
    seen = authenticated(
        asked, signed, Stored.of(facts), allow_cross_origin=True, top_origins=["https://portal.example"]
    )
    assert (seen.cross_origin, seen.top_origin) == (True, "https://portal.example")


def test_refuses_a_request_without_an_origin(bench: Bench) -> None:
    error = refused(bench.get, origin=None)
    assert (error.name, error.reason) == ("SecurityError", ClientReason.CALLER_UNKNOWN)


def test_a_page_cannot_say_who_asks(bench: Bench) -> None:
    word = {"remoteDesktopClientOverride": {"origin": "https://evil.example", "sameOriginWithAncestors": True}}
    options = creation_options(extensions=word)
    assert registered(options, bench.create(options)).origin == ORIGIN
