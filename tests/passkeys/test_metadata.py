"""What metadata says about models, and which anchors it gives (FIDO Metadata Service 3.1 §3.1)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509

from ostiary import passkeys
from ostiary.passkeys import Aaguid, AttestationKind, CeremonyError, CeremonyReason
from ostiary.passkeys.metadata import (
    NO_METADATA,
    Metadata,
    MetadataEntry,
    MetadataError,
    MetadataReason,
    StatusKind,
    TrustedRoot,
    TrustStore,
    status_verdict,
)
from tests.passkeys import statements
from tests.passkeys.blobs import encoded, entry, payload, statement, u2f_entry
from tests.passkeys.ceremonies import NOW, ORIGIN, creation_options, verify_registration
from tests.software_authenticator import AttestationAuthority, AttestationMaker, SoftwareAuthenticator, generate_key

ONE = "11111111-2222-3333-4444-555555555555"
TWO = "22222222-2222-3333-4444-555555555555"
VENDOR_A, VENDOR_B = AttestationAuthority(common_name="Vendor A"), AttestationAuthority(common_name="Vendor B")
ADMINISTRATOR, OWN = AttestationAuthority(common_name="Administrator"), AttestationAuthority(common_name="Own CA")


def read(*entries: Any) -> Metadata:
    return Metadata.from_payload(payload(*entries))


def only(**members: Any) -> MetadataEntry:
    found = read(entry(ONE, **members)).entry(Aaguid.parse(ONE))
    assert found is not None
    return found


def verdict(*reports: tuple[str, str], at: datetime = NOW) -> tuple[StatusKind, int]:
    status = [{"status": status, "effectiveDate": effective} for status, effective in reports]
    judged = status_verdict(only(status=status), at)
    return judged.kind, judged.level


# -- entries


def test_facts_of_an_entry() -> None:
    found = only(roots=[VENDOR_A.certificate])
    assert (found.description, found.protocol_family, found.is_local) == ("Example Key", "fido2", False)
    assert found.attestation_types == {"basic_full"}
    assert found.key_protection == {"hardware", "secure_element"}
    assert found.attestation_roots == (VENDOR_A.certificate,)
    assert found.is_fido2 and found.is_key_restricted
    assert found.supports_hmac_secret and found.supports_discoverable_credentials
    assert found.supports_user_verification


def test_absent_members_have_the_value_the_specification_gives() -> None:
    found = only(authenticatorGetInfo={}, userVerificationDetails=[], keyProtection=[])
    assert found.is_key_restricted
    assert not found.supports_hmac_secret and not found.supports_discoverable_credentials
    assert not found.supports_user_verification
    assert not only(isKeyRestricted=False).is_key_restricted


@pytest.mark.parametrize(
    ("members", "verifies"),
    [
        ({"authenticatorGetInfo": {"options": {"uv": True}}, "userVerificationDetails": []}, True),
        ({"authenticatorGetInfo": {"options": {"uv": False}}, "userVerificationDetails": []}, False),
        ({"authenticatorGetInfo": {"options": {"clientPin": False}}, "userVerificationDetails": []}, True),
        ({"authenticatorGetInfo": {}, "userVerificationDetails": [[{"userVerificationMethod": "none"}]]}, False),
        (
            {
                "authenticatorGetInfo": {},
                "userVerificationDetails": [[{"userVerificationMethod": "faceprint_internal"}]],
            },
            True,
        ),
    ],
)
def test_user_verification(members: dict[str, Any], verifies: bool) -> None:
    assert only(**members).supports_user_verification is verifies


def test_fido2_versions() -> None:
    assert only(authenticatorGetInfo={"versions": ["FIDO_2_3"]}).is_fido2
    assert not only(authenticatorGetInfo={"versions": ["U2F_V2"]}).is_fido2
    assert not only(protocolFamily="u2f").is_fido2


def test_unknown_members_are_ignored() -> None:
    value = entry(ONE, tomorrow={"a": [1, None]}, status=[{"status": "FROM_TOMORROW", "more": 1.5}])
    metadata = Metadata.from_payload({**payload({**value, "more": None}), "extra": {}})
    assert metadata.unreadable == ()
    found = metadata.entry(Aaguid.parse(ONE))
    assert found is not None and found.status_reports[0].status == "FROM_TOMORROW"
    assert status_verdict(found, NOW).kind is StatusKind.PLAIN


@pytest.mark.parametrize(
    "wrong",
    [
        7,
        {**entry(TWO), "aaguid": "not an aaguid"},
        {**entry(TWO), "aaguid": 7},
        {**entry(TWO), "aaguid": "00000000-0000-0000-0000-000000000000", "metadataStatement": {}},
        {**entry(TWO), "metadataStatement": statement(aaguid=ONE)},
        {**entry(TWO), "metadataStatement": "text"},
        entry(TWO, attestationRootCertificates="text"),
        entry(TWO, attestationRootCertificates=[7]),
        entry(TWO, status=[{"effectiveDate": "2024-01-01"}]),
        entry(TWO, status=[{"status": "REVOKED", "effectiveDate": "yesterday"}]),
        entry(TWO, userVerificationDetails=[{}]),
        entry(ONE),
        u2f_entry("not hex"),
    ],
)
def test_an_odd_entry_is_passed_over_and_named(wrong: Any) -> None:
    metadata = read(entry(ONE), wrong)
    assert metadata.entry(Aaguid.parse(ONE)) is not None
    assert metadata.entry(Aaguid.parse(TWO)) is None
    assert len(metadata.unreadable) == 1


def test_a_root_that_does_not_parse_vouches_for_nothing() -> None:
    good = encoded(VENDOR_A.certificate)
    spaced = "\n".join(good[at : at + 64] for at in range(0, len(good), 64))
    assert only(attestationRootCertificates=["AAAA", "?", f" {spaced}\n"]).attestation_roots == (VENDOR_A.certificate,)


def test_an_entry_without_a_statement_has_its_status() -> None:
    metadata = read({"aaguid": ONE, "statusReports": [{"status": "REVOKED", "effectiveDate": "2024-01-01"}]})
    found = metadata.entry(Aaguid.parse(ONE))
    assert found is not None and status_verdict(found, NOW).kind is StatusKind.COMPROMISED


# -- status


@pytest.mark.parametrize(
    "status",
    [
        "REVOKED",
        "USER_VERIFICATION_BYPASS",
        "ATTESTATION_KEY_COMPROMISE",
        "USER_KEY_REMOTE_COMPROMISE",
        "USER_KEY_PHYSICAL_COMPROMISE",
    ],
)
def test_compromised(status: str) -> None:
    # In the order the service has them, which is none.
    reports = ((status, "2026-05-01"), ("FIDO_CERTIFIED_L2", "2020-01-01"), ("UPDATE_AVAILABLE", "2026-05-02"))
    assert verdict(*reports) == (StatusKind.COMPROMISED, 20)
    assert verdict(*reports, at=datetime(2026, 5, 1, tzinfo=UTC)) == (StatusKind.COMPROMISED, 20)
    assert verdict(*reports, at=datetime(2026, 4, 30, tzinfo=UTC)) == (StatusKind.CERTIFIED, 20)


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ((), (StatusKind.PLAIN, 0)),
        ((("NOT_FIDO_CERTIFIED", "2024-01-01"),), (StatusKind.PLAIN, 0)),
        ((("SELF_ASSERTION_SUBMITTED", "2024-01-01"),), (StatusKind.PLAIN, 0)),
        ((("RETIRED", "2024-01-01"),), (StatusKind.PLAIN, 0)),
        ((("FIDO_CERTIFIED", "2024-01-01"),), (StatusKind.CERTIFIED, 10)),
        ((("FIDO_CERTIFIED", "2024-01-01"), ("FIDO_CERTIFIED_L2", "2024-01-01")), (StatusKind.CERTIFIED, 20)),
        ((("FIDO_CERTIFIED_L3plus", "2024-01-01"), ("UPDATE_AVAILABLE", "2025-01-01")), (StatusKind.CERTIFIED, 35)),
        ((("FIDO_CERTIFIED_L1", "2025-01-01"), ("NOT_FIDO_CERTIFIED", "2024-01-01")), (StatusKind.CERTIFIED, 10)),
        ((("FIDO_CERTIFIED_L1", "2024-01-01"), ("NOT_FIDO_CERTIFIED", "2025-01-01")), (StatusKind.PLAIN, 0)),
        ((("FIDO_CERTIFIED_L1", "2030-01-01"),), (StatusKind.PLAIN, 0)),
    ],
)
def test_certification(reports: tuple[tuple[str, str], ...], expected: tuple[StatusKind, int]) -> None:
    assert verdict(*reports) == expected


def test_certification_that_ended_and_report_without_a_date() -> None:
    ended = [{"status": "FIDO_CERTIFIED_L1", "effectiveDate": "2020-01-01", "sunsetDate": "2026-01-01"}]
    assert status_verdict(only(status=ended), NOW).kind is StatusKind.PLAIN
    assert status_verdict(only(status=[{"status": "REVOKED"}]), NOW).kind is StatusKind.COMPROMISED


# -- statements of one's own


def test_a_local_statement_is_found_and_marked() -> None:
    metadata = NO_METADATA.with_statement(statement(aaguid=TWO, roots=[OWN.certificate], extra=1))
    found = metadata.entry(Aaguid.parse(TWO))
    assert found is not None and found.is_local and found.attestation_roots == (OWN.certificate,)
    assert NO_METADATA.entry(Aaguid.parse(TWO)) is None
    assert not metadata.is_overdue(NOW)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (statement(aaguid=ONE), MetadataReason.ALREADY_PRESENT),
        ("text", MetadataReason.MALFORMED_STATEMENT),
        (statement(), MetadataReason.MALFORMED_STATEMENT),
        (statement(aaguid=TWO, description=""), MetadataReason.MALFORMED_STATEMENT),
        (statement(aaguid="?"), MetadataReason.MALFORMED_STATEMENT),
    ],
)
def test_refuses_local_statement(value: object, reason: MetadataReason) -> None:
    with pytest.raises(MetadataError) as caught:
        read(entry(ONE)).with_statement(value)
    assert caught.value.reason is reason


# -- anchors


STORE = TrustStore(
    metadata=read(entry(ONE, roots=[VENDOR_A.certificate]), entry(TWO, roots=[VENDOR_B.certificate])),
    own=(TrustedRoot(certificate=OWN.certificate, aaguids=frozenset({Aaguid(bytes(range(16)))})),),
    administrator=(TrustedRoot(certificate=ADMINISTRATOR.certificate),),
)


def anchors(aaguid: str | bytes, fmt: str = "packed", **arguments: Any) -> tuple[x509.Certificate, ...]:
    raw = Aaguid(aaguid) if isinstance(aaguid, bytes) else Aaguid.parse(aaguid)
    return STORE.anchors_for(raw, fmt, **arguments)


def test_every_model_has_its_own_anchors() -> None:
    assert anchors(ONE) == (VENDOR_A.certificate,)
    assert anchors(TWO, "tpm") == (VENDOR_B.certificate,)
    assert anchors(bytes(range(16))) == (OWN.certificate,)


def test_a_root_without_a_list_speaks_where_nobody_else_does() -> None:
    assert anchors(bytes(16), "apple") == (ADMINISTRATOR.certificate,)
    assert anchors(b"\xff" * 16) == (ADMINISTRATOR.certificate,)


def test_a_root_may_be_limited_to_models_and_formats() -> None:
    limited = TrustedRoot(
        certificate=ADMINISTRATOR.certificate,
        aaguids=frozenset({Aaguid.parse(ONE)}),
        formats=frozenset({"packed"}),
    )
    store = TrustStore(metadata=STORE.metadata, administrator=(limited,))
    assert store.anchors_for(Aaguid.parse(ONE), "packed") == (VENDOR_A.certificate, ADMINISTRATOR.certificate)
    assert store.anchors_for(Aaguid.parse(ONE), "tpm") == (VENDOR_A.certificate,)
    assert store.anchors_for(Aaguid.parse(TWO), "packed") == (VENDOR_B.certificate,)
    assert store.anchors_for(Aaguid(bytes(16)), "packed") == ()


def test_an_empty_list_is_not_a_missing_one() -> None:
    nobody = TrustStore(administrator=(TrustedRoot(certificate=ADMINISTRATOR.certificate, aaguids=frozenset()),))
    assert nobody.anchors_for(Aaguid(bytes(16)), "packed") == ()


def test_none_has_no_anchors() -> None:
    assert anchors(ONE, "none") == () == anchors(bytes(16), "none")


def test_our_own_authority_has_to_name_its_models() -> None:
    with pytest.raises(ValueError, match="AAGUID"):
        TrustStore(own=(TrustedRoot(certificate=OWN.certificate),))


def verify_with(store: TrustStore, maker: AttestationMaker, aaguid: str | bytes) -> passkeys.VerifiedRegistration:
    """The two steps: anchors for what is claimed, then verification."""
    raw = aaguid if isinstance(aaguid, bytes) else Aaguid.parse(aaguid).raw
    authenticator = SoftwareAuthenticator(aaguid=raw, user_verification=False)
    data = authenticator.create(creation_options(), ORIGIN, attest=maker)
    response = passkeys.parse_registration_response(data)
    assert response.aaguid.raw == raw
    return verify_registration(data, trust_anchors=store.anchors_of(response), require_user_verification=False)


@pytest.mark.parametrize("maker", [statements.tpm, statements.packed, statements.apple, statements.android_key])
def test_an_anchor_of_one_vendor_never_vouches_for_a_model_of_another(maker: Any) -> None:
    assert verify_with(STORE, maker(VENDOR_A), ONE).attested_aaguid == Aaguid.parse(ONE)
    for authority in (VENDOR_B, ADMINISTRATOR, OWN):
        assert verify_with(STORE, maker(authority), ONE).attestation.kind is AttestationKind.UNTRUSTED
    for aaguid in (TWO, bytes(16), bytes(range(16))):
        assert verify_with(STORE, maker(VENDOR_A), aaguid).attestation.kind is AttestationKind.UNTRUSTED


def u2f_store(*identifiers: str) -> TrustStore:
    return TrustStore(
        metadata=read(entry(ONE, roots=[VENDOR_B.certificate]), u2f_entry(*identifiers, roots=[VENDOR_A.certificate]))
    )


def test_u2f_models_are_told_by_their_certificates() -> None:
    key = generate_key(-7)
    certificate = VENDOR_A.issue(subject=VENDOR_A.certificate.subject, key=key.public_key())  # type: ignore[arg-type]
    own = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest.hex()
    store = u2f_store(own)
    found = store.metadata.entry_of_certificate(certificate)
    assert found is not None and found.protocol_family == "u2f"
    # Whatever AAGUID is claimed beside it.
    for aaguid in (bytes(16), ONE):
        facts = verify_with(store, statements.fido_u2f(VENDOR_A, key=key), aaguid)
        assert (facts.attestation.kind, facts.attested_aaguid) == (AttestationKind.ATTESTED, None)
    assert verify_with(store, statements.fido_u2f(VENDOR_B, key=key), ONE).attestation.kind is AttestationKind.UNTRUSTED
    assert verify_with(store, statements.fido_u2f(VENDOR_A), ONE).attestation.kind is AttestationKind.UNTRUSTED


def test_u2f_models_are_told_by_their_certificates_issuer_too() -> None:
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(VENDOR_A.key.public_key())
    assert issuer.key_identifier is not None
    store = u2f_store(issuer.key_identifier.hex())
    maker = statements.fido_u2f(VENDOR_A, extensions=[(issuer, False)])
    assert verify_with(store, maker, bytes(16)).attestation.kind is AttestationKind.ATTESTED
    # Who only says so is found out.
    impostor = statements.fido_u2f(VENDOR_B, extensions=[(issuer, False)])
    assert verify_with(store, impostor, bytes(16)).attestation.kind is AttestationKind.UNTRUSTED


def test_u2f_response_that_cannot_be_read_has_no_anchors() -> None:
    store = TrustStore(administrator=(TrustedRoot(certificate=VENDOR_A.certificate),))
    data = SoftwareAuthenticator().create(creation_options(), ORIGIN, fmt="fido-u2f", statement={"x5c": [b"?"]})
    assert store.anchors_of(passkeys.parse_registration_response(data)) == ()


def test_the_claimed_aaguid_of_what_is_no_registration() -> None:
    data = SoftwareAuthenticator().create(creation_options(), ORIGIN, at=False)
    with pytest.raises(CeremonyError) as caught:
        _ = passkeys.parse_registration_response(data).aaguid
    assert caught.value.reason is CeremonyReason.MALFORMED_AUTHENTICATOR_DATA
