"""The registration ceremony: what it gives, and one test for each refusal."""

from datetime import datetime

import pytest

from ostiary.passkeys import Aaguid, AttestationKind, CeremonyReason, base64url, cbor
from tests.passkeys.ceremonies import ORIGIN, RP_ID, creation_options, refuses, register, verify_registration
from tests.software_authenticator import (
    DEFAULT_AAGUID,
    AlreadyRegistered,
    SoftwareAuthenticator,
    cose_key,
    generate_key,
)


def test_gives_the_facts_of_an_honest_registration() -> None:
    authenticator = SoftwareAuthenticator(transports=("internal", "hybrid"))
    facts = register(authenticator)
    assert facts.credential_id == authenticator.credentials[0].id
    assert facts.algorithm == -7
    assert facts.aaguid == Aaguid(DEFAULT_AAGUID)
    assert (facts.sign_count, facts.user_verified, facts.backup_eligible, facts.backup_state) == (0, True, False, False)
    assert facts.transports == ("internal", "hybrid")
    assert facts.authenticator_attachment == "platform"
    assert facts.is_discoverable is True
    assert (facts.origin, facts.cross_origin, facts.top_origin) == (ORIGIN, False, None)
    assert (facts.attestation.format, facts.attestation.kind) == ("none", AttestationKind.NONE)


@pytest.mark.parametrize(("eligible", "state"), [(True, False), (True, True)])
def test_reports_backup_flags(eligible: bool, state: bool) -> None:
    facts = register(SoftwareAuthenticator(backup_eligible=eligible, backup_state=state))
    assert (facts.backup_eligible, facts.backup_state) == (eligible, state)


@pytest.mark.parametrize("algorithm", [-7, -8, -35, -36, -48, -49, -53, -257])
def test_accepts_every_algorithm_it_offers(algorithm: int) -> None:
    assert register(SoftwareAuthenticator(algorithm=algorithm, attestation="self")).algorithm == algorithm


@pytest.mark.parametrize("algorithm", [-19, -50])
def test_accepts_further_algorithms_when_offered(algorithm: int) -> None:
    authenticator = SoftwareAuthenticator(attestation="self")
    assert register(authenticator, algorithm=algorithm, expect={"algorithms": (algorithm,)}).algorithm == algorithm


def test_refuses_wrong_type() -> None:
    with refuses(CeremonyReason.TYPE_MISMATCH):
        register(SoftwareAuthenticator(), type="webauthn.get")


def test_refuses_another_challenge() -> None:
    with refuses(CeremonyReason.CHALLENGE_MISMATCH):
        register(SoftwareAuthenticator(), challenge=bytes(32))


def test_refuses_padded_challenge() -> None:
    padded = base64url.encode(bytes(range(32))) + "="
    with refuses(CeremonyReason.CHALLENGE_MISMATCH):
        register(SoftwareAuthenticator(), client_data={"challenge": padded})


@pytest.mark.parametrize(
    "origin",
    ["https://contoso.example", f"http://{RP_ID}", f"{ORIGIN}/", f"{ORIGIN}:8443", f"{ORIGIN}.evil.example", ""],
)
def test_refuses_another_origin(origin: str) -> None:
    with refuses(CeremonyReason.ORIGIN_MISMATCH):
        register(SoftwareAuthenticator(), origin=origin)


def test_accepts_any_of_several_origins() -> None:
    android = "android:apk-key-hash:abc"
    assert register(SoftwareAuthenticator(), origin=android, expect={"origins": {ORIGIN, android}}).origin == android


def test_refuses_cross_origin() -> None:
    with refuses(CeremonyReason.CROSS_ORIGIN_REFUSED):
        register(SoftwareAuthenticator(), cross_origin=True)


def test_accepts_cross_origin_when_allowed() -> None:
    assert register(SoftwareAuthenticator(), cross_origin=True, expect={"allow_cross_origin": True}).cross_origin


TOP = "https://portal.example"


def test_refuses_top_origin_when_cross_origin_is_not_allowed() -> None:
    with refuses(CeremonyReason.CROSS_ORIGIN_REFUSED):
        register(SoftwareAuthenticator(), top_origin=TOP, expect={"top_origins": (TOP,)})


def test_refuses_top_origin_of_a_call_that_is_not_cross_origin() -> None:
    expect = {"allow_cross_origin": True, "top_origins": (TOP,)}
    with refuses(CeremonyReason.CROSS_ORIGIN_REFUSED):
        register(SoftwareAuthenticator(), cross_origin=False, top_origin=TOP, expect=expect)


@pytest.mark.parametrize("top_origins", [(), (ORIGIN,)])
def test_refuses_unexpected_top_origin(top_origins: tuple[str, ...]) -> None:
    expect = {"allow_cross_origin": True, "top_origins": top_origins}
    with refuses(CeremonyReason.TOP_ORIGIN_REFUSED):
        register(SoftwareAuthenticator(), cross_origin=True, top_origin=TOP, expect=expect)


def test_accepts_expected_top_origin() -> None:
    expect = {"allow_cross_origin": True, "top_origins": (TOP,)}
    assert register(SoftwareAuthenticator(), cross_origin=True, top_origin=TOP, expect=expect).top_origin == TOP


def test_refuses_another_rp_id() -> None:
    with refuses(CeremonyReason.RP_ID_MISMATCH):
        register(SoftwareAuthenticator(), rp_id="contoso.example")


def test_refuses_missing_user_presence() -> None:
    with refuses(CeremonyReason.USER_PRESENCE_MISSING):
        register(SoftwareAuthenticator(), up=False)


def test_accepts_missing_user_presence_in_conditional_creation() -> None:
    facts = register(
        SoftwareAuthenticator(),
        up=False,
        uv=False,
        expect={"require_user_presence": False, "require_user_verification": False},
    )
    assert not facts.user_verified


def test_refuses_missing_user_verification() -> None:
    with refuses(CeremonyReason.USER_VERIFICATION_MISSING):
        register(SoftwareAuthenticator(), uv=False)


def test_refuses_backed_up_but_not_eligible() -> None:
    with refuses(CeremonyReason.BACKUP_STATE_INVALID):
        register(SoftwareAuthenticator(), be=False, bs=True)


def test_refuses_algorithm_that_was_not_offered() -> None:
    with refuses(CeremonyReason.ALGORITHM_NOT_OFFERED):
        register(SoftwareAuthenticator(algorithm=-8), expect={"algorithms": (-7, -257)})


def test_refuses_algorithm_that_was_not_offered_before_looking_at_the_key() -> None:
    key = cbor.encode({1: 3, 3: -65535, -1: bytes(256), -2: b"\x01\x00\x01"})
    with refuses(CeremonyReason.ALGORITHM_NOT_OFFERED):
        register(SoftwareAuthenticator(), public_key=key)


def test_refuses_unknown_attestation_format() -> None:
    with refuses(CeremonyReason.ATTESTATION_FORMAT_UNKNOWN):
        register(SoftwareAuthenticator(), fmt="None")


def test_refuses_none_statement_that_is_not_empty() -> None:
    with refuses(CeremonyReason.ATTESTATION_INVALID):
        register(SoftwareAuthenticator(), statement={"sig": b"x"})


def test_refuses_credential_id_of_1024_bytes() -> None:
    assert len(register(SoftwareAuthenticator(), credential_id=bytes(1023)).credential_id) == 1023
    with refuses(CeremonyReason.CREDENTIAL_ID_TOO_LONG):
        register(SoftwareAuthenticator(), credential_id=bytes(1024))


def test_refuses_response_that_names_another_credential() -> None:
    data = SoftwareAuthenticator().create(creation_options(), ORIGIN)
    with refuses(CeremonyReason.CREDENTIAL_MISMATCH):
        verify_registration({**data, "id": "AAAA", "rawId": "AAAA"})


def test_refuses_authenticator_data_without_a_credential() -> None:
    def drop_credential(data: bytes) -> bytes:
        return data[:32] + bytes([data[32] & ~0x40]) + data[33:37]

    with refuses(CeremonyReason.MALFORMED_AUTHENTICATOR_DATA):
        register(SoftwareAuthenticator(), edit_authenticator_data=drop_credential)


@pytest.mark.parametrize("length", [0, 36, 37, 54, 55, 87])
def test_refuses_authenticator_data_cut_off(length: int) -> None:
    with refuses(CeremonyReason.MALFORMED_AUTHENTICATOR_DATA):
        register(SoftwareAuthenticator(), edit_authenticator_data=lambda data: data[:length])


def test_refuses_bytes_after_authenticator_data() -> None:
    with refuses(CeremonyReason.MALFORMED_AUTHENTICATOR_DATA):
        register(SoftwareAuthenticator(), edit_authenticator_data=lambda data: data + b"\x00")


def test_refuses_extension_flag_without_extensions() -> None:
    with refuses(CeremonyReason.MALFORMED_CBOR):
        register(SoftwareAuthenticator(), ed=True)


def test_refuses_extensions_without_flag() -> None:
    with refuses(CeremonyReason.MALFORMED_AUTHENTICATOR_DATA):
        register(SoftwareAuthenticator(), ed=False, extensions={"credProtect": 2})


@pytest.mark.parametrize("extensions", [b"\x80", cbor.encode({1: 2})])
def test_refuses_extensions_that_are_no_map_of_text(extensions: bytes) -> None:
    with refuses(CeremonyReason.MALFORMED_AUTHENTICATOR_DATA):
        register(SoftwareAuthenticator(), ed=True, edit_authenticator_data=lambda data: data + extensions)


def test_accepts_unsolicited_extensions() -> None:
    extensions = {"credProtect": 3, "hmac-secret": True}
    results = {"credProps": {"rk": True}, "largeBlob": {"supported": True}}
    facts = register(SoftwareAuthenticator(), extensions=extensions, client_extension_results=results)
    assert facts.is_discoverable


@pytest.mark.parametrize("results", [{}, {"credProps": {}}, {"credProps": True}, {"credProps": {"rk": "yes"}}])
def test_does_not_guess_discoverability(results: dict[str, object]) -> None:
    assert register(SoftwareAuthenticator(), client_extension_results=results).is_discoverable is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        cbor.encode([]),
        cbor.encode({"fmt": "none", "attStmt": {}}),
        cbor.encode({"fmt": "none", "attStmt": {}, "authData": b"", "ep": True}),
        cbor.encode({"fmt": b"none", "attStmt": {}, "authData": b""}),
        cbor.encode({"fmt": "none", "attStmt": [], "authData": b""}),
        cbor.encode({"fmt": "none", "attStmt": {}, "authData": ""}),
    ],
)
def test_refuses_what_is_no_attestation_object(content: bytes) -> None:
    reason = CeremonyReason.MALFORMED_CBOR if content else CeremonyReason.MALFORMED_RESPONSE
    with refuses(reason):
        register(SoftwareAuthenticator(), edit_attestation_object=lambda _: content)


@pytest.mark.parametrize("edit", [lambda data: data + b"\x00", lambda data: data[:-1]])
def test_refuses_attestation_object_cut_off_or_with_more_behind(edit: object) -> None:
    with refuses(CeremonyReason.MALFORMED_CBOR):
        register(SoftwareAuthenticator(), edit_attestation_object=edit)


def test_refuses_a_public_key_it_cannot_rely_on() -> None:
    with refuses(CeremonyReason.PUBLIC_KEY_INVALID):
        register(SoftwareAuthenticator(), public_key=cbor.encode({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)}))


@pytest.mark.parametrize("name", ["origins", "top_origins"])
def test_a_string_is_not_a_collection_of_origins(name: str) -> None:
    with pytest.raises(TypeError):
        register(SoftwareAuthenticator(), expect={name: ORIGIN})


def test_a_clock_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        register(SoftwareAuthenticator(), expect={"at": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_the_software_authenticator_honours_exclusions() -> None:
    authenticator = SoftwareAuthenticator()
    facts = register(authenticator)
    excluded = [{"type": "public-key", "id": base64url.encode(facts.credential_id)}]
    with pytest.raises(AlreadyRegistered):
        authenticator.create({**creation_options(), "excludeCredentials": excluded}, ORIGIN)


def test_refuses_weak_rsa_key() -> None:
    with refuses(CeremonyReason.PUBLIC_KEY_INVALID):
        register(SoftwareAuthenticator(), public_key=cose_key(generate_key(-257, rsa_bits=1024), -257))
