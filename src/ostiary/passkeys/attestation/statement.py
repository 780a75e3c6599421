"""What every attestation statement format is given, and what it answers (WebAuthn L3 §6.5.2)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from cryptography import x509

from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.cbor import CborValue
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason
from ostiary.passkeys.signatures import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementInput:
    """One statement with all that a verification procedure may look at."""

    statement: CborValue
    authenticator_data: bytes
    client_data_hash: bytes
    aaguid: Aaguid
    credential_id: bytes
    credential_key: PublicKey
    at: datetime

    @property
    def signed(self) -> bytes:
        """What most formats sign: authenticator data and the hash of the client data (WebAuthn L3 §6.5.4)."""
        return self.authenticator_data + self.client_data_hash

    def members(self, required: Collection[str], optional: Collection[str] = ()) -> dict[int | str, CborValue]:
        """The statement as a map with these members and no others. Raises ``CeremonyError(attestation_invalid)``."""
        if not isinstance(self.statement, dict):
            raise statement_invalid("not a map")
        found = set(self.statement)
        if not set(required) <= found <= {*required, *optional}:
            raise statement_invalid(f"members other than {', '.join([*required, *optional])}")
        return self.statement


@dataclass(frozen=True, slots=True)
class NoStatement:
    """The statement claims nothing."""


@dataclass(frozen=True, slots=True)
class SelfSigned:
    """Signed with the credential's own key: proves its possession and nothing about the authenticator."""


@dataclass(frozen=True, slots=True)
class Certified:
    """Signed by the first certificate of ``trust_path``. Whether that leads anywhere is not judged yet.

    ``covers_aaguid`` is false for the one format that leaves the AAGUID unsigned (WebAuthn L3 §8.6).
    """

    trust_path: tuple[x509.Certificate, ...]
    covers_aaguid: bool = True


@dataclass(frozen=True, slots=True)
class Combined:
    """Several statements in one, each verified (WebAuthn L3 §8.9)."""

    findings: tuple[NoStatement | SelfSigned | Certified, ...]


Finding: TypeAlias = NoStatement | SelfSigned | Certified | Combined
VerificationProcedure: TypeAlias = Callable[[StatementInput], Finding]


class AttestationKind(StrEnum):
    """What a relying party may conclude. Only ``ATTESTED`` says anything about the authenticator."""

    NONE = "none"
    SELF = "self"
    UNTRUSTED = "untrusted"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """The judged attestation. ``anchor`` is the given certificate that ``ATTESTED`` leads to.

    The trust path is kept also when untrusted, so that a later decision (a new anchor, a revocation) can be applied.
    ``covers_aaguid`` says whether the AAGUID is part of what was attested: with ``fido-u2f`` it is not.
    """

    format: str
    kind: AttestationKind
    anchor: x509.Certificate | None = None
    trust_path: tuple[x509.Certificate, ...] = ()
    covers_aaguid: bool = False


def statement_invalid(detail: str) -> CeremonyError:
    return CeremonyError(CeremonyReason.ATTESTATION_INVALID, detail)
