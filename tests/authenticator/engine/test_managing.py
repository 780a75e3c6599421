"""authenticatorCredentialManagement, authenticatorConfig, authenticatorLargeBlobs (CTAP 2.1 §6.8, §6.10, §6.11)."""

import hashlib
from typing import Any

import pytest

from ostiary.authenticator.engine.token import Permission
from tests.authenticator.engine.platform import (
    CONFIG,
    CREDENTIAL_MANAGEMENT,
    GET_ASSERTION,
    GET_INFO,
    LARGE_BLOBS,
    MAKE_CREDENTIAL,
    PIN,
    RP_ID,
    Platform,
    Registered,
    Status,
)

MANAGE = Permission.CREDENTIAL_MANAGEMENT
CONFIGURE = Permission.AUTHENTICATOR_CONFIGURATION


def hashed(rp_id: str) -> bytes:
    return hashlib.sha256(rp_id.encode()).digest()


# --- credential management


def populated() -> tuple[Platform, list[Registered]]:
    platform = Platform(pin=PIN)
    made = []
    for user, rp_id in ((b"ada", RP_ID), (b"grace", RP_ID), (b"ada", "other.example")):
        made.append(platform.register(user, rp_id, extensions={"credProtect": 2, "largeBlobKey": True}))
        platform.clock.pass_seconds(1)
    platform.register(b"joan", rk=False)
    return platform, made


def test_counts_what_can_be_found_and_the_room_left() -> None:
    platform, made = populated()
    answer = platform.manage(platform.token(MANAGE), 0x01)
    assert answer == {1: len(made), 2: platform.keys.remaining}


def test_lists_relying_parties_and_then_their_credentials() -> None:
    platform, made = populated()
    token = platform.token(MANAGE)
    first = platform.manage(token, 0x02)
    assert first[5] == 2
    found = [first, platform.send(CREDENTIAL_MANAGEMENT, {1: 0x03})]
    assert {answer[3]["id"]: answer[4] for answer in found} == {
        rp_id: hashed(rp_id) for rp_id in (RP_ID, "other.example")
    }
    assert platform.status(CREDENTIAL_MANAGEMENT, {1: 0x03}) == Status.NOT_ALLOWED

    first = platform.manage(token, 0x04, {1: hashed(RP_ID)})
    assert first[9] == 2
    second = platform.send(CREDENTIAL_MANAGEMENT, {1: 0x05})
    assert platform.status(CREDENTIAL_MANAGEMENT, {1: 0x05}) == Status.NOT_ALLOWED
    for answer, one, user in ((first, made[1], b"grace"), (second, made[0], b"ada")):
        assert answer[7] == one.descriptor
        assert answer[8] == one.data.public_key
        assert answer[6] == {"id": user, "name": f"{user.hex()}@contoso.example", "displayName": "Ada"}
        assert answer[0x0A] == 2
        assert answer[0x0B] == one.answer[5]


def test_deletes() -> None:
    platform, made = populated()
    token = platform.token(MANAGE)
    platform.manage(token, 0x06, {2: made[0].descriptor})
    assert platform.keys.find(made[0].id) is None
    fields = platform.management(token, 0x06, {2: made[0].descriptor})
    assert platform.status(CREDENTIAL_MANAGEMENT, fields) == Status.NO_CREDENTIALS
    fields = platform.assertion(uv=True) | {3: [made[0].descriptor]}
    assert platform.status(GET_ASSERTION, fields) == Status.NO_CREDENTIALS


def test_does_not_manage_second_factors() -> None:
    platform, _ = populated()
    (second_factor,) = [one for one in platform.keys.credentials() if not one.is_discoverable]
    descriptor = {"id": second_factor.id, "type": "public-key"}
    token = platform.token(MANAGE)
    for number, parameters in ((0x06, {2: descriptor}), (0x07, {2: descriptor, 3: {"id": b"joan"}})):
        fields = platform.management(token, number, parameters)
        assert platform.status(CREDENTIAL_MANAGEMENT, fields) == Status.NO_CREDENTIALS


def test_changes_names_and_forgets_those_left_out() -> None:
    platform, made = populated()
    token = platform.token(MANAGE)
    user: dict[str, Any] = {"id": b"ada", "name": "ada.king@contoso.example"}
    platform.manage(token, 0x07, {2: made[0].descriptor, 3: user})
    kept = platform.keys.find(made[0].id)
    assert kept is not None
    assert (kept.user_name, kept.user_display_name) == ("ada.king@contoso.example", "")
    other = platform.management(token, 0x07, {2: made[0].descriptor, 3: user | {"id": b"grace"}})
    assert platform.status(CREDENTIAL_MANAGEMENT, other) == Status.INVALID_PARAMETER


def test_a_token_for_one_relying_party_manages_that_one_only() -> None:
    platform, made = populated()
    token = platform.token(MANAGE, RP_ID)
    refused: list[tuple[int, dict[int, Any] | None]] = [
        (0x01, None),
        (0x02, None),
        (0x04, {1: hashed("other.example")}),
        (0x04, {1: hashed("unknown.example")}),
        (0x06, {2: made[2].descriptor}),
        (0x07, {2: made[2].descriptor, 3: {"id": b"ada"}}),
    ]
    for number, parameters in refused:
        fields = platform.management(token, number, parameters)
        assert platform.status(CREDENTIAL_MANAGEMENT, fields) == Status.PIN_AUTH_INVALID
    assert platform.manage(token, 0x04, {1: hashed(RP_ID)})[9] == 2
    platform.manage(token, 0x06, {2: made[0].descriptor})


def test_another_command_or_half_a_minute_ends_an_enumeration() -> None:
    platform, _ = populated()
    token = platform.token(MANAGE)
    for begin, go_on in (((0x02, None), 0x03), ((0x04, {1: hashed(RP_ID)}), 0x05)):
        platform.manage(token, *begin)
        platform.send(GET_INFO)
        assert platform.status(CREDENTIAL_MANAGEMENT, {1: go_on}) == Status.NOT_ALLOWED
        platform.manage(token, *begin)
        platform.clock.pass_seconds(31)
        assert platform.status(CREDENTIAL_MANAGEMENT, {1: go_on}) == Status.NOT_ALLOWED
        platform.manage(token, *begin)
        assert platform.status(CREDENTIAL_MANAGEMENT, {1: 0x08 - go_on}) == Status.NOT_ALLOWED


def test_a_signature_is_for_one_subcommand_and_its_parameters() -> None:
    platform, made = populated()
    token = platform.token(MANAGE)
    fields = platform.management(token, 0x06, {2: made[0].descriptor})
    assert platform.status(CREDENTIAL_MANAGEMENT, fields | {1: 0x07}) == Status.PIN_AUTH_INVALID
    changed = fields | {2: {2: made[1].descriptor}}
    assert platform.status(CREDENTIAL_MANAGEMENT, changed) == Status.PIN_AUTH_INVALID
    assert len(platform.keys.credentials(RP_ID)) == 3


# --- configuration


def test_always_uv_is_turned_on_and_off() -> None:
    platform = Platform(pin=PIN)
    platform.register()
    token = platform.token(CONFIGURE)
    platform.send(CONFIG, platform.configuration(token, 0x02))
    options = platform.send(GET_INFO)[4]
    assert (options["alwaysUv"], options["makeCredUvNotRqd"]) == (True, False)
    assert Platform.register(platform, b"grace", rk=False).data.is_verified
    platform.verifier.prompts.clear()
    assert platform.status(GET_ASSERTION, platform.assertion()) == Status.SUCCESS
    assert [prompt.needs_verification for prompt in platform.verifier.prompts] == [True]
    assert platform.status(GET_ASSERTION, platform.assertion(up=False)) == Status.SUCCESS
    platform.send(CONFIG, platform.configuration(token, 0x02))
    options = platform.send(GET_INFO)[4]
    assert (options["alwaysUv"], options["makeCredUvNotRqd"]) == (False, True)


def test_always_uv_wants_the_pin_where_nothing_else_verifies() -> None:
    platform = Platform()
    platform.verifier.can_verify = False
    platform.register(rk=False)
    platform.send(CONFIG, {1: 0x02})  # nobody is protected yet: no token is needed to ask for more
    assert platform.status(CONFIG, {1: 0x02}) == Status.PUAT_REQUIRED  # but to ask for less
    assert platform.status(MAKE_CREDENTIAL, platform.creation(rk=False)) == Status.PUAT_REQUIRED
    assert platform.status(GET_ASSERTION, platform.assertion()) == Status.PUAT_REQUIRED
    assert platform.status(LARGE_BLOBS, {2: bytes(17), 3: 0, 4: 17}) == Status.PUAT_REQUIRED


def test_the_minimum_pin_length_grows_and_a_pin_below_it_must_be_changed() -> None:
    platform = Platform(pin=PIN)
    token = platform.token(CONFIGURE)
    platform.send(CONFIG, platform.configuration(token, 0x03, {1: 6}))
    assert platform.send(GET_INFO)[0x0C] is False
    platform.send(CONFIG, platform.configuration(token, 0x03, {1: 8, 2: [RP_ID]}))
    info = platform.send(GET_INFO)
    assert (info[0x0C], info[0x0D]) == (True, 8)
    assert platform.keys.configuration.minimum_pin_length_rp_ids == (RP_ID,)
    # the token went with the PIN it was given for
    again = platform.configuration(token, 0x03, {})
    assert platform.status(CONFIG, again) == Status.PIN_AUTH_INVALID
    short = platform.new_pin_fields("7654321", old=PIN)
    assert platform.status(0x06, short) == Status.PIN_POLICY_VIOLATION
    platform.send(0x06, platform.new_pin_fields("87654321", old=PIN))
    token = platform.token(CONFIGURE, pin="87654321")
    shorter = platform.configuration(token, 0x03, {1: 7})
    assert platform.status(CONFIG, shorter) == Status.PIN_POLICY_VIOLATION


def test_nobody_is_forced_to_change_a_pin_there_is_not() -> None:
    platform = Platform()
    token = platform.token_by_uv(CONFIGURE)
    fields = platform.configuration(token, 0x03, {3: True})
    assert platform.status(CONFIG, fields) == Status.PIN_NOT_SET


# --- large blobs


def blob_array(size: int) -> bytes:
    content = b"\x81\x59" + size.to_bytes(2, "big") + bytes(size)
    return content + hashlib.sha256(content).digest()[:16]


def test_large_blobs_are_empty_at_first_and_read_by_anyone() -> None:
    platform = Platform(pin=PIN)
    empty = bytes.fromhex("8076be8b528d0075f7aae98d6fa57a6d3c")
    assert platform.send(LARGE_BLOBS, {1: 100, 3: 0}) == {1: empty}
    assert platform.send(LARGE_BLOBS, {1: 4, 3: 2}) == {1: empty[2:6]}
    assert platform.send(LARGE_BLOBS, {1: 100, 3: 17}) == {1: b""}


@pytest.mark.parametrize("piece", [100, 1000, 7545])
def test_large_blobs_are_written_piece_by_piece(piece: int) -> None:
    platform = Platform(pin=PIN)
    token = platform.token(Permission.LARGE_BLOB_WRITE)
    array = blob_array(8000)
    for offset in range(0, len(array), piece):
        assert platform.keys.large_blobs != array
        length = len(array) if offset == 0 else None
        platform.send(LARGE_BLOBS, platform.writing(token, array[offset : offset + piece], offset, length))
    assert platform.keys.large_blobs == array
    assert platform.send(LARGE_BLOBS, {1: 7545, 3: 0})[1] + platform.send(LARGE_BLOBS, {1: 7545, 3: 7545})[1] == array


def test_large_blobs_refuse_a_gap_a_repetition_and_too_much() -> None:
    platform = Platform(pin=PIN)
    token = platform.token(Permission.LARGE_BLOB_WRITE)
    array = blob_array(300)
    for offset, piece, status in (
        (101, array[101:200], Status.INVALID_SEQ),
        (99, array[99:200], Status.INVALID_SEQ),
        (100, array[100:] + b"x", Status.INVALID_PARAMETER),
    ):
        platform.send(LARGE_BLOBS, platform.writing(token, array[:100], 0, len(array)))
        assert platform.status(LARGE_BLOBS, platform.writing(token, piece, offset)) == status
        # which ends it
        assert platform.status(LARGE_BLOBS, platform.writing(token, array[100:], 100)) == Status.INVALID_SEQ


def test_large_blobs_refuse_what_arrived_wrong() -> None:
    platform = Platform(pin=PIN)
    before = platform.keys.large_blobs
    token = platform.token(Permission.LARGE_BLOB_WRITE)
    array = blob_array(300)[:-1] + b"x"
    fields = platform.writing(token, array, 0, len(array))
    assert platform.status(LARGE_BLOBS, fields) == Status.INTEGRITY_FAILURE
    assert platform.keys.large_blobs == before


def test_large_blobs_are_signed_for_their_place() -> None:
    platform = Platform(pin=PIN)
    token = platform.token(Permission.LARGE_BLOB_WRITE)
    array = blob_array(300)
    platform.send(LARGE_BLOBS, platform.writing(token, array[:100], 0, len(array)))
    moved = platform.writing(token, array[100:], 0) | {3: 100}
    assert platform.status(LARGE_BLOBS, moved) == Status.PIN_AUTH_INVALID


def test_large_blobs_are_written_without_a_token_where_nobody_can_give_one() -> None:
    platform = Platform()
    platform.verifier.can_verify = False
    array = blob_array(30)
    platform.send(LARGE_BLOBS, {2: array, 3: 0, 4: len(array)})
    assert platform.keys.large_blobs == array
