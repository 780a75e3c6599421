"""Certificates of an attestation authority of one's own: its root, and what it issues (WebAuthn L3 §8.2.1)."""

import hashlib
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.attestation.certificates import AAGUID_EXTENSION

ROOT_LIFETIME: Final = timedelta(days=30 * 365)
"""Nobody but us trusts the root, and trust in it ends when it is removed, not by a date. So the date only has to lie
behind those of all that it issues: a root that runs out would take every authenticator with it on one day."""

CERTIFICATE_LIFETIME: Final = timedelta(days=10 * 365)
"""One authenticator lives with one computer, and few of those are in use longer."""

UNKNOWN_COUNTRY: Final = "ZZ"
"""ISO 3166 leaves it to its users, and CLDR reads it as "unknown"."""

_UNIT: Final = "Authenticator Attestation"  # WebAuthn L3 §8.2.1, literally
_LONGEST_NAME: Final = 64  # RFC 5280 appendix A, ub-organization-name and ub-common-name
_LARGEST_REQUEST: Final = 8192


class RequestInvalidError(ValueError):
    """Not a certificate request, not signed by its own key, or not of a key we issue for."""


class Subject(NamedTuple):
    """Whose authority it is. ``country`` is an ISO 3166 code of two letters."""

    country: str
    organization: str

    def named(self, common_name: str, *, unit: str = "") -> x509.Name:
        attributes = (
            (NameOID.COUNTRY_NAME, self.country),
            (NameOID.ORGANIZATION_NAME, _cut(self.organization)),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
            (NameOID.COMMON_NAME, _cut(common_name)),
        )
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes if value])


def make_root(key: ec.EllipticCurvePrivateKey, *, subject: Subject, common_name: str, at: datetime) -> x509.Certificate:
    """A root that may issue to authenticators, and to no other authority."""
    name = subject.named(common_name)
    public_key = key.public_key()
    return (
        _builder(name, name, public_key, not_before=at, not_after=at + ROOT_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .sign(key, hashes.SHA256())
    )


def issue(
    key: ec.EllipticCurvePrivateKey,
    root: x509.Certificate,
    public_key: ec.EllipticCurvePublicKey,
    *,
    aaguid: Aaguid,
    subject: Subject,
    common_name: str,
    at: datetime,
) -> x509.Certificate:
    """The attestation certificate of one authenticator: who the authority is, which model it is, and nothing about the
    person who holds it."""
    until = min(at + CERTIFICATE_LIFETIME, root.not_valid_after_utc)
    return (
        _builder(subject.named(common_name, unit=_UNIT), root.subject, public_key, not_before=at, not_after=until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        # X.509 wraps the value in an octet string, and the value is an octet string itself.
        .add_extension(x509.UnrecognizedExtension(AAGUID_EXTENSION, b"\x04\x10" + aaguid.raw), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def read_request(pem: str) -> ec.EllipticCurvePublicKey:
    """The key a PKCS #10 request (RFC 2986) asks a certificate for, and proves to hold. All else it says is left aside:
    what a certificate says is decided here. Raises ``RequestInvalidError``."""
    if len(pem) > _LARGEST_REQUEST:
        raise RequestInvalidError("too long")
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        key = request.public_key()
        algorithm = request.signature_hash_algorithm
        is_signed = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise RequestInvalidError("no certificate request in PEM") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RequestInvalidError("not a key on P-256")
    if not isinstance(algorithm, hashes.SHA256) or not is_signed:
        raise RequestInvalidError("not signed by its own key, with SHA-256")
    return key


def serial_of(certificate: x509.Certificate) -> str:
    """As it is kept and shown, in hexadecimal."""
    return f"{certificate.serial_number:x}"


def key_hash_of(key: CertificatePublicKeyTypes) -> bytes:
    """Of the whole of ``SubjectPublicKeyInfo``, of any kind of key."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    *,
    not_before: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=public_key,
        serial_number=x509.random_serial_number(),
        not_valid_before=not_before,
        not_valid_after=not_after,
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _cut(text: str) -> str:
    """As much as the attribute holds."""
    return text.encode()[:_LONGEST_NAME].decode(errors="ignore").strip()
