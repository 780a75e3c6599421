"""authenticatorMakeCredential: what is made, who is asked first, and how it is attested (CTAP 2.1 §6.1)."""

import pytest
from fido2.cose import CoseKey

from ostiary.authenticator import Account, AutomaticVerifier, Decision, Outcome, Purpose
from ostiary.authenticator.engine.token import Permission
from ostiary.authenticator.keys import memory_key_store, pin_hash
from ostiary.authenticator.models import SEALED_FILE
from tests.authenticator.engine.platform import (
    EDDSA,
    ES256,
    HASH,
    MAKE_CREDENTIAL,
    PIN,
    RP_ID,
    Platform,
    Registered,
    Status,
)


@pytest.mark.parametrize(("parameters", "algorithm"), [([ES256, EDDSA], -7), ([EDDSA, ES256], -8)])
def test_takes_the_platforms_first_algorithm_and_attests_by_the_credentials_own_key(
    parameters: list[dict[str, object]], algorithm: int
) -> None:
    platform = Platform()
    unknown = {"alg": -47, "type": "public-key"}
    made = Registered.of(platform.send(MAKE_CREDENTIAL, platform.creation() | {4: [unknown, *parameters]}))
    assert made.data.public_key[3] == algorithm
    assert made.answer[1] == "packed"
    assert set(made.answer[3]) == {"alg", "sig"}
    assert made.answer[3]["alg"] == algorithm
    CoseKey.parse(made.data.public_key).verify(made.answer[2] + HASH, made.answer[3]["sig"])


def test_says_present_verified_and_bound_to_this_device() -> None:
    data = Platform().register().data
    assert data.flags == 0x45  # UP, UV, AT; never BE (0x08) or BS (0x10)
    assert data.aaguid == SEALED_FILE


def test_keeps_who_it_is_for() -> None:
    platform = Platform()
    made = platform.register(b"ada")
    (kept,) = platform.keys.credentials()
    assert (kept.id, kept.rp_id, kept.rp_name, kept.user_handle) == (made.id, RP_ID, "Contoso", b"ada")
    assert (kept.user_display_name, kept.created_at, kept.is_discoverable) == ("Ada", platform.clock.now, True)


def test_asks_once_with_everything_the_person_needs_to_know() -> None:
    platform = Platform()
    platform.register(b"ada")
    (prompt,) = platform.verifier.prompts
    assert prompt.purpose is Purpose.REGISTER
    assert (prompt.rp_id, prompt.rp_name, prompt.needs_verification) == (RP_ID, "Contoso", True)
    assert prompt.accounts == (Account(b"ada", "616461@contoso.example", "Ada"),)


def test_says_when_a_passkey_will_take_anothers_place_and_replaces_it() -> None:
    platform = Platform()
    first, second = platform.register(b"ada"), platform.register(b"ada")
    assert platform.verifier.prompts[1].accounts[0].credential_id == first.id
    assert [credential.id for credential in platform.keys.credentials()] == [second.id]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.DECLINED, Status.OPERATION_DENIED),
        (Outcome.TIMED_OUT, Status.USER_ACTION_TIMEOUT),
        (Outcome.CANCELLED, Status.KEEPALIVE_CANCEL),
        (Outcome.BLOCKED, Status.UV_BLOCKED),
    ],
)
def test_makes_nothing_when_the_person_does_not_agree(outcome: Outcome, status: Status) -> None:
    platform = Platform(verifier=AutomaticVerifier(decide=lambda prompt, exchange: Decision(outcome=outcome)))
    assert platform.status(MAKE_CREDENTIAL, platform.creation()) == status
    assert not platform.keys.credentials()


@pytest.mark.parametrize(("pin", "status"), [(PIN, Status.PUAT_REQUIRED), (None, Status.OPERATION_DENIED)])
def test_refuses_agreement_without_the_verification_that_was_asked_for(pin: str | None, status: Status) -> None:
    unverified = Decision(outcome=Outcome.APPROVED, is_verified=False)
    platform = Platform(pin=pin, verifier=AutomaticVerifier(decide=lambda prompt, exchange: unverified))
    assert platform.status(MAKE_CREDENTIAL, platform.creation()) == status
    assert not platform.keys.credentials()


def test_does_not_say_verified_for_what_nobody_asked_to_verify() -> None:
    verified = Decision(outcome=Outcome.APPROVED, is_verified=True)
    platform = Platform(verifier=AutomaticVerifier(decide=lambda prompt, exchange: verified))
    assert not platform.register(rk=False).data.is_verified


def test_a_second_factor_needs_presence_only() -> None:
    platform = Platform(pin=PIN)
    made = platform.register(rk=False)
    assert (made.data.is_present, made.data.is_verified) == (True, False)
    assert not platform.keys.credentials()[0].is_discoverable


def test_where_nothing_protects_a_passkey_needs_presence_only_and_says_so() -> None:
    platform = Platform(verifier=AutomaticVerifier(can_verify=False))
    made = platform.register(rk=True)
    assert (made.data.is_present, made.data.is_verified) == (True, False)


# --- the exclude list


def excluding(platform: Platform, made: Registered, **options: bool) -> dict[int, object]:
    return platform.creation(b"grace", **options) | {5: [{"id": b"unknown", "type": "public-key"}, made.descriptor]}


def test_asks_before_it_says_that_the_account_is_here_already() -> None:
    platform = Platform()
    made = platform.register()
    assert platform.status(MAKE_CREDENTIAL, excluding(platform, made)) == Status.CREDENTIAL_EXCLUDED
    assert platform.verifier.prompts[-1].purpose is Purpose.ALREADY_REGISTERED
    assert platform.verifier.prompts[-1].accounts[0].user_handle == b"ada"
    assert len(platform.verifier.prompts) == 2
    assert len(platform.keys.credentials()) == 1


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.DECLINED, Status.OPERATION_DENIED),
        (Outcome.TIMED_OUT, Status.USER_ACTION_TIMEOUT),
        (Outcome.CANCELLED, Status.KEEPALIVE_CANCEL),
    ],
)
def test_does_not_say_so_when_the_person_does_not_agree(outcome: Outcome, status: Status) -> None:
    platform = Platform()
    made = platform.register()
    platform.verifier.decide = lambda prompt, exchange: Decision(outcome=outcome)
    assert platform.status(MAKE_CREDENTIAL, excluding(platform, made)) == status


def test_excludes_neither_for_another_relying_party_nor_for_another_type() -> None:
    platform = Platform()
    made = platform.register(rp_id="other.example")
    assert platform.status(MAKE_CREDENTIAL, excluding(platform, made)) == Status.SUCCESS
    fields = platform.creation(b"eve", "other.example") | {5: [made.descriptor | {"type": "password"}]}
    assert platform.status(MAKE_CREDENTIAL, fields) == Status.SUCCESS


def test_a_credential_that_needs_verification_is_excluded_with_it_only() -> None:
    platform = Platform(pin=PIN)
    made = platform.register(extensions={"credProtect": 3})
    assert platform.status(MAKE_CREDENTIAL, excluding(platform, made, rk=False)) == Status.SUCCESS
    assert platform.status(MAKE_CREDENTIAL, excluding(platform, made)) == Status.CREDENTIAL_EXCLUDED


# --- with a token


def with_token(platform: Platform, token: bytes, fields: dict[int, object]) -> dict[int, object]:
    return platform.signed(token, fields, HASH, key=8, protocol_key=9)


def test_a_token_stands_for_verification_and_is_spent() -> None:
    platform = Platform(pin=PIN, verifier=AutomaticVerifier(can_verify=False))
    token = platform.token(Permission.MAKE_CREDENTIAL, RP_ID)
    fields = with_token(platform, token, platform.creation(rk=True))
    made = Registered.of(platform.send(MAKE_CREDENTIAL, fields))
    assert (made.data.is_present, made.data.is_verified) == (True, True)
    assert [prompt.needs_verification for prompt in platform.verifier.prompts] == [False]
    assert platform.status(MAKE_CREDENTIAL, fields) == Status.PIN_AUTH_INVALID


@pytest.mark.parametrize(
    ("permissions", "rp_id"),
    [
        (Permission.GET_ASSERTION, RP_ID),
        (Permission.MAKE_CREDENTIAL, "other.example"),
        (Permission.CREDENTIAL_MANAGEMENT, None),
    ],
)
def test_refuses_a_token_for_something_else(permissions: Permission, rp_id: str | None) -> None:
    platform = Platform(pin=PIN)
    token = platform.token(permissions, rp_id)
    fields = with_token(platform, token, platform.creation(rk=True))
    assert platform.status(MAKE_CREDENTIAL, fields) == Status.PIN_AUTH_INVALID
    assert platform.verifier.prompts == []


def test_a_declined_request_leaves_the_token() -> None:
    platform = Platform(pin=PIN)
    token = platform.token(Permission.MAKE_CREDENTIAL, RP_ID)
    fields = with_token(platform, token, platform.creation(rk=True))
    platform.verifier.decide = lambda prompt, exchange: Decision(outcome=Outcome.DECLINED)
    assert platform.status(MAKE_CREDENTIAL, fields) == Status.OPERATION_DENIED
    platform.verifier.decide = None
    assert platform.status(MAKE_CREDENTIAL, fields) == Status.SUCCESS


# --- the key store's part


def test_a_locked_store_is_opened_by_the_same_question() -> None:
    keys = memory_key_store(pin=PIN)
    keys.lock()
    platform = Platform(keys=keys, verifier=AutomaticVerifier(unlock=lambda: keys.check_pin(pin_hash(PIN))))
    made = platform.register(rk=False)
    (prompt,) = platform.verifier.prompts
    assert (prompt.purpose, prompt.needs_verification) == (Purpose.REGISTER, True)
    assert not made.data.is_verified  # nobody asked to verify; that the keys were locked changes nothing for the site


def test_a_locked_store_without_a_way_to_ask_for_the_pin_wants_it_from_the_platform() -> None:
    keys = memory_key_store(pin=PIN)
    keys.lock()
    platform = Platform(keys=keys, verifier=AutomaticVerifier(can_verify=False))
    assert platform.status(MAKE_CREDENTIAL, platform.creation(rk=False)) == Status.PUAT_REQUIRED


def test_refuses_when_there_is_no_room() -> None:
    platform = Platform(keys=memory_key_store(most_credentials=1))
    platform.register(b"ada")
    assert platform.status(MAKE_CREDENTIAL, platform.creation(b"grace")) == Status.KEY_STORE_FULL
    assert platform.status(MAKE_CREDENTIAL, platform.creation(b"ada")) == Status.SUCCESS  # in the other's place


def test_cuts_long_names_within_no_character() -> None:
    platform = Platform()
    fields = platform.creation()
    fields[3] = {"id": b"ada", "name": "ä" * 200, "displayName": "x" + "ä" * 200}
    platform.send(MAKE_CREDENTIAL, fields)
    (kept,) = platform.keys.credentials()
    assert kept.user_name == "ä" * 128
    assert kept.user_display_name == "x" + "ä" * 127
