"""The attestation object: what ``create()`` brings back (WebAuthn L3 §6.5.4)."""

from dataclasses import dataclass
from typing import Final

from ostiary.passkeys import cbor
from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.authenticator_data import Flags
from ostiary.passkeys.cbor import CborValue
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason

_AAGUID: Final = slice(37, 53)
_COMPOUND: Final = "compound"


@dataclass(frozen=True, slots=True)
class AttestationObject:
    """Format, statement and authenticator data, and nothing beside them."""

    format: str
    statement: CborValue
    authenticator_data: bytes

    @property
    def aaguid(self) -> Aaguid:
        """The AAGUID as claimed. Raises ``CeremonyError(malformed_authenticator_data)`` when there is none."""
        data = self.authenticator_data
        if len(data) < _AAGUID.stop or not data[32] & Flags.AT:
            raise CeremonyError(CeremonyReason.MALFORMED_AUTHENTICATOR_DATA, "no attested credential")
        return Aaguid(data[_AAGUID])


def open_attestation_object(encoded: bytes) -> AttestationObject:
    """Take an attestation object apart. Raises ``CeremonyError(malformed_cbor)``."""
    members = cbor.decode(encoded)
    if not isinstance(members, dict) or set(members) != {"fmt", "attStmt", "authData"}:
        raise CeremonyError(CeremonyReason.MALFORMED_CBOR, "not an attestation object")
    fmt, statement, authenticator_data = members["fmt"], members["attStmt"], members["authData"]
    # A compound statement is an array (WebAuthn L3 §8.9); all others are maps.
    kind = list if fmt == _COMPOUND else dict
    if not (isinstance(fmt, str) and isinstance(statement, kind) and isinstance(authenticator_data, bytes)):
        raise CeremonyError(CeremonyReason.MALFORMED_CBOR, "a member of the attestation object has the wrong type")
    return AttestationObject(fmt, statement, authenticator_data)
