"""The formats beside ``none`` and ``packed``: what they are worth, and what makes one wrong (WebAuthn L3 §8.3-§8.9)."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ObjectIdentifier

from ostiary.passkeys import AttestationKind, CeremonyReason, VerifiedRegistration
from ostiary.passkeys.attestation.formats import FORMATS
from tests.passkeys import statements
from tests.passkeys.ceremonies import NOW, refuses, register
from tests.passkeys.statements import EMPTY_LIST, authorizations, integer
from tests.software_authenticator import (
    DEFAULT_AAGUID,
    ZERO_AAGUID,
    AttestationAuthority,
    AttestationMaker,
    SoftwareAuthenticator,
    aaguid_extension,
    generate_key,
    name,
    sign,
)

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
ROOT = AttestationAuthority()
INVALID = CeremonyReason.ATTESTATION_INVALID
CERTIFICATE_INVALID = CeremonyReason.ATTESTATION_CERTIFICATE_INVALID

MAKERS: dict[str, Any] = {
    "tpm": statements.tpm,
    "android-key": statements.android_key,
    "android-safetynet": statements.android_safetynet,
    "apple": statements.apple,
    "fido-u2f": statements.fido_u2f,
    "compound": lambda authority, **arguments: statements.compound(
        statements.packed(authority, **arguments), statements.self_signed
    ),
}
WITH_CHAINS = sorted(MAKERS.keys() - {"fido-u2f"})


def register_as(attest: AttestationMaker, **arguments: Any) -> VerifiedRegistration:
    """A registration with this statement, honest otherwise. U2F knows no user verification."""
    expect = {"trust_anchors": [ROOT.certificate], "require_user_verification": False, **arguments.pop("expect", {})}
    aaguid, algorithm = arguments.pop("aaguid", DEFAULT_AAGUID), arguments.pop("algorithm", -7)
    authenticator = SoftwareAuthenticator(aaguid=aaguid, algorithm=algorithm, user_verification=False)
    return register(authenticator, attest=attest, expect=expect, **arguments)


def brought(fmt: str, statement: Any) -> AttestationMaker:
    return lambda _: (fmt, statement)


def flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def test_all_formats_of_the_specification() -> None:
    assert FORMATS.identifiers == {"none", "packed", *MAKERS}


@pytest.mark.parametrize("fmt", sorted(MAKERS))
def test_attested_by_the_root_given(fmt: str) -> None:
    facts = register_as(MAKERS[fmt](ROOT), expect={"require_trusted_attestation": True})
    assert (facts.attestation.format, facts.attestation.kind) == (fmt, AttestationKind.ATTESTED)
    assert facts.attestation.anchor == ROOT.certificate


@pytest.mark.parametrize("fmt", sorted(MAKERS))
def test_untrusted_by_any_other_root(fmt: str) -> None:
    other = {"trust_anchors": [AttestationAuthority().certificate]}
    facts = register_as(MAKERS[fmt](ROOT), expect=other)
    assert facts.attestation.kind is AttestationKind.UNTRUSTED
    assert facts.attested_aaguid is None
    with refuses(CeremonyReason.ATTESTATION_UNTRUSTED):
        register_as(MAKERS[fmt](ROOT), expect={**other, "require_trusted_attestation": True})


@pytest.mark.parametrize("fmt", WITH_CHAINS)
def test_attested_through_an_intermediate(fmt: str) -> None:
    middle = ROOT.intermediate()
    facts = register_as(MAKERS[fmt](middle, chain=[middle.certificate]))
    assert facts.attestation.kind is AttestationKind.ATTESTED
    assert register_as(MAKERS[fmt](middle)).attestation.kind is AttestationKind.UNTRUSTED


@pytest.mark.parametrize("fmt", WITH_CHAINS)
@pytest.mark.parametrize("common_name", ["Example Root", "Another Root"])
def test_a_root_inside_x5c_is_not_trusted(fmt: str, common_name: str) -> None:
    """Neither a root of one's own, nor one that calls itself what the trusted one is called."""
    own = AttestationAuthority(common_name=common_name)
    facts = register_as(MAKERS[fmt](own, chain=[own.certificate]))
    assert facts.attestation.kind is AttestationKind.UNTRUSTED
    assert facts.attestation.anchor is None


@pytest.mark.parametrize("fmt", sorted(MAKERS))
@pytest.mark.parametrize("dates", [(-9 * DAY, -DAY), (DAY, 9 * DAY)])
def test_refuses_certificate_out_of_date(fmt: str, dates: tuple[timedelta, timedelta]) -> None:
    with refuses(CERTIFICATE_INVALID, "date"):
        register_as(MAKERS[fmt](ROOT, not_before=NOW + dates[0], not_after=NOW + dates[1]))


@pytest.mark.parametrize("fmt", sorted(MAKERS.keys() - {"compound"}))
@pytest.mark.parametrize("members", [{"extra": 1}, {"x5c": []}, {"x5c": b""}, {"x5c": ["text"]}, {"response": "text"}])
def test_refuses_another_syntax(fmt: str, members: dict[str, Any]) -> None:
    with refuses(INVALID):
        register_as(MAKERS[fmt](ROOT, members=members))


@pytest.mark.parametrize("fmt", sorted(MAKERS))
def test_refuses_statement_over_other_client_data(fmt: str) -> None:
    other = MAKERS[fmt](ROOT)

    def attest(given: Any) -> Any:
        return other(type(given)(given.credential, given.authenticator_data, bytes(32)))

    with refuses(INVALID):
        register_as(attest)


# -- tpm


@pytest.mark.parametrize("algorithm", [-7, -35, -257, -65535])
@pytest.mark.parametrize("credential_algorithm", [-7, -35, -36, -257])
def test_tpm_signs_and_certifies_with_these(algorithm: int, credential_algorithm: int) -> None:
    facts = register_as(statements.tpm(ROOT, algorithm=algorithm), algorithm=credential_algorithm)
    assert facts.attested_aaguid == facts.aaguid


WRONG_TPM: dict[str, Any] = {
    "version_1_2": {"members": {"ver": "1.2"}},
    "no_version": {"members": {"ver": None}},
    "text_signature": {"members": {"sig": "text"}},
    "text_algorithm": {"members": {"alg": "ES256"}},
    "algorithm_no_tpm_has": {"members": {"alg": -8}},
    "empty_certify_info": {"members": {"certInfo": b""}},
    "empty_public_area": {"members": {"pubArea": b""}},
    "signature_of_another": {"members": {"sig": bytes(70)}},
    "magic_of_no_tpm": {"magic": "ff544348"},
    "type_of_a_quote": {"kind": "8018"},
    "extra_data_of_another_message": {"extra_data": flip},
    "extra_data_cut_short": {"extra_data": lambda data: data[:16]},
    "name_of_another_key": {"certified": lambda name: name[:-1] + bytes([name[-1] ^ 1])},
    "name_without_algorithm": {"certified": lambda name: name[2:]},
    "name_by_sha1": {"name_algorithm": 0x0004},
    "certify_info_with_more": {"edit_certify_info": lambda data: data + b"\x00"},
    "certify_info_cut_off": {"edit_certify_info": lambda data: data[:-1]},
    "public_area_with_more": {"edit_public_area": lambda data: data + b"\x00"},
    "public_area_cut_off": {"edit_public_area": lambda data: data[:-1]},
    "public_area_of_a_hash_key": {"edit_public_area": lambda data: b"\x00\x08" + data[2:]},
    "public_area_of_another_key": {"edit_public_area": lambda _: statements.public_area(generate_key(-7))},
    "public_area_of_another_kind_of_key": {"edit_public_area": lambda _: statements.public_area(generate_key(-257))},
    "public_area_on_another_curve": {
        "edit_public_area": lambda data: data.replace(
            bytes.fromhex("0010001000030010"), bytes.fromhex("0010001000040010")
        )
    },
    "public_area_on_an_unknown_curve": {
        "edit_public_area": lambda data: data.replace(
            bytes.fromhex("0010001000030010"), bytes.fromhex("0010001000200010")
        )
    },
    "public_area_of_a_storage_key": {
        "edit_public_area": lambda data: data.replace(
            bytes.fromhex("0010001000030010"), bytes.fromhex("0006001000030010")
        )
    },
}


@pytest.mark.parametrize("wrong", WRONG_TPM)
def test_refuses_tpm_statement_with(wrong: str) -> None:
    with refuses(INVALID):
        register_as(statements.tpm(ROOT, **WRONG_TPM[wrong]))


def test_refuses_tpm_rsa_area_whose_length_is_another() -> None:
    def shorter(data: bytes) -> bytes:
        return data.replace(bytes.fromhex("0010001008000000"), bytes.fromhex("0010001004000000"))

    register_as(statements.tpm(ROOT), algorithm=-257)
    with refuses(INVALID, "modulus"):
        register_as(statements.tpm(ROOT, edit_public_area=shorter), algorithm=-257)


def test_accepts_tpm_name_by_sha384() -> None:
    assert register_as(statements.tpm(ROOT, name_algorithm=0x000C)).attestation.kind is AttestationKind.ATTESTED


def aik(*extensions: Any) -> dict[str, Any]:
    return {"extensions": [*extensions]}


SAN = (statements.tpm_name(), True)
USAGE = (statements.AIK_USAGE, False)
WRONG_AIK: dict[str, dict[str, Any]] = {
    "subject": {"subject": name(common_name="TPM")},
    "no_alternative_name": aik(USAGE),
    "alternative_name_of_a_host": aik((x509.SubjectAlternativeName([x509.DNSName("tpm.example")]), True), USAGE),
    "no_manufacturer": aik((statements.tpm_name(manufacturer=""), True), USAGE),
    "unknown_manufacturer": aik((statements.tpm_name(manufacturer="id:DEADBEEF"), True), USAGE),
    "manufacturer_of_the_conformance_tests": aik((statements.tpm_name(manufacturer="id:FFFFF1D0"), True), USAGE),
    "manufacturer_in_another_spelling": aik((statements.tpm_name(manufacturer="Infineon"), True), USAGE),
    "no_model": aik((statements.tpm_name(model=""), True), USAGE),
    "no_version": aik((statements.tpm_name(version=""), True), USAGE),
    "no_key_usage": aik(SAN),
    "another_key_usage": aik(SAN, (x509.ExtendedKeyUsage([ObjectIdentifier("2.23.133.8.1")]), False)),
    "ca": {"ca": True},
    "no_basic_constraints": {"ca": None},
    "another_aaguid": aik(SAN, USAGE, (aaguid_extension(bytes(range(16))), False)),
    "critical_aaguid": aik(SAN, USAGE, (aaguid_extension(DEFAULT_AAGUID), True)),
    "key_for_another_algorithm": {"key": generate_key(-257).public_key()},
}


@pytest.mark.parametrize("wrong", WRONG_AIK)
def test_refuses_aik_certificate_with(wrong: str) -> None:
    with refuses(CERTIFICATE_INVALID):
        register_as(statements.tpm(ROOT, **WRONG_AIK[wrong]))


def test_accepts_aik_certificate_that_names_the_model() -> None:
    facts = register_as(statements.tpm(ROOT, **aik(SAN, USAGE, (aaguid_extension(DEFAULT_AAGUID), False))))
    assert facts.attestation.kind is AttestationKind.ATTESTED


# -- android-key


@pytest.mark.parametrize(
    "lists",
    [
        {"hardware": authorizations(purposes=(2, 3))},
        {"software": authorizations(), "hardware": EMPTY_LIST},
        {"software": authorizations(purposes=None), "hardware": authorizations(origin=None)},
        # As in the specification's own example.
        {"hardware": EMPTY_LIST},
    ],
)
def test_accepts_android_key_with_authorizations(lists: dict[str, Any]) -> None:
    assert register_as(statements.android_key(ROOT, **lists)).attestation.kind is AttestationKind.ATTESTED


WRONG_KEY_DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "all_applications_in_hardware": {"hardware": authorizations(all_applications=True)},
    "all_applications_in_software": {"software": authorizations(all_applications=True)},
    "imported": {"hardware": authorizations(origin=2)},
    "imported_says_one_of_two": {"software": authorizations(origin=2)},
    "for_encryption": {"hardware": authorizations(purposes=(0,))},
    "for_signing_and_agreement": {"hardware": authorizations(purposes=(2, 6))},
    "for_verification_only": {"hardware": authorizations(purposes=(3,))},
    "no_purpose": {"hardware": authorizations(purposes=())},
    "purpose_twice": {"hardware": statements.der(0x30, *2 * [statements.der(0xA1, statements.der(0x31, integer(2)))])},
    "origin_of_another_type": {
        "hardware": statements.der(0x30, statements.der(statements.ORIGIN_TAG, statements.der(0x04, b"\x00")))
    },
    "field_without_tag": {"hardware": statements.der(0x30, integer(1))},
    "level_that_is_an_integer": {"edit_description": lambda data: data.replace(b"\x0a\x01\x01", b"\x02\x01\x01")},
    "trailing_bytes": {"edit_description": lambda data: data + b"\x00"},
    "no_sequence": {"edit_description": lambda _: b"\x04\x00"},
    "nothing": {"edit_description": lambda _: b""},
    "few_fields": {"edit_description": lambda _: statements.der(0x30, integer(1))},
    "no_extension": {"extensions": []},
}


@pytest.mark.parametrize("wrong", WRONG_KEY_DESCRIPTIONS)
def test_refuses_android_key_description_with(wrong: str) -> None:
    with refuses(CERTIFICATE_INVALID):
        register_as(statements.android_key(ROOT, **WRONG_KEY_DESCRIPTIONS[wrong]))


@pytest.mark.parametrize(
    "wrong",
    [{"challenge": flip}, {"members": {"sig": bytes(70)}}, {"members": {"alg": -257}}, {"key": generate_key(-7)}],
)
def test_refuses_android_key_statement(wrong: dict[str, Any]) -> None:
    with refuses(INVALID):
        register_as(statements.android_key(ROOT, **wrong))


# -- android-safetynet


@pytest.mark.parametrize(
    "arguments", [{"rsa_key": True}, {"alternative": ""}, {"made": NOW - 5 * timedelta(minutes=1)}]
)
def test_accepts_safetynet(arguments: dict[str, Any]) -> None:
    facts = register_as(statements.android_safetynet(ROOT, **arguments))
    assert facts.attestation.kind is AttestationKind.ATTESTED


WRONG_SAFETYNET: dict[str, dict[str, Any]] = {
    "nonce_of_another": {"claims": {"nonce": "AAAA"}},
    "no_nonce": {"claims": {"nonce": None}},
    "device_that_failed": {"claims": {"ctsProfileMatch": False}},
    "device_that_says_yes_in_words": {"claims": {"ctsProfileMatch": "true"}},
    "no_timestamp": {"claims": {"timestampMs": None}},
    "timestamp_of_another_type": {"claims": {"timestampMs": True}},
    "timestamp_beyond_the_calendar": {"claims": {"timestampMs": 10**30}},
    "timestamp_long_ago": {"made": NOW - timedelta(minutes=5, seconds=1)},
    "timestamp_ahead": {"made": NOW + timedelta(minutes=1, seconds=1)},
    "empty_version": {"members": {"ver": ""}},
    "response_that_is_text": {"members": {"response": "a.b.c"}},
    "response_that_is_no_jws": {"members": {"response": b"a.b"}},
    "damaged_signature": {"edit_signature": flip},
    "short_signature": {"edit_signature": lambda data: data[:-1]},
    "algorithm_none": {"header": {"alg": "none"}, "edit_signature": lambda _: b""},
    "algorithm_hs256": {"header": {"alg": "HS256"}},
    "critical_header": {"header": {"crit": ["exp"]}},
}


@pytest.mark.parametrize("wrong", WRONG_SAFETYNET)
def test_refuses_safetynet_with(wrong: str) -> None:
    with refuses(INVALID):
        register_as(statements.android_safetynet(ROOT, **WRONG_SAFETYNET[wrong]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "attest.example"},
        {"alternative": "attest.example"},
        {"host": "attest.android.com.example", "alternative": ""},
        {"header": {"x5c": None}},
        {"header": {"x5c": ["AAAA"]}},
        {"header": {"alg": "RS256"}},
    ],
)
def test_refuses_safetynet_certificate(wrong: dict[str, Any]) -> None:
    with refuses(CERTIFICATE_INVALID):
        register_as(statements.android_safetynet(ROOT, **wrong))


# -- apple


def test_accepts_apple_statement_that_names_the_algorithm() -> None:
    assert register_as(statements.apple(ROOT, members={"alg": -7})).attestation.kind is AttestationKind.ATTESTED


@pytest.mark.parametrize("wrong", [{"nonce": flip}, {"key": generate_key(-7)}, {"members": {"alg": -257}}])
def test_refuses_apple_statement(wrong: dict[str, Any]) -> None:
    with refuses(INVALID):
        register_as(statements.apple(ROOT, **wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        {"extensions": []},
        {"edit_extension": lambda _: b""},
        {"edit_extension": lambda data: data + b"\x00"},
        {"edit_extension": lambda data: data.replace(b"\xa1\x22", b"\xa2\x22")},
        {"edit_extension": lambda data: data.replace(b"\x30\x24\xa1\x22", b"\x30\x81\x24\xa1\x22")},
        {"key": ec.generate_private_key(ec.SECP384R1())},
    ],
)
def test_refuses_apple_certificate(wrong: dict[str, Any]) -> None:
    with refuses(CERTIFICATE_INVALID):
        register_as(statements.apple(ROOT, **wrong))


# -- fido-u2f


@pytest.mark.parametrize("aaguid", [ZERO_AAGUID, DEFAULT_AAGUID])
def test_u2f_attests_no_aaguid(aaguid: bytes) -> None:
    facts = register_as(statements.fido_u2f(ROOT), aaguid=aaguid)
    assert facts.attestation.kind is AttestationKind.ATTESTED
    assert (facts.aaguid.raw, facts.attested_aaguid) == (aaguid, None)


def test_u2f_certificate_may_name_the_model_of_its_ctap2_side() -> None:
    maker = statements.fido_u2f(ROOT, extensions=[(aaguid_extension(DEFAULT_AAGUID), False)])
    assert register_as(maker, aaguid=ZERO_AAGUID).attestation.kind is AttestationKind.ATTESTED


@pytest.mark.parametrize(
    "tampering", [{"uv": True}, {"be": True}, {"be": True, "bs": True}, {"extensions": {"credProtect": 2}}]
)
def test_refuses_u2f_that_claims_more_than_presence(tampering: dict[str, Any]) -> None:
    with refuses(INVALID, "flags"):
        register_as(statements.fido_u2f(ROOT), **tampering)


def test_refuses_u2f_with_more_than_one_certificate() -> None:
    own = AttestationAuthority()
    with refuses(INVALID, "2 certificates"):
        register_as(statements.fido_u2f(own, chain=[own.certificate]))
    with refuses(INVALID, "2 certificates"):
        register_as(statements.fido_u2f(ROOT, chain=[ROOT.certificate]))


def test_refuses_u2f_certificate_on_another_curve() -> None:
    with refuses(CERTIFICATE_INVALID):
        register_as(statements.fido_u2f(ROOT, key=ec.generate_private_key(ec.SECP384R1())))


def test_refuses_u2f_with_a_credential_that_is_not_es256() -> None:
    with refuses(INVALID, "ES256"):
        register_as(statements.fido_u2f(ROOT), algorithm=-35)


@pytest.mark.parametrize("signature", [bytes(70), b"", "text"])
def test_refuses_u2f_signature(signature: Any) -> None:
    with refuses(INVALID):
        register_as(statements.fido_u2f(ROOT, members={"sig": signature}))


# -- compound


def test_the_best_of_a_compound_counts() -> None:
    stranger = AttestationAuthority(common_name="Another Root")
    for makers, kind in (
        ((statements.no_statement, statements.no_statement), AttestationKind.NONE),
        ((statements.no_statement, statements.self_signed), AttestationKind.SELF),
        ((statements.packed(stranger), statements.self_signed), AttestationKind.UNTRUSTED),
        ((statements.packed(stranger), statements.tpm(ROOT)), AttestationKind.ATTESTED),
    ):
        facts = register_as(statements.compound(*makers))
        assert (facts.attestation.format, facts.attestation.kind) == ("compound", kind)


def test_compound_attests_the_aaguid_only_by_a_part_that_signs_it() -> None:
    u2f = statements.fido_u2f(ROOT)
    assert register_as(statements.compound(u2f, statements.self_signed)).attested_aaguid is None
    facts = register_as(statements.compound(u2f, statements.packed(ROOT)))
    assert facts.attested_aaguid == facts.aaguid


def test_refuses_compound_with_a_part_that_does_not_verify() -> None:
    with refuses(INVALID):
        register_as(statements.compound(statements.packed(ROOT), statements.tpm(ROOT, extra_data=flip)))
    with refuses(CERTIFICATE_INVALID):
        register_as(statements.compound(statements.packed(ROOT), statements.tpm(ROOT, ca=True)))


def test_refuses_compound_with_a_part_of_an_unknown_format() -> None:
    with refuses(CeremonyReason.ATTESTATION_FORMAT_UNKNOWN):
        register_as(statements.compound(statements.packed(ROOT), lambda _: ("packed2", {})))


@pytest.mark.parametrize(
    "makers",
    [
        (),
        (statements.self_signed,),
        (statements.self_signed,) * 9,
        (statements.compound(statements.self_signed, statements.self_signed), statements.self_signed),
        (statements.self_signed, lambda _: (1, {})),
        (statements.self_signed, lambda _: ("none", [])),
    ],
)
def test_refuses_compound_of(makers: tuple[AttestationMaker, ...]) -> None:
    with refuses(INVALID):
        register_as(statements.compound(*makers))


def test_refuses_compound_part_with_another_member() -> None:
    part = {"fmt": "none", "attStmt": {}}
    for wrong in ([part, {**part, "more": 1}], [part, {"fmt": "none"}], [part, "none"]):
        with refuses(INVALID):
            register_as(brought("compound", wrong))


@pytest.mark.parametrize(("fmt", "statement"), [("compound", {}), ("none", []), ("packed", [])])
def test_refuses_statement_that_is_a_map_for_an_array_or_the_reverse(fmt: str, statement: Any) -> None:
    with refuses(CeremonyReason.MALFORMED_CBOR):
        register_as(brought(fmt, statement))


# -- SHA-1


def test_refuses_rs1_credential_unless_it_is_named() -> None:
    with refuses(CeremonyReason.ALGORITHM_NOT_OFFERED):
        register_as(statements.self_signed, algorithm=-7, expect={"algorithms": [-257]})
    rs1 = SoftwareAuthenticator(algorithm=-65535)
    with refuses(CeremonyReason.ALGORITHM_NOT_OFFERED):
        register(rs1, algorithm=-65535, attest=statements.self_signed)
    facts = register(rs1, algorithm=-65535, attest=statements.self_signed, expect={"algorithms": [-7, -65535]})
    assert (facts.algorithm, facts.attestation.kind) == (-65535, AttestationKind.SELF)


def test_refuses_packed_certificate_that_signs_by_way_of_sha1() -> None:
    key = generate_key(-65535)
    x5c = statements.certify(ROOT, key, {"subject": name(common_name="Example Authenticator")}, {})

    def attest(given: Any) -> Any:
        return "packed", {"alg": -65535, "sig": sign(key, -65535, given.signed), "x5c": x5c}

    with refuses(CERTIFICATE_INVALID, "SHA-1"):
        register_as(attest, expect={"algorithms": [-7, -65535]})
