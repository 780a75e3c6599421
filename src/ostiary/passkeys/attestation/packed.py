"""The ``packed`` attestation statement format (WebAuthn L3 §8.2)."""

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.attestation.certificates import (
    attributes_of,
    basic_constraints_of,
    certificate_invalid,
    extension_of,
    is_current,
    parse_chain,
    public_key_of,
)
from ostiary.passkeys.attestation.statement import Certified, SelfSigned, StatementInput
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason

IDENTIFIER: Final = "packed"

AAGUID_EXTENSION: Final = ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
FIRMWARE_EXTENSION: Final = ObjectIdentifier("1.3.6.1.4.1.45724.1.1.5")

_DER_OCTET_STRING_OF_16: Final = b"\x04\x10"


def verify(given: StatementInput) -> Certified | SelfSigned:
    """The verification procedure of WebAuthn L3 §8.2.

    Raises ``CeremonyError``: ``attestation_invalid`` when the statement is not of the format or does not verify,
    ``attestation_certificate_invalid`` when its certificate does not meet §8.2.1 at the given clock.
    """
    # Step 1: the syntax, which has these members and no others.
    members = set(given.statement)
    if not {"alg", "sig"} <= members <= {"alg", "sig", "x5c"}:
        raise _invalid("members other than alg, sig and x5c")
    algorithm, signature = given.statement["alg"], given.statement["sig"]
    if type(algorithm) is not int or not isinstance(signature, bytes):
        raise _invalid("alg is not an integer or sig is not a byte string")
    signed = given.authenticator_data + given.client_data_hash

    # Step 2: signed by an attestation certificate.
    if "x5c" in members:
        chain = parse_chain(given.statement["x5c"])
        if not public_key_of(chain[0], algorithm).is_valid(signature, signed):
            raise _invalid("not signed by the attestation certificate")
        check_certificate(chain[0], aaguid=given.aaguid, at=given.at)
        return Certified(chain)

    # Step 3: self attestation.
    if algorithm != given.credential_key.algorithm:
        raise _invalid("self attestation with another algorithm than the credential's")
    if not given.credential_key.is_valid(signature, signed):
        raise _invalid("not signed by the credential")
    return SelfSigned()


def check_certificate(certificate: x509.Certificate, *, aaguid: Aaguid, at: datetime) -> None:
    """WebAuthn L3 §8.2.1. Raises ``CeremonyError(attestation_certificate_invalid)``."""
    if certificate.version is not x509.Version.v3:
        raise certificate_invalid("not version 3")
    _check_subject(certificate.subject)
    _check_aaguid(certificate, aaguid)
    firmware = extension_of(certificate, FIRMWARE_EXTENSION)
    if firmware is not None and firmware.critical:
        raise certificate_invalid("the firmware version is critical")
    constraints = basic_constraints_of(certificate)
    if constraints is None or constraints.ca:
        raise certificate_invalid("basic constraints do not say CA: FALSE")
    # §8.2.1 leaves dates to RFC 5280 §6.1.3; a certificate out of date proves nothing, whoever issued it.
    if not is_current(certificate, at):
        raise certificate_invalid("out of date")


def _check_subject(subject: x509.Name) -> None:
    countries = attributes_of(subject, NameOID.COUNTRY_NAME)
    if len(countries) != 1 or len(countries[0]) != 2 or not str(countries[0]).isalpha():
        raise certificate_invalid("subject C is not one country code")
    if attributes_of(subject, NameOID.ORGANIZATIONAL_UNIT_NAME) != ["Authenticator Attestation"]:
        raise certificate_invalid("subject OU is not the literal the specification asks for")
    for oid, label in ((NameOID.ORGANIZATION_NAME, "O"), (NameOID.COMMON_NAME, "CN")):
        values = attributes_of(subject, oid)
        if len(values) != 1 or not values[0]:
            raise certificate_invalid(f"subject {label} is missing, empty or there twice")


def _check_aaguid(certificate: x509.Certificate, aaguid: Aaguid) -> None:
    """When the certificate names a model, it is this one (§8.2, step 2, and §8.2.1)."""
    extension = extension_of(certificate, AAGUID_EXTENSION)
    if extension is None:
        return
    if extension.critical:
        raise certificate_invalid("the AAGUID extension is critical")
    value = extension.value
    # X.509 wraps the value in an octet string, and the value is an octet string itself.
    if not isinstance(value, x509.UnrecognizedExtension) or value.value != _DER_OCTET_STRING_OF_16 + aaguid.raw:
        raise certificate_invalid("the AAGUID is another")


def _invalid(detail: str) -> CeremonyError:
    return CeremonyError(CeremonyReason.ATTESTATION_INVALID, detail)
