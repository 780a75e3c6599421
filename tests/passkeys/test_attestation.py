"""Attestation statements: what each kind is worth, and what makes one wrong (WebAuthn L3 §8.2, §8.7)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from ostiary.passkeys import AttestationKind, CeremonyError, CeremonyReason, base64url, cbor
from ostiary.passkeys.attestation import certificates, none, packed
from ostiary.passkeys.attestation.formats import FormatRegistry
from tests.passkeys.ceremonies import (
    NOW,
    ORIGIN,
    creation_options,
    refuses,
    register,
    verify_registration,
)
from tests.software_authenticator import (
    DEFAULT_AAGUID,
    AttestationAuthority,
    SoftwareAuthenticator,
    aaguid_extension,
    name,
)

FIRMWARE = x509.UnrecognizedExtension(packed.FIRMWARE_EXTENSION, b"\x02\x01\x2a")


def register_with(authenticator: SoftwareAuthenticator, **expect: Any) -> AttestationKind:
    expect.setdefault("trust_anchors", [authenticator.root])
    return register(authenticator, expect=expect).attestation.kind


def change_statement(data: dict[str, Any], change: Mapping[str, Any], *, drop: str = "") -> dict[str, Any]:
    """The response with members of its statement replaced or dropped."""
    members = cbor.decode(base64url.decode(data["response"]["attestationObject"]))
    assert isinstance(members, dict)
    statement = members["attStmt"]
    assert isinstance(statement, dict)
    replaced: dict[Any, Any] = {**statement, **change}
    members["attStmt"] = {key: value for key, value in replaced.items() if key != drop}
    data["response"]["attestationObject"] = base64url.encode(cbor.encode(members))
    return data


def test_none_is_none_also_with_anchors() -> None:
    facts = register(SoftwareAuthenticator(), expect={"trust_anchors": [AttestationAuthority().certificate]})
    assert facts.attestation.kind is AttestationKind.NONE


def test_self_attestation_is_never_attested() -> None:
    facts = register(
        SoftwareAuthenticator(attestation="self"), expect={"trust_anchors": [AttestationAuthority().certificate]}
    )
    assert (facts.attestation.format, facts.attestation.kind) == ("packed", AttestationKind.SELF)
    assert facts.attestation.anchor is None


def test_attested_names_its_anchor_and_path() -> None:
    authenticator = SoftwareAuthenticator(attestation="packed")
    facts = register(authenticator, expect={"trust_anchors": [authenticator.root]})
    assert facts.attestation.kind is AttestationKind.ATTESTED
    assert facts.attestation.anchor == authenticator.root
    assert facts.attestation.trust_path == tuple(authenticator.attestation_chain)


def test_valid_statement_without_anchors_is_untrusted() -> None:
    facts = register(SoftwareAuthenticator(attestation="packed"))
    assert facts.attestation.kind is AttestationKind.UNTRUSTED
    assert facts.attestation.anchor is None


@pytest.mark.parametrize("attestation", ["none", "self", "packed"])
def test_refuses_all_but_attested_when_required(attestation: Any) -> None:
    other = AttestationAuthority().certificate
    with refuses(CeremonyReason.ATTESTATION_UNTRUSTED):
        register(
            SoftwareAuthenticator(attestation=attestation),
            expect={"trust_anchors": [other], "require_trusted_attestation": True},
        )


def test_refuses_all_when_required_and_there_are_no_anchors() -> None:
    with refuses(CeremonyReason.ATTESTATION_UNTRUSTED):
        register(SoftwareAuthenticator(attestation="packed"), expect={"require_trusted_attestation": True})


def test_accepts_attested_when_required() -> None:
    assert register_with(SoftwareAuthenticator(attestation="packed"), require_trusted_attestation=True) == "attested"


@pytest.mark.parametrize("attestation", ["self", "packed"])
def test_refuses_damaged_attestation_signature(attestation: Any) -> None:
    authenticator = SoftwareAuthenticator(attestation=attestation)
    data = authenticator.create(creation_options(), ORIGIN)
    with refuses(CeremonyReason.ATTESTATION_INVALID):
        verify_registration(change_statement(data, {"sig": bytes(70)}))


@pytest.mark.parametrize("attestation", ["self", "packed"])
def test_refuses_statement_over_other_client_data(attestation: Any) -> None:
    authenticator = SoftwareAuthenticator(attestation=attestation)
    data = authenticator.create(creation_options(), ORIGIN)
    data["response"]["clientDataJSON"] = base64url.encode(base64url.decode(data["response"]["clientDataJSON"]) + b" ")
    with refuses(CeremonyReason.ATTESTATION_INVALID):
        verify_registration(data)


@pytest.mark.parametrize("algorithm", [-8, -257, -35, -65535, True, "ES256", None])
def test_refuses_self_attestation_with_another_algorithm(algorithm: Any) -> None:
    data = SoftwareAuthenticator(attestation="self").create(creation_options(), ORIGIN)
    with refuses(CeremonyReason.ATTESTATION_INVALID):
        verify_registration(change_statement(data, {"alg": algorithm}))


@pytest.mark.parametrize("algorithm", [-8, -257, -35, -65535, 0])
def test_refuses_certificate_with_a_key_for_another_algorithm(algorithm: int) -> None:
    data = SoftwareAuthenticator(attestation="packed").create(creation_options(), ORIGIN)
    with refuses(CeremonyReason.ATTESTATION_CERTIFICATE_INVALID):
        verify_registration(change_statement(data, {"alg": algorithm}))


@pytest.mark.parametrize(
    ("change", "drop"),
    [
        ({}, "alg"),
        ({}, "sig"),
        ({"ecdaaKeyId": b"x"}, ""),
        ({"ver": "2.0"}, ""),
        ({"sig": "text"}, ""),
        ({"x5c": []}, ""),
        ({"x5c": b""}, ""),
        ({"x5c": ["text"]}, ""),
        ({"x5c": None}, ""),
    ],
)
def test_refuses_statement_of_another_shape(change: dict[str, Any], drop: str) -> None:
    data = SoftwareAuthenticator(attestation="packed").create(creation_options(), ORIGIN)
    with refuses(CeremonyReason.ATTESTATION_INVALID):
        verify_registration(change_statement(data, change, drop=drop))


def test_refuses_more_certificates_than_a_chain_has() -> None:
    authenticator = SoftwareAuthenticator(attestation="packed")
    authenticator.attestation_chain = authenticator.attestation_chain * 9
    with refuses(CeremonyReason.ATTESTATION_INVALID):
        register(authenticator)


def test_packed_statement_without_certificates_is_judged_as_self_attestation() -> None:
    data = SoftwareAuthenticator(attestation="packed").create(creation_options(), ORIGIN)
    with refuses(CeremonyReason.ATTESTATION_INVALID):
        verify_registration(change_statement(data, {}, drop="x5c"))


def test_refuses_certificate_that_does_not_parse() -> None:
    data = SoftwareAuthenticator(attestation="packed").create(creation_options(), ORIGIN)
    with refuses(CeremonyReason.ATTESTATION_CERTIFICATE_INVALID):
        verify_registration(change_statement(data, {"x5c": [b"\x30\x00"]}))


def test_a_changed_certificate_is_refused_wherever_it_was_changed() -> None:
    authenticator = SoftwareAuthenticator(attestation="packed")
    data = authenticator.create(creation_options(), ORIGIN)
    honest = authenticator.attestation_chain[0].public_bytes(Encoding.DER)
    outcomes = set()
    for at in range(len(honest)):
        changed = honest[:at] + bytes([honest[at] ^ 1 << at % 8]) + honest[at + 1 :]
        with pytest.raises(CeremonyError) as caught:
            verify_registration(
                change_statement(data, {"x5c": [changed]}),
                trust_anchors=[authenticator.root],
                require_trusted_attestation=True,
            )
        outcomes.add(caught.value.reason.value)
    assert outcomes == {"attestation_certificate_invalid", "attestation_untrusted"}


def reissue(**faults: Any) -> SoftwareAuthenticator:
    """An authenticator whose attestation certificate was issued with something wrong."""
    authenticator = SoftwareAuthenticator(attestation="packed")
    authenticator.attestation_chain = [authenticator.issue_attestation_certificate(**faults)]
    return authenticator


DAY = timedelta(days=1)
WRONG_CERTIFICATES: dict[str, dict[str, Any]] = {
    "another_aaguid": {"extensions": [(aaguid_extension(bytes(16)), False)]},
    "critical_aaguid": {"extensions": [(aaguid_extension(DEFAULT_AAGUID), True)]},
    "aaguid_wrapped_once": {
        "extensions": [(x509.UnrecognizedExtension(certificates.AAGUID_EXTENSION, DEFAULT_AAGUID), False)]
    },
    "aaguid_with_more_behind": {"extensions": [(aaguid_extension(DEFAULT_AAGUID + b"\x00"), False)]},
    "critical_firmware_version": {"extensions": [(FIRMWARE, True)]},
    "ca": {"ca": True},
    "no_basic_constraints": {"ca": None},
    "another_unit": {"subject": name(common_name="Example", unit="Authenticator attestation")},
    "no_unit": {"subject": name(common_name="Example", unit="")},
    "no_country": {"subject": name(common_name="Example", country="")},
    "no_common_name": {"subject": name(common_name="")},
    "two_units": {
        "subject": x509.Name(
            [*name(common_name="Example"), x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "More")]
        )
    },
    "expired": {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY},
    "not_yet_valid": {"not_before": NOW + DAY, "not_after": NOW + 9 * DAY},
}


@pytest.mark.parametrize("wrong", WRONG_CERTIFICATES)
@pytest.mark.parametrize("with_anchor", [True, False])
def test_refuses_attestation_certificate_with(wrong: str, with_anchor: bool) -> None:
    authenticator = reissue(**WRONG_CERTIFICATES[wrong])
    with refuses(CeremonyReason.ATTESTATION_CERTIFICATE_INVALID):
        register_with(authenticator, trust_anchors=[authenticator.root] if with_anchor else [])


def test_accepts_certificate_without_aaguid_and_with_firmware_version() -> None:
    assert register_with(reissue(extensions=[])) is AttestationKind.ATTESTED
    extensions = [(aaguid_extension(DEFAULT_AAGUID), False), (FIRMWARE, False)]
    assert register_with(reissue(extensions=extensions)) is AttestationKind.ATTESTED


def test_dates_are_judged_at_the_given_clock() -> None:
    authenticator = reissue(not_before=NOW - DAY, not_after=NOW + DAY)
    for at in (NOW - DAY, NOW, NOW + DAY):
        assert register_with(authenticator, at=at) is AttestationKind.ATTESTED
    for at in (NOW - DAY - timedelta(seconds=1), NOW + DAY + timedelta(seconds=1), datetime(2100, 1, 1, tzinfo=UTC)):
        with refuses(CeremonyReason.ATTESTATION_CERTIFICATE_INVALID):
            register_with(authenticator, at=at)


def test_refuses_version_1_certificate() -> None:
    # No builder writes version 1: the version field is cut out of a certificate, and the statement keeps verifying
    # because what it needs is the key alone.
    authenticator = SoftwareAuthenticator(attestation="packed")
    encoded = reissue_v1(authenticator)
    data = authenticator.create(creation_options(), ORIGIN)
    with refuses(CeremonyReason.ATTESTATION_CERTIFICATE_INVALID, "version"):
        verify_registration(change_statement(data, {"x5c": [encoded]}))


def reissue_v1(authenticator: SoftwareAuthenticator) -> bytes:
    """The attestation certificate as version 1: without the version field and the extensions."""
    certificate = authenticator.attestation_chain[0]
    body = certificate.tbs_certificate_bytes
    content = _content(body)
    items = list(_split(content))
    assert items[0][:1] == b"\xa0" and items[-1][:1] == b"\xa3"
    whole = list(_split(_content(certificate.public_bytes(Encoding.DER))))
    encoded = _sequence(_sequence(b"".join(items[1:-1])) + whole[1] + whole[2])
    assert x509.load_der_x509_certificate(encoded).version is x509.Version.v1
    return encoded


def _length(data: bytes, at: int) -> tuple[int, int]:
    if data[at] < 0x80:
        return data[at], at + 1
    size = data[at] & 0x7F
    return int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size


def _content(data: bytes) -> bytes:
    length, start = _length(data, 1)
    return data[start : start + length]


def _split(content: bytes) -> Any:
    at = 0
    while at < len(content):
        length, start = _length(content, at + 1)
        yield content[at : start + length]
        at = start + length


def _sequence(content: bytes) -> bytes:
    size = len(content).to_bytes(2, "big")
    return b"\x30\x82" + size + content


def test_registry_refuses_two_procedures_for_one_format() -> None:
    with pytest.raises(ValueError, match="none"):
        FormatRegistry([("none", none.verify), ("packed", packed.verify), ("none", none.verify)])


def test_registry_matches_identifiers_case_sensitively() -> None:
    registry = FormatRegistry([("none", none.verify)])
    assert registry.identifiers == {"none"}
    with refuses(CeremonyReason.ATTESTATION_FORMAT_UNKNOWN):
        registry.procedure_of("NONE")


def test_the_key_of_another_certificate_does_not_sign_for_this_one() -> None:
    authenticator = SoftwareAuthenticator(attestation="packed")
    authenticator.attestation_key = ec.generate_private_key(ec.SECP256R1())
    with refuses(CeremonyReason.ATTESTATION_INVALID):
        register_with(authenticator)
