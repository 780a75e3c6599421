"""The ``packed`` attestation statement format (WebAuthn L3 §8.2)."""

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.attestation.certificates import (
    attributes_of,
    certificate_invalid,
    check_aaguid,
    check_current,
    check_end_entity,
    extension_of,
    parse_chain,
    public_key_of,
)
from ostiary.passkeys.attestation.statement import Certified, SelfSigned, StatementInput, statement_invalid
from ostiary.passkeys.signatures import RS1

IDENTIFIER: Final = "packed"

FIRMWARE_EXTENSION: Final = ObjectIdentifier("1.3.6.1.4.1.45724.1.1.5")


def verify(given: StatementInput) -> Certified | SelfSigned:
    """The verification procedure of WebAuthn L3 §8.2.

    Raises ``CeremonyError``: ``attestation_invalid`` when the statement is not of the format or does not verify,
    ``attestation_certificate_invalid`` when its certificate does not meet §8.2.1 at the given clock.
    """
    # Step 1: the syntax, which has these members and no others.
    members = given.members(("alg", "sig"), ("x5c",))
    algorithm, signature = members["alg"], members["sig"]
    if type(algorithm) is not int or not isinstance(signature, bytes):
        raise statement_invalid("alg is not an integer or sig is not a byte string")

    # Step 2: signed by an attestation certificate.
    if "x5c" in members:
        chain = parse_chain(members["x5c"])
        # No authenticator in the field needs SHA-1 here, as some TPMs do.
        if algorithm == RS1:
            raise certificate_invalid("a signature by way of SHA-1")
        if not public_key_of(chain[0], algorithm).is_valid(signature, given.signed):
            raise statement_invalid("not signed by the attestation certificate")
        check_certificate(chain[0], aaguid=given.aaguid, at=given.at)
        return Certified(chain)

    # Step 3: self attestation.
    if algorithm != given.credential_key.algorithm:
        raise statement_invalid("self attestation with another algorithm than the credential's")
    if not given.credential_key.is_valid(signature, given.signed):
        raise statement_invalid("not signed by the credential")
    return SelfSigned()


def check_certificate(certificate: x509.Certificate, *, aaguid: Aaguid, at: datetime) -> None:
    """WebAuthn L3 §8.2.1. Raises ``CeremonyError(attestation_certificate_invalid)``."""
    if certificate.version is not x509.Version.v3:
        raise certificate_invalid("not version 3")
    _check_subject(certificate.subject)
    check_aaguid(certificate, aaguid)
    firmware = extension_of(certificate, FIRMWARE_EXTENSION)
    if firmware is not None and firmware.critical:
        raise certificate_invalid("the firmware version is critical")
    check_end_entity(certificate)
    check_current(certificate, at)


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
