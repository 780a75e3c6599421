"""The ``fido-u2f`` attestation statement format, of authenticators older than CTAP2 (WebAuthn L3 §8.6).

What it signs is little: RP ID, client data, credential ID and public key. The client makes up the rest of the
authenticator data, so nothing in it may promise more than U2F can do (CTAP 2.2 §7.1), and the AAGUID proves nothing,
not even when it is not zero. Models are told apart by the attestation certificate instead.
"""

from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ostiary.passkeys.attestation.certificates import check_current, parse_chain, public_key_of
from ostiary.passkeys.attestation.statement import Certified, StatementInput, statement_invalid
from ostiary.passkeys.authenticator_data import Flags
from ostiary.passkeys.signatures import ES256

IDENTIFIER: Final = "fido-u2f"

_U2F_FLAGS: Final = int(Flags.UP | Flags.AT)


def verify(given: StatementInput) -> Certified:
    """The verification procedure of WebAuthn L3 §8.6.

    Raises ``CeremonyError``: ``attestation_invalid`` when the statement is not of the format or does not verify,
    ``attestation_certificate_invalid`` when there is not exactly one certificate with a P-256 key.
    """
    # Step 1
    members = given.members(("x5c", "sig"))
    signature = members["sig"]
    if not isinstance(signature, bytes):
        raise statement_invalid("sig is not a byte string")
    # Step 2
    chain = parse_chain(members["x5c"])
    if len(chain) != 1:
        raise statement_invalid(f"{len(chain)} certificates where there is one")
    attestation_key = public_key_of(chain[0], ES256)
    # Step 3, and CTAP 2.2 §7.1: presence is all that U2F knows of a user; there are no extensions and no backups.
    if given.authenticator_data[32] != _U2F_FLAGS:
        raise statement_invalid("flags that a U2F authenticator cannot set")
    rp_id_hash = given.authenticator_data[:32]
    # Step 4: a loaded ES256 key has coordinates of 32 bytes each.
    if given.credential_key.algorithm != ES256:
        raise statement_invalid("not an ES256 credential")
    point = given.credential_key.key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    # Steps 5 and 6
    signed = b"\x00" + rp_id_hash + given.client_data_hash + given.credential_id + point
    if not attestation_key.is_valid(signature, signed):
        raise statement_invalid("not signed by the attestation certificate")
    check_current(chain[0], given.at)
    # Step 8
    return Certified(chain, covers_aaguid=False)
