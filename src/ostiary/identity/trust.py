"""What attestation is trusted by: FIDO's metadata, roots an administrator adds, and our own Authenticator's CA.

Nothing here can stop a start or a sign-in. Without metadata, models it would vouch for are unknown, and a profile that
enforces attestation refuses them: it fails closed, and only for registration.
"""

import threading
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ostiary.clock import as_datetime
from ostiary.identifiers import new_id
from ostiary.identity import audit
from ostiary.identity.caller import COMMAND_LINE, Caller
from ostiary.identity.permissions import Permission, require_permission
from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import Aaguid
from ostiary.passkeys.metadata import (
    NO_METADATA,
    Metadata,
    StatusKind,
    TrustedRoot,
    TrustStore,
    status_verdict,
    verify_blob,
    with_own_models,
)
from ostiary.storage import attestation, trust
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person
from ostiary.storage.trust import PasskeyOfModel, RootRow

_LARGEST_CERTIFICATE = 16_384


class Root(NamedTuple):
    """An administrator's root. `aaguids` empty: for models that nobody else speaks for."""

    id: str
    name: str
    certificate: x509.Certificate
    aaguids: tuple[str, ...]
    added_at: int
    actor: str


class MetadataState(NamedTuple):
    number: int
    fetched_at: int
    next_update: str
    is_overdue: bool


class Trust:
    """The trust store of this process. Metadata is parsed once, beside the event loop, and handed in whole; the few
    roots are read with each registration."""

    def __init__(self) -> None:
        self._metadata: Metadata = NO_METADATA
        self._lock = threading.Lock()

    @property
    def metadata(self) -> Metadata:
        return self._metadata

    def use(self, metadata: Metadata) -> None:
        with self._lock:
            if metadata.number >= self._metadata.number:
                self._metadata = metadata

    def store(self, tx: Transaction) -> TrustStore:
        roots = tuple(
            TrustedRoot(
                certificate=root.certificate,
                aaguids=frozenset(Aaguid.parse(one) for one in root.aaguids) if root.aaguids else None,
            )
            for root in list_roots(tx)
        )
        own = tuple(x509.load_der_x509_certificate(der) for der in attestation.trusted_certificates(tx))
        return TrustStore(metadata=with_own_models(self._metadata, own), administrator=roots)

    def is_compromised(self, aaguid: Aaguid, at: datetime) -> bool:
        """Whether metadata says that this model is revoked or broken. To claim such a model is enough to be refused."""
        entry = self._metadata.entry(aaguid)
        return entry is not None and status_verdict(entry, at).kind is StatusKind.COMPROMISED

    def compromised_passkeys(self, tx: Transaction, at: datetime) -> list[PasskeyOfModel]:
        """Passkeys registered with models that are compromised by now: for the report, whose action is to replace
        them."""
        return [
            passkey
            for aaguid in trust.models_in_use(tx)
            if self.is_compromised(Aaguid.parse(aaguid), at)
            for passkey in trust.passkeys_of_model(tx, aaguid)
        ]


def list_roots(tx: Transaction) -> list[Root]:
    return [_root(row) for row in trust.all_roots(tx)]


def add_root(
    tx: Transaction,
    *,
    name: str,
    certificate: bytes,
    aaguids: tuple[str, ...],
    actor: Person | None,
    caller: Caller = COMMAND_LINE,
    now: int,
) -> Root:
    """Trusts a root from now on, for these models. `certificate` is PEM or DER. Raises `Refusal`."""
    require_permission(tx, actor, Permission.TRUST_WRITE)
    parsed = _parse_certificate(certificate)
    try:
        models = tuple(str(Aaguid.parse(one.strip())) for one in aaguids)
    except ValueError as error:
        raise Refusal(Reason.AAGUID_INVALID, field="aaguids") from error
    der = parsed.public_bytes(Encoding.DER)
    if any(row.certificate == der for row in trust.all_roots(tx)):
        raise Refusal(Reason.ROOT_EXISTS, field="certificate")
    named = " ".join(name.split())
    if not 1 <= len(named) <= 100 or not named.isprintable():
        raise Refusal(Reason.NAME_INVALID, field="name")
    row = RootRow(new_id(), named, der, ",".join(models), now, actor.username if actor else "command line")
    trust.insert_root(tx, row)
    audit.record(tx, audit.Event.ROOT_ADD, caller=caller, now=now, actor=actor, detail=named)
    return _root(row)


def remove_root(
    tx: Transaction, root_id: str, *, actor: Person | None, caller: Caller = COMMAND_LINE, now: int
) -> None:
    """Trusts it no more. Passkeys it vouched for stay; attestation is judged at registration."""
    require_permission(tx, actor, Permission.TRUST_WRITE)
    if not trust.delete_root(tx, root_id):
        raise Refusal(Reason.ROOT_UNKNOWN)
    audit.record(tx, audit.Event.ROOT_REMOVE, caller=caller, now=now, actor=actor, detail=root_id)


def metadata_state(tx: Transaction, now: int) -> MetadataState | None:
    """What is stored of FIDO's metadata; None when there is none."""
    state = trust.blob_state(tx)
    if state is None:
        return None
    is_overdue = bool(state.next_update) and as_datetime(now).date().isoformat() > state.next_update
    return MetadataState(*state, is_overdue)


def load_metadata(blob: bytes, *, root: x509.Certificate, now: int, newer_than: int | None = None) -> Metadata:
    """Verifies a blob and reads it; slow (about a second), so not in the event loop. Raises `MetadataError`."""
    return verify_blob(blob, root=root, at=as_datetime(now), newer_than=newer_than)


def keep_metadata(tx: Transaction, metadata: Metadata, blob: bytes, *, now: int) -> None:
    """Keeps a verified blob for the next start."""
    next_update = metadata.next_update.isoformat() if metadata.next_update else ""
    trust.replace_blob(tx, number=metadata.number, blob=blob, fetched_at=now, next_update=next_update)
    audit.record(tx, audit.Event.METADATA_REFRESH, caller=COMMAND_LINE, now=now, detail=f"number {metadata.number}")


def stored_blob(tx: Transaction) -> bytes | None:
    return trust.stored_blob(tx)


def _parse_certificate(data: bytes) -> x509.Certificate:
    if len(data) > _LARGEST_CERTIFICATE:
        raise Refusal(Reason.CERTIFICATE_INVALID, field="certificate")
    try:
        is_pem = data.lstrip().startswith(b"-----BEGIN")
        certificate = x509.load_pem_x509_certificate(data) if is_pem else x509.load_der_x509_certificate(data)
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.subject.rfc4514_string()  # what will be shown must be readable
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension) as error:
        raise Refusal(Reason.CERTIFICATE_INVALID, field="certificate") from error
    if not constraints.ca:
        raise Refusal(Reason.CERTIFICATE_INVALID, field="certificate")
    return certificate


def _root(row: RootRow) -> Root:
    return Root(
        id=row.id,
        name=row.name,
        certificate=x509.load_der_x509_certificate(row.certificate),
        aaguids=tuple(row.aaguids.split(",")) if row.aaguids else (),
        added_at=row.added_at,
        actor=row.actor,
    )
