"""The ``tpm`` attestation statement format (WebAuthn L3 §8.3).

Windows signs with keys that use SHA-1 (``alg`` -65535) to this day, so that such a signature is verified here whatever
algorithms are offered for credentials: see docs/decisions/0004-sha-1-where-devices-need-it.md.

A TPM certifies any key it has loaded. §8.3 asks for no object attribute, so ``attested`` says that the platform's
software let a genuine TPM vouch for this key, and leans on that software not to load a key made elsewhere.
"""

import hashlib
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from ostiary.passkeys import signatures
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
from ostiary.passkeys.attestation.statement import Certified, StatementInput, statement_invalid
from ostiary.passkeys.attestation.tpm_structures import TpmError, parse_certify_info, parse_public_area

IDENTIFIER: Final = "tpm"

AIK_CERTIFICATE: Final = ObjectIdentifier("2.23.133.8.3")
"""tcg-kp-AIKCertificate."""

TPM_MANUFACTURER: Final = ObjectIdentifier("2.23.133.2.1")
TPM_MODEL: Final = ObjectIdentifier("2.23.133.2.2")
TPM_VERSION: Final = ObjectIdentifier("2.23.133.2.3")

MANUFACTURERS: Final = {
    "id:414D4400": "AMD",
    "id:414E5400": "Ant Group",
    "id:41524D00": "Arm",
    "id:41544D4C": "Atmel",
    "id:4252434D": "Broadcom",
    "id:4353434F": "Cisco",
    "id:464C5953": "Flyslice Technologies",
    "id:474F4F47": "Google",
    "id:48504500": "HPE",
    "id:48504900": "HPI",
    "id:48495349": "Huawei",
    "id:49424D00": "IBM",
    "id:49465800": "Infineon",
    "id:494E5443": "Intel",
    "id:4C454E00": "Lenovo",
    "id:4D534654": "Microsoft",
    "id:4E534D20": "National Semiconductor",
    "id:4E534700": "NSING",
    "id:4E544300": "Nuvoton Technology",
    "id:4E545A00": "Nationz",
    "id:51434F4D": "Qualcomm",
    "id:524F4343": "Fuzhou Rockchip",
    "id:53454345": "SecEdge",
    "id:5345414C": "Wisekey",
    "id:534D534E": "Samsung",
    "id:534D5343": "SMSC",
    "id:534E5300": "Sinosun",
    "id:53544D20": "ST Microelectronics",
    "id:54584E00": "Texas Instruments",
    "id:57454300": "Winbond",
    # Nobody's: the specification's own example (WebAuthn L3 §16.12) has it, under a root nobody is given.
    "id:00000000": "WebAuthn test vectors",
}
"""TCG TPM Vendor ID Registry 1.08, table 2. The conformance tests' FFFFF1D0 is not among them on purpose."""

# WebAuthn L3 §8.3: the hash that goes with the signature algorithm.
_DIGESTS: Final = {
    signatures.RS1: hashlib.sha1,
    signatures.RS256: hashlib.sha256,
    signatures.ES256: hashlib.sha256,
    signatures.ES384: hashlib.sha384,
    signatures.ES512: hashlib.sha512,
}


def verify(given: StatementInput) -> Certified:
    """The verification procedure of WebAuthn L3 §8.3.

    Raises ``CeremonyError``: ``attestation_invalid`` when the statement is not of the format or does not verify,
    ``attestation_certificate_invalid`` when the AIK certificate does not meet §8.3.1 at the given clock.
    """
    # The syntax, which has these members and no others.
    members = given.members(("ver", "alg", "x5c", "sig", "certInfo", "pubArea"))
    algorithm, signature = members["alg"], members["sig"]
    certify_info, public_area = members["certInfo"], members["pubArea"]
    if members["ver"] != "2.0":
        raise statement_invalid("not version 2.0")
    if not (isinstance(signature, bytes) and isinstance(certify_info, bytes) and isinstance(public_area, bytes)):
        raise statement_invalid("sig, certInfo or pubArea is not a byte string")
    if type(algorithm) is not int or algorithm not in _DIGESTS:
        raise statement_invalid("alg is none that a TPM signs with")
    try:
        area, certified = parse_public_area(public_area), parse_certify_info(certify_info)
    except TpmError as error:
        raise statement_invalid(str(error)) from error
    # The public area is the credential's key.
    if not area.is_for(given.credential_key.key):
        raise statement_invalid("pubArea is of another key")
    # Integrity of certInfo.
    chain = parse_chain(members["x5c"])
    check_certificate(chain[0], aaguid=given.aaguid, at=given.at)
    if not public_key_of(chain[0], algorithm).is_valid(signature, certify_info):
        raise statement_invalid("certInfo is not signed by the attestation certificate")
    # Validity of certInfo: magic and type were judged with the form.
    if certified.extra_data != _DIGESTS[algorithm](given.signed).digest():
        raise statement_invalid("extraData is not the hash of what is attested")
    if certified.name != area.name:
        raise statement_invalid("the name is not that of pubArea")
    return Certified(chain)


def check_certificate(certificate: x509.Certificate, *, aaguid: Aaguid, at: datetime) -> None:
    """WebAuthn L3 §8.3.1. Raises ``CeremonyError(attestation_certificate_invalid)``."""
    if certificate.version is not x509.Version.v3:
        raise certificate_invalid("not version 3")
    if list(certificate.subject):
        raise certificate_invalid("the subject is not empty")
    _check_alternative_name(certificate)
    usage = extension_of(certificate, x509.ExtendedKeyUsage.oid)
    if usage is None or not isinstance(usage.value, x509.ExtendedKeyUsage) or AIK_CERTIFICATE not in usage.value:
        raise certificate_invalid("not for use as an attestation key")
    check_end_entity(certificate)
    check_aaguid(certificate, aaguid)
    check_current(certificate, at)


def _check_alternative_name(certificate: x509.Certificate) -> None:
    """TCG EK Credential Profile §3.2.9: a directory name with manufacturer, model and version, in one relative name or
    in three."""
    extension = extension_of(certificate, x509.SubjectAlternativeName.oid)
    if extension is None or not isinstance(extension.value, x509.SubjectAlternativeName):
        raise certificate_invalid("no subject alternative name")
    names = extension.value.get_values_for_type(x509.DirectoryName)
    if len(names) != 1:
        raise certificate_invalid(f"{len(names)} directory names")
    values = [attributes_of(names[0], oid) for oid in (TPM_MANUFACTURER, TPM_MODEL, TPM_VERSION)]
    if not all(len(value) == 1 and value[0] for value in values):
        raise certificate_invalid("TPM manufacturer, model or version is missing, empty or there twice")
    if str(values[0][0]).upper().replace("ID:", "id:", 1) not in MANUFACTURERS:
        raise certificate_invalid(f"TPM manufacturer {values[0][0]!a} is not known")
