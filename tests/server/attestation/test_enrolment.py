"""Getting an attestation certificate: the authority, codes, requests, and what each refuses."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from sqlalchemy import text

from ostiary.clock import MINUTE, as_datetime
from ostiary.identity import administration, attestation, attestation_authority, attestation_vouchers
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.roles import Role
from ostiary.identity.sealing import Sealer
from ostiary.passkeys import Aaguid
from ostiary.passkeys.attestation.certificates import AAGUID_EXTENSION, extension_of
from ostiary.passkeys.attestation.packed import check_certificate
from ostiary.passkeys.attestation.trust import find_anchor
from ostiary.passkeys.providers import AUTHENTICATOR_SEALED_FILE, AUTHENTICATOR_TPM
from ostiary.storage import attestation as rows
from tests.organisation import Organisation, at_once
from tests.policies import save, with_rules
from tests.server.attestation.conftest import Authenticator, Desk, request_of

TPM = str(AUTHENTICATOR_TPM)


def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def remove_all(org: Organisation) -> Callable[[], None]:
    """Replaces the authority, and removes the older one."""

    def remove() -> None:
        Desk(org).create(is_replacing=True)
        for one in org.administer(attestation_authority.list_authorities):
            if not one.is_issuing:
                org.administer(attestation_authority.remove_authority, one.id, actor=None, now=org.clock())

    return remove


# --- the certificate


def test_a_certificate_is_as_webauthn_asks(org: Organisation, desk: Desk) -> None:
    authenticator = Authenticator()
    enrolment = desk.enrol(authenticator.request, desk.code())
    [certificate] = [x509.load_der_x509_certificate(one) for one in enrolment.certificates]
    now = as_datetime(org.clock())
    check_certificate(certificate, aaguid=AUTHENTICATOR_SEALED_FILE, at=now)  # WebAuthn L3 §8.2.1
    assert certificate.version is x509.Version.v3
    subject = {one.oid: one.value for one in certificate.subject}
    assert subject == {
        NameOID.COUNTRY_NAME: "DE",
        NameOID.ORGANIZATION_NAME: "Contoso",
        NameOID.ORGANIZATIONAL_UNIT_NAME: "Authenticator Attestation",
        NameOID.COMMON_NAME: "Ostiary Authenticator",
    }
    aaguid = extension_of(certificate, AAGUID_EXTENSION)
    assert aaguid is not None and not aaguid.critical
    assert isinstance(aaguid.value, x509.UnrecognizedExtension)
    assert aaguid.value.value == b"\x04\x10" + AUTHENTICATOR_SEALED_FILE.raw
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca) == (True, False)
    assert certificate.public_key() == authenticator.attestation_key.public_key()
    assert certificate.not_valid_after_utc - now > timedelta(days=3600)
    [authority] = org.administer(attestation_authority.list_authorities)
    assert find_anchor([certificate], [authority.certificate], now) == authority.certificate
    assert enrolment.rp_ids == (org.site.relying_party.id,)


def test_a_certificate_says_nothing_about_the_person(desk: Desk) -> None:
    _, enrolment = desk.enrolled()
    assert b"ada" not in enrolment.certificates[0]


def test_every_authenticator_gets_a_certificate_of_its_own(org: Organisation, desk: Desk) -> None:
    first, second = desk.enrolled()[1], desk.enrolled()[1]
    assert first.serial != second.serial
    listed = org.administer(attestation.list_enrolled)
    assert {one.serial for one in listed} == {first.serial, second.serial}
    assert [(one.username, one.model, one.actor) for one in listed] == [
        ("ada@contoso.example", AUTHENTICATOR_SEALED_FILE, "command line")
    ] * 2


def test_the_list_goes_on_behind_the_last(org: Organisation, desk: Desk) -> None:
    serials = []
    for _ in range(3):
        serials.append(desk.enrolled()[1].serial)
        org.clock.advance(1000)
    page = org.administer(attestation.list_enrolled, limit=2)
    rest = org.administer(attestation.list_enrolled, after=page[-1], limit=2)
    assert [one.serial for one in (*page, *rest)] == serials[::-1]


# --- the authority


def test_the_root_may_issue_to_authenticators_only(org: Organisation, desk: Desk) -> None:
    [authority] = org.administer(attestation_authority.list_authorities)
    constraints = authority.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = authority.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (constraints.ca, constraints.path_length, usage.key_cert_sign) == (True, 0, True)
    lifetime = authority.certificate.not_valid_after_utc - authority.certificate.not_valid_before_utc
    assert lifetime > timedelta(days=20 * 365)


def test_the_key_of_the_authority_is_sealed(org: Organisation, desk: Desk) -> None:
    row = org.administer(rows.issuing_authority)
    assert row is not None and row.sealed_key is not None
    certificate = x509.load_der_x509_certificate(row.certificate)
    public = certificate.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    opened = org.site.sealer.open(row.sealed_key, purpose=f"attestation authority {row.id}")
    assert public in opened
    assert public not in row.sealed_key
    with pytest.raises(Exception, match="attestation authority"):
        Sealer(bytes(32)).open(row.sealed_key, purpose=f"attestation authority {row.id}")


def test_replacing_destroys_the_older_key(org: Organisation, desk: Desk) -> None:
    org.clock.advance(1000)
    desk.create(is_replacing=True)
    older, newer = org.administer(rows.all_authorities)
    assert older.sealed_key is None and not older.is_issuing and older.removed_at is None
    assert newer.sealed_key is not None and newer.is_issuing


def test_refuses_a_second_authority_unless_it_replaces(desk: Desk) -> None:
    with pytest.raises(Refusal, match=Reason.ATTESTATION_AUTHORITY_EXISTS):
        desk.create()


def test_refuses_to_remove_what_is_not_there(org: Organisation, desk: Desk) -> None:
    [authority] = org.administer(attestation_authority.list_authorities)
    org.administer(attestation_authority.remove_authority, authority.id, actor=None, now=org.clock())
    assert not org.administer(attestation.is_offered)
    for unknown in (authority.id, "x"):
        with pytest.raises(Refusal, match=Reason.ATTESTATION_AUTHORITY_UNKNOWN):
            org.administer(attestation_authority.remove_authority, unknown, actor=None, now=org.clock())


@pytest.mark.parametrize("country", ["", "D", "DEU", "1A", "é!"])
def test_refuses_what_is_no_country(org: Organisation, country: str) -> None:
    with pytest.raises(Refusal, match=Reason.COUNTRY_INVALID):
        Desk(org).create(country=country)


def test_refuses_to_enrol_without_an_authority(org: Organisation, desk: Desk) -> None:
    code = desk.code()
    [authority] = org.administer(attestation_authority.list_authorities)
    org.administer(attestation_authority.remove_authority, authority.id, actor=None, now=org.clock())
    with pytest.raises(Refusal, match=Reason.ATTESTATION_AUTHORITY_MISSING):
        desk.enrol(request_of(key()), code)
    with pytest.raises(Refusal, match=Reason.ATTESTATION_AUTHORITY_MISSING):
        desk.code()


def test_refuses_who_may_not_write_trust(org: Organisation, desk: Desk) -> None:
    org.assign("grace", Role.AUTHENTICATION_ADMINISTRATOR)
    grace, sealer, now = org.person("grace"), org.site.sealer, org.clock()
    party = org.site.relying_party
    [authority] = org.administer(attestation_authority.list_authorities)
    _, enrolment = desk.enrolled()
    for attempt in (
        lambda: org.administer(attestation_authority.create_authority, sealer, is_replacing=True, actor=grace, now=now),
        lambda: org.administer(attestation_authority.remove_authority, authority.id, actor=grace, now=now),
        lambda: org.administer(attestation.issue_code, sealer, model="tpm", person=None, actor=grace, now=now),
        lambda: org.administer(attestation.revoke, enrolment.serial, actor=grace, now=now),
        lambda: org.administer(
            attestation.enrol_by_hand,
            sealer,
            party,
            request_pem=request_of(key()),
            model="tpm",
            person=None,
            actor=grace,
            now=now,
        ),
    ):
        with pytest.raises(Refusal, match=Reason.NOT_PERMITTED):
            attempt()


# --- codes


def test_a_code_is_kept_hashed_and_audited(org: Organisation, desk: Desk) -> None:
    code = desk.code()
    [event] = org.events("admin:attestation-code:issue")
    assert (event.target, event.aaguid) == ("ada@contoso.example", str(AUTHENTICATOR_SEALED_FILE))
    with org.database.engine.connect() as connection:
        [stored] = connection.execute(text("SELECT * FROM enrolment_codes")).all()
    for secret in (code, code.replace("-", "")):
        assert secret not in str(stored)
        assert secret not in str(event)


def test_a_code_is_read_however_it_was_typed(desk: Desk) -> None:
    assert desk.enrol(request_of(key()), f" {desk.code().upper().replace('-', ' ')} ").serial


def test_a_code_for_anybody_enrols_whoever_has_it(org: Organisation, desk: Desk) -> None:
    desk.enrol(request_of(key()), desk.code(None), username="grace")
    [enrolled] = org.administer(attestation.list_enrolled)
    assert enrolled.username == "grace@contoso.example"


def test_refuses_a_wrong_code(desk: Desk) -> None:
    desk.code()
    for wrong in ("", "abcd-efgh-jkmn", "x" * 10_000):
        with pytest.raises(Refusal, match=Reason.ATTESTATION_CODE_WRONG):
            desk.enrol(request_of(key()), wrong)


def test_refuses_a_code_for_another_person_as_a_wrong_one(desk: Desk) -> None:
    code = desk.code("ada")
    with pytest.raises(Refusal, match=Reason.ATTESTATION_CODE_WRONG):
        desk.enrol(request_of(key()), code, username="grace")
    assert desk.enrol(request_of(key()), code).serial


def test_refuses_an_expired_code(org: Organisation, desk: Desk) -> None:
    code = desk.code(minutes=10)
    org.clock.advance(10 * MINUTE)
    with pytest.raises(Refusal, match=Reason.ATTESTATION_CODE_EXPIRED):
        desk.enrol(request_of(key()), code)


def test_refuses_a_code_twice(desk: Desk) -> None:
    code = desk.code()
    desk.enrol(request_of(key()), code)
    with pytest.raises(Refusal, match=Reason.ATTESTATION_CODE_USED):
        desk.enrol(request_of(key()), code)


def test_the_same_request_again_is_answered_alike(org: Organisation, desk: Desk) -> None:
    """The answer may have been lost on the way."""
    code, authenticator = desk.code(), Authenticator()
    first = desk.enrol(authenticator.request, code)
    assert desk.enrol(authenticator.request, code) == first
    desk.revoke(first.serial)
    with pytest.raises(Refusal, match=Reason.ATTESTATION_CODE_USED):
        desk.enrol(authenticator.request, code)
    assert len(org.administer(attestation.list_enrolled)) == 1


def test_another_code_gives_the_same_authenticator_its_certificate_again(org: Organisation, desk: Desk) -> None:
    """Its owner did not get the answer, and went to the helpdesk."""
    authenticator, first = desk.enrolled()
    second = desk.code()
    assert desk.enrol(authenticator.request, second) == first
    with pytest.raises(Refusal, match=Reason.ATTESTATION_CODE_USED):
        desk.enrol(request_of(key()), second)
    for refused in (lambda: desk.enrol(authenticator.request, desk.code("grace"), username="grace"), remove_all(org)):
        with pytest.raises(Refusal, match=Reason.ATTESTATION_KEY_KNOWN):
            refused()
            desk.enrol(authenticator.request, desk.code())


def test_a_code_for_anybody_is_not_answered_again_to_another(desk: Desk) -> None:
    code, authenticator = desk.code(None), Authenticator()
    desk.enrol(authenticator.request, code)
    with pytest.raises(Refusal, match=Reason.ATTESTATION_CODE_USED):
        desk.enrol(authenticator.request, code, username="grace")


def test_a_code_used_twice_at_once_enrols_once(org_on_each: Organisation) -> None:
    desk = Desk(org_on_each)
    desk.create()
    code = desk.code()

    def enrol() -> str:
        try:
            return desk.enrol(request_of(key()), code).serial
        except Refusal as refusal:
            return refusal.reason.value

    answers = at_once([enrol] * 4)
    assert answers.count("attestation_code_used") == 3
    assert len(org_on_each.administer(attestation.list_enrolled)) == 1


def test_two_authorities_created_at_once_are_one(org_on_each: Organisation) -> None:
    desk = Desk(org_on_each)

    def create() -> str:
        try:
            return desk.create().id
        except Refusal as refusal:
            return refusal.reason.value

    answers = at_once([create] * 3)
    assert answers.count("attestation_authority_exists") == 2
    assert len(org_on_each.administer(attestation_authority.list_authorities)) == 1


def test_the_whole_life_of_a_certificate(org_on_each: Organisation) -> None:
    """On each database."""
    desk, org = Desk(org_on_each), org_on_each
    desk.create()
    save(org, with_rules(is_attestation_enforced=True))
    authenticator, enrolment = desk.enrolled()
    assert org.signed_in("ada").register(authenticator).json()["attestation"] == "attested"
    desk.revoke(enrolment.serial)
    [passkey] = org.administer(attestation_vouchers.passkeys_of_revoked)
    assert passkey.username == "ada@contoso.example"
    org.clock.advance(1000)
    desk.create(is_replacing=True)
    [older, _] = org.administer(attestation_authority.list_authorities)
    org.administer(attestation_authority.remove_authority, older.id, actor=None, now=org.clock())
    assert [one.revoked_by for one in org.administer(attestation.list_enrolled)] == ["command line"]
    org.administer(administration.delete_person, "ada", actor=None, caller=COMMAND_LINE, now=org.clock())
    [listed] = org.administer(attestation.list_enrolled)
    assert listed.username == "ada@contoso.example"


def test_refuses_a_model_the_code_is_not_for(desk: Desk) -> None:
    code = desk.code(model="sealed-file")
    with pytest.raises(Refusal, match=Reason.ATTESTATION_MODEL_DIFFERS):
        desk.enrol(request_of(key()), code, model=TPM)
    assert desk.enrol(request_of(key()), code).serial  # it was not spent


@pytest.mark.parametrize("model", ["", "phone", "fa2b99dc-9e39-4257-8f92-4a30d23c4118"])
def test_refuses_a_model_that_is_not_ours(desk: Desk, model: str) -> None:
    with pytest.raises(Refusal, match=Reason.AUTHENTICATOR_MODEL_UNKNOWN):
        desk.code(model=model)
    with pytest.raises(Refusal, match=Reason.AUTHENTICATOR_MODEL_UNKNOWN):
        desk.enrol(request_of(key()), desk.code(), model=model)


@pytest.mark.parametrize("minutes", [0, -1, 7 * 24 * 60 + 1])
def test_refuses_a_code_that_lives_too_long(desk: Desk, minutes: int) -> None:
    with pytest.raises(Refusal, match=Reason.ATTESTATION_CODE_LIFETIME_INVALID):
        desk.code(minutes=minutes)


def test_refuses_to_let_codes_be_guessed(org: Organisation, desk: Desk) -> None:
    code = desk.code()
    for _ in range(10):
        with pytest.raises(Refusal, match=Reason.ATTESTATION_CODE_WRONG):
            desk.enrol(request_of(key()), "abcd-efgh-jkmn")
    with pytest.raises(Refusal, match=Reason.TOO_MANY_ATTEMPTS):
        desk.enrol(request_of(key()), code)
    org.clock.advance(16 * MINUTE)
    assert desk.enrol(request_of(key()), code).serial


# --- requests


def broken(pem: str) -> str:
    """With another signature than its key's."""
    request = x509.load_pem_x509_csr(pem.encode())
    der = request.public_bytes(Encoding.DER)
    other = x509.load_pem_x509_csr(request_of(key()).encode())
    spki = request.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    others = other.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return x509.load_der_x509_csr(der.replace(spki, others)).public_bytes(Encoding.PEM).decode()


def signed_by(other: "ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey", algorithm: hashes.HashAlgorithm) -> str:
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    return builder.sign(other, algorithm).public_bytes(Encoding.PEM).decode()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "request_pem",
    [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE REQUEST-----\n",
        "é",
        request_of(key()).replace("CERTIFICATE REQUEST", "CERTIFICATE"),
        request_of(key()) + "x" * 8192,
        "\ud800",
        broken(request_of(key())),
        signed_by(ec.generate_private_key(ec.SECP384R1()), hashes.SHA256()),
        signed_by(rsa.generate_private_key(public_exponent=65537, key_size=2048), hashes.SHA256()),
        signed_by(key(), hashes.SHA512()),
    ],
    ids=["empty", "text", "cut", "letter", "certificate", "long", "surrogate", "unsigned", "P-384", "RSA", "SHA-512"],
)
def test_refuses_a_request(desk: Desk, request_pem: str) -> None:
    code = desk.code()
    with pytest.raises(Refusal, match=Reason.ATTESTATION_REQUEST_INVALID):
        desk.enrol(request_pem, code)
    assert desk.enrol(request_of(key()), code).serial  # the code was not spent


def test_what_a_request_asks_for_does_not_count(desk: Desk) -> None:
    own = key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root of everything")])
    request = (
        x509.CertificateSigningRequestBuilder(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(own, hashes.SHA256())
    )
    enrolment = desk.enrol(request.public_bytes(Encoding.PEM).decode(), desk.code())
    certificate = x509.load_der_x509_certificate(enrolment.certificates[0])
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert b"Root of everything" not in enrolment.certificates[0]


def test_refuses_a_key_that_had_a_certificate(desk: Desk) -> None:
    """Or a revoked Authenticator came back by asking again."""
    authenticator, enrolment = desk.enrolled()
    desk.revoke(enrolment.serial)
    with pytest.raises(Refusal, match=Reason.ATTESTATION_KEY_KNOWN):
        desk.enrol(authenticator.request, desk.code())


# --- by hand, and taking back


def test_an_administrator_enrols_from_a_request(org: Organisation, desk: Desk) -> None:
    admin = org.person("admin")
    enrolment = org.administer(
        attestation.enrol_by_hand,
        org.site.sealer,
        org.site.relying_party,
        request_pem=request_of(key()),
        model="tpm",
        person=org.person("grace"),
        actor=admin,
        now=org.clock(),
    )
    [listed] = org.administer(attestation.list_enrolled)
    assert (listed.serial, listed.model, listed.username) == (
        enrolment.serial,
        Aaguid.parse(TPM),
        "grace@contoso.example",
    )
    assert (listed.actor, listed.revoked_at) == (admin.username, None)
    [event] = org.events("person:attestation:issue")
    assert (event.actor, event.target, event.detail) == (admin.username, listed.username, f"serial {listed.serial}")


def test_revoking_again_changes_nothing(org: Organisation, desk: Desk) -> None:
    _, enrolment = desk.enrolled()
    desk.revoke(enrolment.serial.upper())
    at = org.clock()
    org.clock.advance(MINUTE)
    desk.revoke(f"00:{enrolment.serial}")
    [listed] = org.administer(attestation.list_enrolled)
    assert (listed.revoked_at, listed.revoked_by) == (at, "command line")
    assert len(org.events("admin:attestation:revoke")) == 1


@pytest.mark.parametrize("serial", ["", "0", "nonsense", "f" * 1000])
def test_refuses_to_revoke_what_was_never_issued(desk: Desk, serial: str) -> None:
    with pytest.raises(Refusal, match=Reason.ATTESTATION_SERIAL_UNKNOWN):
        desk.revoke(serial)


def test_codes_that_are_over_are_forgotten(org: Organisation, desk: Desk) -> None:
    desk.code(minutes=10)
    assert org.administer(rows.delete_old_codes, org.clock() + 10 * MINUTE) == 1
