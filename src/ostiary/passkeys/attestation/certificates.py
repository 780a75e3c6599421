"""X.509 certificates inside attestation statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID, ObjectIdentifier

from ostiary.passkeys import der, signatures
from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.cbor import CborValue
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason
from ostiary.passkeys.signatures import PublicKey

MAX_CHAIN: Final = 8
"""Chains in the field have one to five certificates."""

AAGUID_EXTENSION: Final = ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
"""id-fido-gen-ce-aaguid (WebAuthn L3 §8.2.1)."""

_DER_OCTET_STRING_OF_16: Final = b"\x04\x10"

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
        certificate = load_certificate(item)
        if not has_readable_extensions(certificate):
            raise certificate_invalid("does not parse")
        chain.append(certificate)
    return tuple(chain)


def load_certificate(encoded: bytes) -> x509.Certificate:
    """One certificate. Raises ``CeremonyError(attestation_certificate_invalid)`` when it does not parse.

    Its extensions may still turn out unreadable. Trust refuses such a certificate; a caller that looks at extensions
    asks ``has_readable_extensions`` first.
    """
    try:
        certificate = x509.load_der_x509_certificate(encoded)
        # The library parses these late; a certificate that breaks on them is refused here and now.
        _ = certificate.subject, certificate.issuer, certificate.version
        _, _, signature = der.read_one(encoded).elements(der.Tag.SEQUENCE)
        # A signature fills its bit string. The library lets spare bits pass, which nobody signs.
        if not signature.take(der.Tag.BIT_STRING).startswith(b"\x00"):
            raise ValueError("a signature with bits to spare")
    except _UNPARSABLE as error:
        raise certificate_invalid("does not parse") from error
    return certificate


def has_readable_extensions(certificate: x509.Certificate) -> bool:
    """Whether the library understands all extensions of a known kind."""
    try:
        _ = certificate.extensions
    except _UNPARSABLE:
        return False
    return True


def public_key_of(certificate: x509.Certificate, algorithm: int) -> PublicKey:
    """The certificate's key for use with ``algorithm``. Raises ``CeremonyError(attestation_certificate_invalid)``."""
    try:
        return signatures.bind(certificate.public_key(), algorithm)
    except (CeremonyError, ValueError, UnsupportedAlgorithm) as error:
        raise certificate_invalid(f"its key is not for algorithm {algorithm}") from error


def is_current(certificate: x509.Certificate, at: datetime) -> bool:
    """Whether ``at`` lies in the certificate's validity period, both ends included (RFC 5280 §4.1.2.5)."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def check_current(certificate: x509.Certificate, at: datetime) -> None:
    """WebAuthn leaves dates to RFC 5280 §6.1.3; a certificate out of date proves nothing, whoever issued it."""
    if not is_current(certificate, at):
        raise certificate_invalid("out of date")


def check_end_entity(certificate: x509.Certificate) -> None:
    """Basic constraints that say ``CA: FALSE``, as WebAuthn L3 §8.2.1 and §8.3.1 have it."""
    constraints = basic_constraints_of(certificate)
    if constraints is None or constraints.ca:
        raise certificate_invalid("basic constraints do not say CA: FALSE")


def check_aaguid(certificate: x509.Certificate, aaguid: Aaguid) -> None:
    """When the certificate names a model, it is this one (WebAuthn L3 §8.2, §8.2.1 and §8.3)."""
    extension = extension_of(certificate, AAGUID_EXTENSION)
    if extension is None:
        return
    if extension.critical:
        raise certificate_invalid("the AAGUID extension is critical")
    value = extension.value
    # X.509 wraps the value in an octet string, and the value is an octet string itself.
    if not isinstance(value, x509.UnrecognizedExtension) or value.value != _DER_OCTET_STRING_OF_16 + aaguid.raw:
        raise certificate_invalid("the AAGUID is another")


def is_for_host(certificate: x509.Certificate, host: str) -> bool:
    """Whether the certificate was issued to exactly this host (RFC 6125 §6.4: alternative names, else the common
    name)."""
    if has_readable_extensions(certificate):
        extension = extension_of(certificate, x509.SubjectAlternativeName.oid)
        if extension is not None and isinstance(extension.value, x509.SubjectAlternativeName):
            names = extension.value.get_values_for_type(x509.DNSName)
            return host in {name.lower() for name in names}
    return attributes_of(certificate.subject, NameOID.COMMON_NAME) == [host]


def unrecognized_extension(certificate: x509.Certificate, oid: ObjectIdentifier) -> bytes | None:
    """The content of an extension the library does not know, if it is there."""
    extension = extension_of(certificate, oid)
    if extension is None or not isinstance(extension.value, x509.UnrecognizedExtension):
        return None
    return extension.value.value


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


def key_identifiers_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """What the FIDO Metadata Service calls this certificate by: the key identifiers of its own key and of its issuer's,
    in this order (RFC 5280 §4.2.1.2, method 1; lower-case hex). What the issuer's is, the certificate only says."""
    try:
        identifiers = [x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest]
    except (ValueError, UnsupportedAlgorithm):
        return ()
    extension = extension_of(certificate, x509.AuthorityKeyIdentifier.oid)
    issuer = extension.value if extension is not None else None
    if isinstance(issuer, x509.AuthorityKeyIdentifier) and issuer.key_identifier:
        identifiers.append(issuer.key_identifier)
    return tuple(identifier.hex() for identifier in identifiers)


def certificate_invalid(detail: str) -> CeremonyError:
    return CeremonyError(CeremonyReason.ATTESTATION_CERTIFICATE_INVALID, detail)
