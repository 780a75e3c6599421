"""The authentication ceremony: what it gives, and one test for each refusal."""

from dataclasses import replace

import pytest

from ostiary.passkeys import CeremonyReason, base64url
from tests.passkeys.ceremonies import (
    CHALLENGE,
    ORIGIN,
    USER_HANDLE,
    authenticate,
    record_of,
    refuses,
    register,
    request_options,
    verify_authentication,
)
from tests.software_authenticator import Credential, NoCredential, SoftwareAuthenticator, generate_key


def test_gives_the_facts_of_an_honest_authentication() -> None:
    facts = authenticate()
    assert (facts.sign_count, facts.sign_count_regressed) == (1, False)
    assert (facts.user_verified, facts.backup_eligible, facts.backup_state) == (True, False, False)
    assert (facts.origin, facts.cross_origin, facts.top_origin) == (ORIGIN, False, None)


@pytest.mark.parametrize("algorithm", [-7, -8, -35, -36, -48, -49, -53, -257])
def test_accepts_every_algorithm_it_offers(algorithm: int) -> None:
    assert authenticate(SoftwareAuthenticator(algorithm=algorithm)).user_verified


def test_refuses_wrong_type() -> None:
    with refuses(CeremonyReason.TYPE_MISMATCH):
        authenticate(type="webauthn.create")


def test_refuses_payment() -> None:
    with refuses(CeremonyReason.TYPE_MISMATCH):
        authenticate(type="payment.get")


def test_refuses_another_challenge() -> None:
    with refuses(CeremonyReason.CHALLENGE_MISMATCH):
        authenticate(challenge=CHALLENGE[:-1] + b"\x00")


def test_refuses_challenge_that_is_a_prefix() -> None:
    with refuses(CeremonyReason.CHALLENGE_MISMATCH):
        authenticate(challenge=CHALLENGE[:-2])


def test_refuses_challenge_that_is_not_ascii() -> None:
    with refuses(CeremonyReason.CHALLENGE_MISMATCH):
        authenticate(client_data={"challenge": "\ud800é"})


def test_refuses_another_origin() -> None:
    with refuses(CeremonyReason.ORIGIN_MISMATCH):
        authenticate(origin="https://login.contoso.example.evil.example")


def test_refuses_cross_origin() -> None:
    with refuses(CeremonyReason.CROSS_ORIGIN_REFUSED):
        authenticate(cross_origin=True)


def test_refuses_top_origin_when_cross_origin_is_not_allowed() -> None:
    with refuses(CeremonyReason.CROSS_ORIGIN_REFUSED):
        authenticate(top_origin="https://portal.example")


def test_refuses_unexpected_top_origin() -> None:
    with refuses(CeremonyReason.TOP_ORIGIN_REFUSED):
        authenticate(
            cross_origin=True,
            top_origin="https://portal.example",
            expect={"allow_cross_origin": True, "top_origins": ("https://portal.example.evil.example",)},
        )


def test_accepts_expected_top_origin() -> None:
    expect = {"allow_cross_origin": True, "top_origins": ("https://portal.example",)}
    facts = authenticate(cross_origin=True, top_origin="https://portal.example", expect=expect)
    assert (facts.cross_origin, facts.top_origin) == (True, "https://portal.example")


def test_refuses_another_rp_id() -> None:
    with refuses(CeremonyReason.RP_ID_MISMATCH):
        authenticate(rp_id="contoso.example")


def test_refuses_missing_user_presence() -> None:
    with refuses(CeremonyReason.USER_PRESENCE_MISSING):
        authenticate(up=False)


def test_refuses_missing_user_verification() -> None:
    with refuses(CeremonyReason.USER_VERIFICATION_MISSING):
        authenticate(uv=False)


def test_accepts_missing_user_verification_when_not_required() -> None:
    assert not authenticate(uv=False, expect={"require_user_verification": False}).user_verified


def test_refuses_backed_up_but_not_eligible() -> None:
    with refuses(CeremonyReason.BACKUP_STATE_INVALID):
        authenticate(be=False, bs=True)


@pytest.mark.parametrize("registered", [True, False])
def test_refuses_changed_backup_eligibility(registered: bool) -> None:
    with refuses(CeremonyReason.BACKUP_ELIGIBILITY_CHANGED):
        authenticate(SoftwareAuthenticator(backup_eligible=registered), be=not registered)


def test_reports_a_backup_state_that_changed() -> None:
    assert authenticate(SoftwareAuthenticator(backup_eligible=True), bs=True).backup_state


def test_refuses_another_key() -> None:
    authenticator = SoftwareAuthenticator()
    record = record_of(register(authenticator))
    impostor = Credential(
        id=record.credential_id,
        rp_id="login.contoso.example",
        user_handle=USER_HANDLE,
        user_name="",
        private_key=generate_key(-7),
        algorithm=-7,
        backup_eligible=False,
        backup_state=False,
    )
    data = authenticator.get(request_options(), ORIGIN, credential=impostor)
    with refuses(CeremonyReason.SIGNATURE_INVALID):
        verify_authentication(data, record)


@pytest.mark.parametrize("algorithm", [-7, -8, -48, -53, -257])
@pytest.mark.parametrize("edit", [lambda sig: sig[:-1], lambda sig: sig + b"\x00", lambda sig: bytes(len(sig))])
def test_refuses_damaged_signature(algorithm: int, edit: object) -> None:
    with refuses(CeremonyReason.SIGNATURE_INVALID):
        authenticate(SoftwareAuthenticator(algorithm=algorithm), edit_signature=edit)


def test_refuses_signature_in_loose_der() -> None:
    def lengthen(signature: bytes) -> bytes:
        # The outer length in two bytes where one is enough.
        return signature[:1] + b"\x81" + signature[1:]

    with refuses(CeremonyReason.SIGNATURE_INVALID):
        authenticate(edit_signature=lengthen)


@pytest.mark.parametrize("field", ["clientDataJSON", "authenticatorData"])
def test_refuses_message_changed_after_signing(field: str) -> None:
    authenticator = SoftwareAuthenticator()
    record = record_of(register(authenticator))
    data = authenticator.get(request_options(), ORIGIN)
    content = base64url.decode(data["response"][field])
    # White space is free in JSON, and the counter is free in authenticator data: only the signature tells.
    changed = content + b" " if field == "clientDataJSON" else content[:-1] + b"\x09"
    data["response"][field] = base64url.encode(changed)
    with refuses(CeremonyReason.SIGNATURE_INVALID):
        verify_authentication(data, record)


def test_refuses_attested_credential_in_an_assertion() -> None:
    authenticator = SoftwareAuthenticator()
    record = record_of(register(authenticator))
    attested = bytes(16) + b"\x00\x20" + record.credential_id + record.public_key
    data = authenticator.get(request_options(), ORIGIN, attested=attested)
    with refuses(CeremonyReason.MALFORMED_AUTHENTICATOR_DATA):
        verify_authentication(data, record)


def test_refuses_bytes_after_authenticator_data() -> None:
    with refuses(CeremonyReason.MALFORMED_AUTHENTICATOR_DATA):
        authenticate(edit_authenticator_data=lambda data: data + b"\x00")


def test_accepts_extensions() -> None:
    assert authenticate(extensions={"hmac-secret": b"x" * 32}).user_verified


def test_refuses_record_of_another_credential() -> None:
    with refuses(CeremonyReason.CREDENTIAL_MISMATCH):
        authenticate(stored={"credential_id": b"another"})


def test_refuses_credential_outside_the_allow_list() -> None:
    with refuses(CeremonyReason.CREDENTIAL_NOT_ALLOWED):
        authenticate(expect={"allowed_credential_ids": [b"another"]})


def test_refuses_every_credential_when_the_allow_list_is_empty() -> None:
    with refuses(CeremonyReason.CREDENTIAL_NOT_ALLOWED):
        authenticate(expect={"allowed_credential_ids": []})


def test_accepts_any_credential_when_there_is_no_allow_list() -> None:
    assert authenticate(expect={"allowed_credential_ids": None}).user_verified


def test_accepts_credential_on_the_allow_list() -> None:
    authenticator = SoftwareAuthenticator()
    record = record_of(register(authenticator))
    data = authenticator.get(request_options(), ORIGIN)
    assert verify_authentication(data, record, allowed_credential_ids={record.credential_id}).user_verified


def test_refuses_user_handle_of_another_account() -> None:
    with refuses(CeremonyReason.USER_HANDLE_MISMATCH):
        authenticate(user_handle=b"somebody else")


def test_refuses_missing_user_handle_when_nobody_was_named() -> None:
    with refuses(CeremonyReason.USER_HANDLE_MISSING):
        authenticate(user_handle=b"", expect={"require_user_handle": True})


def test_accepts_missing_user_handle_of_a_known_person() -> None:
    assert authenticate(user_handle=b"").user_verified


def test_refuses_stored_key_that_is_not_sound() -> None:
    with refuses(CeremonyReason.PUBLIC_KEY_INVALID):
        authenticate(stored={"public_key": b"\xa0"})


@pytest.mark.parametrize(
    ("stored", "sent", "regressed"),
    [(0, 0, False), (0, 1, False), (5, 6, False), (5, 5, True), (5, 4, True), (5, 0, True)],
)
def test_judges_the_signature_counter_of_a_device_bound_credential(stored: int, sent: int, regressed: bool) -> None:
    facts = authenticate(stored={"sign_count": stored}, sign_count=sent)
    assert (facts.sign_count, facts.sign_count_regressed) == (sent, regressed)


def test_ignores_the_signature_counter_of_a_synced_credential() -> None:
    facts = authenticate(SoftwareAuthenticator(backup_eligible=True), stored={"sign_count": 9}, sign_count=3)
    assert (facts.sign_count, facts.sign_count_regressed) == (3, False)


def test_two_authenticators_do_not_answer_for_each_other() -> None:
    one, other = SoftwareAuthenticator(), SoftwareAuthenticator()
    record = record_of(register(one))
    register(other)
    data = other.get(request_options(), ORIGIN)
    with refuses(CeremonyReason.CREDENTIAL_MISMATCH):
        verify_authentication(data, record)
    with refuses(CeremonyReason.SIGNATURE_INVALID):
        verify_authentication(
            {**data, "id": base64url.encode(record.credential_id), "rawId": base64url.encode(record.credential_id)},
            record,
        )


def test_a_string_is_not_a_collection_of_origins() -> None:
    with pytest.raises(TypeError):
        authenticate(expect={"origins": ORIGIN})


def test_the_software_authenticator_answers_only_for_what_it_has() -> None:
    authenticator = SoftwareAuthenticator()
    facts = register(authenticator)
    other_list = {**request_options(), "allowCredentials": [{"type": "public-key", "id": "AAAA"}]}
    for options in (other_list, {**request_options(), "rpId": "other.example"}):
        with pytest.raises(NoCredential):
            authenticator.get(options, ORIGIN)
    assert verify_authentication(
        authenticator.get(request_options(), ORIGIN), replace(record_of(facts), sign_count=0)
    ).user_verified
