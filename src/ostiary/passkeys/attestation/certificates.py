"""X.509 certificates inside attestation statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from ostiary.passkeys import signatures
from ostiary.passkeys.cbor import CborValue
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason
from ostiary.passkeys.signatures import PublicKey

MAX_CHAIN: Final = 8
"""Chains in the field have one to three certificates."""

# What the library raises at a certificate that is none; TypeError is its answer to a name of the wrong ASN.1 type.
_UNPARSABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    # Serial numbers and country codes it only warns about, wherever warnings are errors.
    Warning,
)


def parse_chain(value: CborValue) -> tuple[x509.Certificate, ...]:
    """The certificates of an ``x5c`` array, the attestation certificate first.

    Raises ``CeremonyError``: ``attestation_invalid`` when it is no array of byte strings, or
    ``attestation_certificate_invalid`` when one does not parse.
    """
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_CHAIN:
        raise CeremonyError(CeremonyReason.ATTESTATION_INVALID, "x5c is not an array of one to eight certificates")
    chain = []
    for item in value:
        if not isinstance(item, bytes):
            raise CeremonyError(CeremonyReason.ATTESTATION_INVALID, "x5c holds something else than byte strings")
        chain.append(_parse(item))
    return tuple(chain)


def _parse(encoded: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(encoded)
        # The library parses these late; a certificate that breaks on them is refused here and now.
        _ = certificate.extensions, certificate.subject, certificate.issuer
    except _UNPARSABLE as error:
        raise certificate_invalid("does not parse") from error
    return certificate


def public_key_of(certificate: x509.Certificate, algorithm: int) -> PublicKey:
    """The certificate's key for use with ``algorithm``. Raises ``CeremonyError(attestation_certificate_invalid)``."""
    try:
        return signatures.bind(certificate.public_key(), algorithm)
    except (CeremonyError, ValueError, UnsupportedAlgorithm) as error:
        raise certificate_invalid(f"its key is not for algorithm {algorithm}") from error


def is_current(certificate: x509.Certificate, at: datetime) -> bool:
    """Whether ``at`` lies in the certificate's validity period, both ends included (RFC 5280 §4.1.2.5)."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def extension_of(
    certificate: x509.Certificate, oid: x509.ObjectIdentifier
) -> x509.Extension[x509.ExtensionType] | None:
    """The extension with this OID, if there is one."""
    return next((extension for extension in certificate.extensions if extension.oid == oid), None)


def basic_constraints_of(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    """The basic constraints, if there are any."""
    extension = extension_of(certificate, x509.BasicConstraints.oid)
    return extension.value if extension and isinstance(extension.value, x509.BasicConstraints) else None


def attributes_of(name: x509.Name, oid: x509.ObjectIdentifier) -> Sequence[str | bytes]:
    """All values of one attribute in a name."""
    return [attribute.value for attribute in name.get_attributes_for_oid(oid)]


def certificate_invalid(detail: str) -> CeremonyError:
    return CeremonyError(CeremonyReason.ATTESTATION_CERTIFICATE_INVALID, detail)
