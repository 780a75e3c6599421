"""The ``apple`` anonymous attestation statement format (WebAuthn L3 §8.8)."""

import hashlib
from typing import Final

from cryptography.x509.oid import ObjectIdentifier

from ostiary.passkeys import der
from ostiary.passkeys.attestation.certificates import (
    certificate_invalid,
    check_current,
    parse_chain,
    public_key_of,
    unrecognized_extension,
)
from ostiary.passkeys.attestation.statement import Certified, StatementInput, statement_invalid

IDENTIFIER: Final = "apple"

NONCE_EXTENSION: Final = ObjectIdentifier("1.2.840.113635.100.8.2")

_NONCE_FIELD: Final = 1


def verify(given: StatementInput) -> Certified:
    """The verification procedure of WebAuthn L3 §8.8.

    Nothing is signed by the authenticator: Apple's CA certifies the credential's key together with a hash of the
    message, so that all rests on where the chain leads. Raises ``CeremonyError``: ``attestation_invalid`` when the
    nonce or the key is another, ``attestation_certificate_invalid`` when the certificate is not of the kind.
    """
    # Step 1. Devices of 2020 also send `alg`, which the specification has not; it must at least be true.
    members = given.members(("x5c",), ("alg",))
    algorithm = members.get("alg", given.credential_key.algorithm)
    if type(algorithm) is not int or algorithm != given.credential_key.algorithm:
        raise statement_invalid("alg is not the credential's")
    chain = parse_chain(members["x5c"])
    # Steps 2 to 4
    content = unrecognized_extension(chain[0], NONCE_EXTENSION)
    if content is None:
        raise certificate_invalid("no nonce")
    if _read_nonce(content) != hashlib.sha256(given.signed).digest():
        raise statement_invalid("the nonce is another")
    # Step 5
    if public_key_of(chain[0], given.credential_key.algorithm).key != given.credential_key.key:
        raise statement_invalid("the certificate is for another key")
    check_current(chain[0], given.at)
    # Step 6
    return Certified(chain)


def _read_nonce(content: bytes) -> bytes:
    """``SEQUENCE { [1] EXPLICIT OCTET STRING }``: the specification is silent, Apple's certificates are not."""
    try:
        (field,) = der.read_one(content).elements(der.Tag.SEQUENCE)
        if field.number != _NONCE_FIELD:
            raise der.DerError("another field")
        return field.inner().take(der.Tag.OCTET_STRING)
    except ValueError as error:
        raise certificate_invalid("the nonce extension does not parse") from error
