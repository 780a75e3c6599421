"""authenticatorClientPIN: PINs, how often one may be wrong, and tokens (CTAP 2.1 §6.5)."""

from pathlib import Path
from typing import Any

import pytest
from fido2.ctap2.pin import PinProtocol

from ostiary.authenticator import AutomaticVerifier, Decision, Outcome, Purpose
from ostiary.authenticator.engine.token import Permission
from ostiary.authenticator.keys import SealedKeyStore, memory_key_store, pin_hash
from ostiary.authenticator.keys.pin_kdf import CheapKdf
from ostiary.clock import system_clock
from tests.authenticator.engine.platform import (
    CLIENT_PIN,
    CONFIG,
    CREDENTIAL_MANAGEMENT,
    GET_ASSERTION,
    GET_INFO,
    HASH,
    LARGE_BLOBS,
    MAKE_CREDENTIAL,
    PIN,
    PROTOCOLS,
    RP_ID,
    Platform,
    Refusal,
    Status,
)

ALL = Permission.CREDENTIAL_MANAGEMENT | Permission.LARGE_BLOB_WRITE | Permission.AUTHENTICATOR_CONFIGURATION
BOTH = pytest.mark.parametrize("protocol", PROTOCOLS, ids=("one", "two"))


def retries(platform: Platform) -> tuple[int, bool]:
    answer = platform.send(CLIENT_PIN, {2: 0x01})
    return answer[3], answer[4]


def try_pin(platform: Platform, pin: str) -> int:
    return platform.status(CLIENT_PIN, platform.pin_fields(0x05, pin))


# --- setting and changing


@BOTH
def test_a_first_pin_is_set_and_then_wanted(protocol: PinProtocol) -> None:
    platform = Platform(protocol=protocol)
    assert platform.send(GET_INFO)[4]["clientPin"] is False
    assert try_pin(platform, PIN) == Status.PIN_NOT_SET
    platform.send(CLIENT_PIN, platform.new_pin_fields(PIN))
    assert platform.send(GET_INFO)[4]["clientPin"] is True
    assert try_pin(platform, PIN) == Status.SUCCESS


def test_a_pin_is_set_once() -> None:
    platform = Platform(pin=PIN)
    assert platform.status(CLIENT_PIN, platform.new_pin_fields("654321")) == Status.PIN_AUTH_INVALID
    assert try_pin(platform, PIN) == Status.SUCCESS


@BOTH
def test_a_pin_is_changed_by_who_knows_it(protocol: PinProtocol) -> None:
    platform = Platform(pin=PIN, protocol=protocol)
    assert platform.status(CLIENT_PIN, platform.new_pin_fields("654321", old="wrong")) == Status.PIN_INVALID
    platform.send(CLIENT_PIN, platform.new_pin_fields("654321", old=PIN))
    assert try_pin(platform, PIN) == Status.PIN_INVALID
    assert try_pin(platform, "654321") == Status.SUCCESS


def test_changing_what_is_not_set_is_refused() -> None:
    platform = Platform()
    assert platform.status(CLIENT_PIN, platform.new_pin_fields("654321", old=PIN)) == Status.PIN_NOT_SET


def test_changing_the_pin_ends_tokens() -> None:
    platform = Platform(pin=PIN)
    token = platform.token(Permission.CREDENTIAL_MANAGEMENT)
    platform.send(CLIENT_PIN, platform.new_pin_fields("654321", old=PIN))
    status = platform.status(CREDENTIAL_MANAGEMENT, platform.management(token, 0x01))
    assert status == Status.PIN_AUTH_INVALID


@pytest.mark.parametrize(
    ("pin", "status"),
    [
        ("1234", Status.SUCCESS),
        ("ääää", Status.SUCCESS),  # code points, not bytes
        ("🔑🔑🔑🔑", Status.SUCCESS),
        ("x" * 63, Status.SUCCESS),
        ("123", Status.PIN_POLICY_VIOLATION),
        ("ääa", Status.PIN_POLICY_VIOLATION),
        ("", Status.PIN_POLICY_VIOLATION),
        (b"x" * 64, Status.PIN_POLICY_VIOLATION),
        (b"\xff" * 8 + bytes(56), Status.PIN_POLICY_VIOLATION),  # no UTF-8
        (b"123456" + bytes(42), Status.INVALID_PARAMETER),  # not padded to 64
        (b"123456" + bytes(74), Status.INVALID_PARAMETER),
        (b"", Status.INVALID_PARAMETER),
    ],
)
def test_new_pins_are_long_enough_and_not_too_long(pin: str | bytes, status: Status) -> None:
    platform = Platform()
    assert platform.status(CLIENT_PIN, platform.new_pin_fields(pin)) == status
    assert platform.keys.pin.is_set == (status == Status.SUCCESS)


def test_a_new_pin_that_cannot_be_decrypted_is_refused() -> None:
    platform = Platform()
    public, secret = platform.shared_secret()
    fields = {1: 2, 2: 0x03, 3: public, 5: bytes(33), 4: platform.protocol.authenticate(secret, bytes(33))}
    assert platform.status(CLIENT_PIN, fields) == Status.PIN_AUTH_INVALID


# --- being wrong


def test_three_wrong_in_a_row_need_a_restart_and_eight_are_the_end(tmp_path: Path) -> None:
    def open_store() -> SealedKeyStore:
        return SealedKeyStore.open(tmp_path / "keys", clock=system_clock, kdf=CheapKdf())

    keys = open_store()
    keys.set_pin(pin_hash(PIN), length=6)
    platform = Platform(keys=keys)
    platform.register()
    wanted = [Status.PIN_INVALID, Status.PIN_INVALID, Status.PIN_AUTH_BLOCKED]
    for left in (8, 5):
        for at, status in enumerate(wanted, start=1):
            assert try_pin(platform, "wrong") == status
            assert retries(platform) == (left - at, at == 3)
        assert try_pin(platform, PIN) == Status.PIN_AUTH_BLOCKED  # the right one does not help now
        assert platform.status(CLIENT_PIN, platform.new_pin_fields("654321", old=PIN)) == Status.PIN_AUTH_BLOCKED
        assert retries(platform)[0] == left - 3
        keys.close()
        platform.keys = keys = open_store()
        platform.start()
    assert try_pin(platform, "wrong") == Status.PIN_INVALID
    assert try_pin(platform, "wrong") == Status.PIN_BLOCKED
    assert retries(platform)[0] == 0
    assert try_pin(platform, PIN) == Status.PIN_BLOCKED
    assert platform.status(CLIENT_PIN, platform.new_pin_fields("654321", old=PIN)) == Status.PIN_BLOCKED
    with pytest.raises(Refusal) as refusal:
        platform.token_by_uv(Permission.GET_ASSERTION, RP_ID)
    assert refusal.value.status == Status.UV_BLOCKED
    platform.verifier.decide = lambda prompt, exchange: Decision(outcome=Outcome.BLOCKED)
    assert platform.status(GET_ASSERTION, platform.assertion(uv=True)) == Status.PIN_BLOCKED
    keys.close()


def test_the_right_pin_forgives_wrong_ones() -> None:
    platform = Platform(pin=PIN)
    for _ in range(4):
        assert try_pin(platform, "wrong") == Status.PIN_INVALID
        assert try_pin(platform, "wrong") == Status.PIN_INVALID
        assert try_pin(platform, PIN) == Status.SUCCESS
        assert retries(platform) == (8, False)


@BOTH
def test_a_wrong_pin_ends_the_key_agreement(protocol: PinProtocol) -> None:
    platform = Platform(pin=PIN, protocol=protocol)
    before = platform.send(CLIENT_PIN, {1: protocol.VERSION, 2: 0x02})
    assert platform.send(CLIENT_PIN, {1: protocol.VERSION, 2: 0x02}) == before
    try_pin(platform, "wrong")
    assert platform.send(CLIENT_PIN, {1: protocol.VERSION, 2: 0x02}) != before


def test_protocols_have_keys_of_their_own() -> None:
    platform = Platform()
    assert platform.send(CLIENT_PIN, {1: 1, 2: 0x02}) != platform.send(CLIENT_PIN, {1: 2, 2: 0x02})


def test_the_right_pin_opens_the_key_store() -> None:
    keys = memory_key_store(pin=PIN)
    keys.lock()
    try_pin(Platform(keys=keys), PIN)
    assert keys.is_unlocked


# --- a PIN that has to be changed


def test_a_pin_that_must_be_changed_gives_no_token_until_it_is() -> None:
    platform = Platform(pin=PIN)
    token = platform.token(Permission.AUTHENTICATOR_CONFIGURATION)
    platform.send(CONFIG, platform.configuration(token, 0x03, {3: True}))
    assert platform.send(GET_INFO)[0x0C] is True
    assert try_pin(platform, PIN) == Status.PIN_INVALID
    with pytest.raises(Refusal) as refusal:
        platform.token(Permission.CREDENTIAL_MANAGEMENT)
    assert refusal.value.status == Status.PIN_POLICY_VIOLATION
    same = platform.new_pin_fields(PIN, old=PIN)
    assert platform.status(CLIENT_PIN, same) == Status.PIN_POLICY_VIOLATION
    platform.send(CLIENT_PIN, platform.new_pin_fields("654321", old=PIN))
    assert platform.send(GET_INFO)[0x0C] is False
    assert try_pin(platform, "654321") == Status.SUCCESS


# --- tokens


def is_worth(platform: Platform, token: bytes, permission: Permission) -> bool:
    match permission:
        case Permission.CREDENTIAL_MANAGEMENT:
            status = platform.status(CREDENTIAL_MANAGEMENT, platform.management(token, 0x01))
        case Permission.AUTHENTICATOR_CONFIGURATION:
            status = platform.status(CONFIG, platform.configuration(token, 0x03, {}))
        case Permission.LARGE_BLOB_WRITE:
            array = platform.keys.large_blobs
            status = platform.status(LARGE_BLOBS, platform.writing(token, array, 0, len(array)))
        case Permission.MAKE_CREDENTIAL:
            fields = platform.signed(token, platform.creation(rk=True), HASH, key=8, protocol_key=9)
            status = platform.status(MAKE_CREDENTIAL, fields)
        case _:
            fields = platform.signed(token, platform.assertion(), HASH, key=6, protocol_key=7)
            status = platform.status(GET_ASSERTION, fields)
    assert status in (Status.SUCCESS, Status.PIN_AUTH_INVALID)
    return status == Status.SUCCESS


EVERY = (
    Permission.MAKE_CREDENTIAL,
    Permission.GET_ASSERTION,
    Permission.CREDENTIAL_MANAGEMENT,
    Permission.LARGE_BLOB_WRITE,
    Permission.AUTHENTICATOR_CONFIGURATION,
)


@BOTH
@pytest.mark.parametrize("given", EVERY)
@pytest.mark.parametrize("wanted", EVERY)
def test_a_token_is_for_what_it_was_asked_for(protocol: PinProtocol, given: Permission, wanted: Permission) -> None:
    platform = Platform(pin=PIN, protocol=protocol)
    platform.register()
    needs_rp_id = given in (Permission.MAKE_CREDENTIAL, Permission.GET_ASSERTION)
    token = platform.token(given, RP_ID if needs_rp_id else None)
    assert is_worth(platform, token, wanted) == (given == wanted)


@BOTH
def test_a_token_of_ctap_2_0_makes_and_signs_and_manages_nothing(protocol: PinProtocol) -> None:
    platform = Platform(pin=PIN, protocol=protocol)

    def token() -> bytes:
        answer = platform.send(CLIENT_PIN, platform.pin_fields(0x05))
        return protocol.decrypt(platform.secret, answer[2])

    assert is_worth(platform, token(), Permission.MAKE_CREDENTIAL)
    assert is_worth(platform, token(), Permission.GET_ASSERTION)
    assert not is_worth(platform, token(), Permission.CREDENTIAL_MANAGEMENT)


def test_a_token_of_ctap_2_0_is_bound_by_its_first_use() -> None:
    platform = Platform(pin=PIN)
    platform.register()
    platform.register(rp_id="other.example")
    answer = platform.send(CLIENT_PIN, platform.pin_fields(0x05))
    token = platform.protocol.decrypt(platform.secret, answer[2])

    def silent(rp_id: str) -> int:
        fields = platform.signed(token, platform.assertion(rp_id, up=False), HASH, key=6, protocol_key=7)
        return platform.status(GET_ASSERTION, fields)

    assert silent(RP_ID) == Status.SUCCESS
    assert silent("other.example") == Status.PIN_AUTH_INVALID


def test_the_next_token_ends_the_one_before_of_whichever_protocol() -> None:
    platform = Platform(pin=PIN, protocol=PROTOCOLS[0])
    first = platform.token(ALL)
    platform.protocol = PROTOCOLS[1]
    second = platform.token(ALL)
    assert is_worth(platform, second, Permission.CREDENTIAL_MANAGEMENT)
    platform.protocol = PROTOCOLS[0]
    assert not is_worth(platform, first, Permission.CREDENTIAL_MANAGEMENT)
    assert not is_worth(platform, second, Permission.CREDENTIAL_MANAGEMENT)


def test_what_is_left_of_a_spent_token_writes_large_blobs_only() -> None:
    platform = Platform(pin=PIN)
    made = platform.register()
    token = platform.token(ALL | Permission.GET_ASSERTION, RP_ID)
    listing = platform.management(token, 0x04, {1: made.data.rp_id_hash})
    assert platform.status(CREDENTIAL_MANAGEMENT, listing) == Status.SUCCESS
    assert is_worth(platform, token, Permission.GET_ASSERTION)
    assert platform.status(CREDENTIAL_MANAGEMENT, listing) == Status.PIN_AUTH_INVALID
    assert not is_worth(platform, token, Permission.AUTHENTICATOR_CONFIGURATION)
    assert not is_worth(platform, token, Permission.GET_ASSERTION)
    assert is_worth(platform, token, Permission.LARGE_BLOB_WRITE)


def test_a_restart_ends_tokens() -> None:
    platform = Platform(pin=PIN)
    token = platform.token(ALL)
    platform.start()
    assert not is_worth(platform, token, Permission.CREDENTIAL_MANAGEMENT)


@pytest.mark.parametrize(("seconds", "is_good"), [(29, True), (30, False), (-1, False)])
def test_an_unused_token_lasts_half_a_minute(seconds: int, is_good: bool) -> None:
    platform = Platform(pin=PIN)
    token = platform.token(ALL)
    platform.clock.pass_seconds(seconds)
    assert is_worth(platform, token, Permission.CREDENTIAL_MANAGEMENT) == is_good


def test_a_used_token_lasts_ten_minutes() -> None:
    platform = Platform(pin=PIN)
    token = platform.token(ALL)
    assert is_worth(platform, token, Permission.CREDENTIAL_MANAGEMENT)
    platform.clock.pass_seconds(599)
    assert is_worth(platform, token, Permission.CREDENTIAL_MANAGEMENT)
    platform.clock.pass_seconds(1)
    assert not is_worth(platform, token, Permission.CREDENTIAL_MANAGEMENT)


def test_unknown_permissions_are_ignored() -> None:
    platform = Platform(pin=PIN)
    token = platform.token(Permission(0x80 | Permission.CREDENTIAL_MANAGEMENT))
    assert is_worth(platform, token, Permission.CREDENTIAL_MANAGEMENT)


# --- tokens by built-in verification


@pytest.mark.parametrize(
    ("permissions", "rp_id", "purpose"),
    [
        (Permission.GET_ASSERTION, RP_ID, Purpose.SIGN_IN),
        (Permission.MAKE_CREDENTIAL, RP_ID, Purpose.REGISTER),
        (Permission.CREDENTIAL_MANAGEMENT, None, Purpose.MANAGE),
        (Permission.AUTHENTICATOR_CONFIGURATION, None, Purpose.MANAGE),
    ],
)
def test_built_in_verification_asks_and_gives_a_token(
    permissions: Permission, rp_id: str | None, purpose: Purpose
) -> None:
    platform = Platform(pin=PIN)
    if permissions == Permission.GET_ASSERTION:
        platform.register()
        platform.verifier.prompts.clear()
    token = platform.token_by_uv(permissions, rp_id)
    (prompt,) = platform.verifier.prompts
    assert (prompt.purpose, prompt.rp_id, prompt.needs_verification) == (purpose, rp_id or "", True)
    assert is_worth(platform, token, permissions)


@pytest.mark.parametrize(
    ("permissions", "rp_id", "purpose"),
    [
        (Permission.CREDENTIAL_MANAGEMENT, RP_ID, Purpose.MANAGE),
        (Permission.MAKE_CREDENTIAL | Permission.CREDENTIAL_MANAGEMENT, RP_ID, Purpose.MANAGE),
        (Permission.GET_ASSERTION | Permission.AUTHENTICATOR_CONFIGURATION, RP_ID, Purpose.MANAGE),
        (Permission.LARGE_BLOB_WRITE, RP_ID, Purpose.MANAGE),
        (Permission.MAKE_CREDENTIAL | Permission.GET_ASSERTION, RP_ID, Purpose.REGISTER),
        (Permission.GET_ASSERTION | Permission.LARGE_BLOB_WRITE, RP_ID, Purpose.SIGN_IN),
    ],
)
def test_a_token_that_may_manage_is_never_asked_for_as_a_new_passkey(
    permissions: Permission, rp_id: str, purpose: Purpose
) -> None:
    platform = Platform(pin=PIN)
    platform.register()
    platform.verifier.prompts.clear()
    platform.token_by_uv(permissions, rp_id)
    assert [(prompt.purpose, prompt.rp_id) for prompt in platform.verifier.prompts] == [(purpose, rp_id)]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.DECLINED, Status.OPERATION_DENIED),
        (Outcome.TIMED_OUT, Status.USER_ACTION_TIMEOUT),
        (Outcome.CANCELLED, Status.KEEPALIVE_CANCEL),
        (Outcome.BLOCKED, Status.UV_BLOCKED),
    ],
)
def test_gives_no_token_when_the_person_does_not_agree(outcome: Outcome, status: Status) -> None:
    platform = Platform(pin=PIN, verifier=AutomaticVerifier(decide=lambda prompt, exchange: Decision(outcome=outcome)))
    with pytest.raises(Refusal) as refusal:
        platform.token_by_uv(Permission.CREDENTIAL_MANAGEMENT)
    assert refusal.value.status == status


def test_gives_no_token_without_built_in_verification() -> None:
    platform = Platform(pin=PIN, verifier=AutomaticVerifier(can_verify=False))
    with pytest.raises(Refusal) as refusal:
        platform.token_by_uv(Permission.CREDENTIAL_MANAGEMENT)
    assert refusal.value.status == Status.NOT_ALLOWED
    assert platform.status(CLIENT_PIN, {2: 0x07}) == Status.INVALID_SUBCOMMAND


def test_built_in_verification_has_the_pins_tries() -> None:
    platform = Platform(pin=PIN)
    try_pin(platform, "wrong")
    assert platform.send(CLIENT_PIN, {2: 0x07}) == {5: 7}
    assert Platform().send(CLIENT_PIN, {2: 0x07}) == {5: 8}


def test_tokens_are_of_thirty_two_random_bytes() -> None:
    platform = Platform(pin=PIN)
    tokens: set[Any] = {platform.token(ALL) for _ in range(4)}
    assert len(tokens) == 4
    assert {len(token) for token in tokens} == {32}
