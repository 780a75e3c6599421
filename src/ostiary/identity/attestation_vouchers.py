"""Which of our attestation certificates vouches for a passkey: asked when one is registered, and remembered."""

from cryptography.hazmat.primitives.serialization import Encoding

from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import AttestationKind
from ostiary.passkeys.attestation.issuing import key_hash_of, serial_of
from ostiary.passkeys.attestation.statement import Attestation
from ostiary.storage import attestation as rows
from ostiary.storage.database import Transaction
from ostiary.storage.trust import PasskeyOfModel


def require_enrolled(tx: Transaction, attestation: Attestation, *, person_id: str) -> str | None:
    """Which of our certificates vouches for a new passkey; None when none does, and others may.

    Raises `Refusal(AUTHENTICATOR_REVOKED)` for one that was revoked, and for one that our authority issued but nobody
    knows of: then the list we have is not the whole, and what is missing may be a revocation.
    """
    if not attestation.trust_path:
        return None
    certificate = attestation.trust_path[0]
    row = rows.enrolled_by_serial(tx, serial_of(certificate))
    # anybody may choose any serial number, but not have our certificate's key
    is_known = row is not None and row.key_hash == key_hash_of(certificate.public_key())
    if row is not None and is_known:
        if row.revoked_at is not None:
            raise Refusal(
                Reason.AUTHENTICATOR_REVOKED, person_id=person_id, aaguid=row.model, detail=f"serial {row.serial}"
            )
        return row.serial if attestation.kind is AttestationKind.ATTESTED else None
    anchor = attestation.anchor
    if anchor is not None and anchor.public_bytes(Encoding.DER) in rows.trusted_certificates(tx):
        raise Refusal(Reason.AUTHENTICATOR_REVOKED, person_id=person_id, detail="issued by us and not recorded")
    return None


def keep_voucher(tx: Transaction, method_id: str, serial: str) -> None:
    """Remembers which certificate vouched for a passkey."""
    rows.insert_enrolled_passkey(tx, method_id, serial)


def passkeys_of(tx: Transaction, serial: str) -> list[PasskeyOfModel]:
    """Passkeys that this certificate vouched for."""
    return rows.passkeys_of_enrolled(tx, serial)


def passkeys_of_revoked(tx: Transaction) -> list[PasskeyOfModel]:
    """Passkeys that a certificate revoked since vouched for: for the report, whose action is to replace them."""
    return rows.passkeys_of_revoked(tx)
