"""What every attestation statement format is given, and what it answers (WebAuthn L3 §6.5.2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from cryptography import x509

from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.cbor import CborValue
from ostiary.passkeys.signatures import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementInput:
    """One statement with all that a verification procedure may look at."""

    statement: Mapping[int | str, CborValue]
    authenticator_data: bytes
    client_data_hash: bytes
    aaguid: Aaguid
    credential_id: bytes
    credential_key: PublicKey
    at: datetime


@dataclass(frozen=True, slots=True)
class NoStatement:
    """The statement claims nothing."""


@dataclass(frozen=True, slots=True)
class SelfSigned:
    """Signed with the credential's own key: proves its possession and nothing about the authenticator."""


@dataclass(frozen=True, slots=True)
class Certified:
    """Signed by the first certificate of ``trust_path``. Whether that leads anywhere is not judged yet."""

    trust_path: tuple[x509.Certificate, ...]


Finding: TypeAlias = NoStatement | SelfSigned | Certified
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
    """

    format: str
    kind: AttestationKind
    anchor: x509.Certificate | None = None
    trust_path: tuple[x509.Certificate, ...] = ()
