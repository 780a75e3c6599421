"""Checks that both ceremonies make of authenticator data, and of what the caller expects."""

import hashlib
from collections.abc import Collection
from functools import lru_cache
from hmac import compare_digest

from ostiary.passkeys.authenticator_data import AuthenticatorData
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason


def check_collections(**collections: Collection[object]) -> None:
    """A string is a collection of its characters, and ``in`` finds parts of it: a caller's mistake, found here."""
    for name, value in collections.items():
        if isinstance(value, str | bytes):
            raise TypeError(f"{name} is a collection of values, not one value")


@lru_cache(maxsize=64)
def _rp_id_hash(rp_id: str) -> bytes:
    return hashlib.sha256(rp_id.encode("utf-8")).digest()


def check_rp_id(data: AuthenticatorData, rp_id: str) -> None:
    """WebAuthn L3 §7.1, step 14 and §7.2, step 15."""
    if not compare_digest(data.rp_id_hash, _rp_id_hash(rp_id)):
        raise CeremonyError(CeremonyReason.RP_ID_MISMATCH)


def check_user(data: AuthenticatorData, *, require_presence: bool, require_verification: bool) -> None:
    """WebAuthn L3 §7.1, steps 15 and 16, and §7.2, steps 16 and 17."""
    if require_presence and not data.user_present:
        raise CeremonyError(CeremonyReason.USER_PRESENCE_MISSING)
    if require_verification and not data.user_verified:
        raise CeremonyError(CeremonyReason.USER_VERIFICATION_MISSING)


def check_backup_state(data: AuthenticatorData) -> None:
    """WebAuthn L3 §7.1, step 17 and §7.2, step 18: what may not be backed up is not."""
    if data.backup_state and not data.backup_eligible:
        raise CeremonyError(CeremonyReason.BACKUP_STATE_INVALID)
