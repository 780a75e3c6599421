"""The authentication ceremony (WebAuthn L3 §7.2)."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from ostiary.passkeys import client_data, cose
from ostiary.passkeys.authenticator_data import parse_authenticator_data
from ostiary.passkeys.expectations import check_backup_state, check_collections, check_rp_id, check_user
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason
from ostiary.passkeys.responses import AuthenticationResponse


class StoredCredential(Protocol):
    """As much of a credential record as an authentication is judged by. Anything with these attributes will do."""

    @property
    def credential_id(self) -> bytes: ...
    @property
    def public_key(self) -> bytes:
        """The COSE_Key of the registration."""

    @property
    def sign_count(self) -> int: ...
    @property
    def backup_eligible(self) -> bool: ...
    @property
    def user_handle(self) -> bytes:
        """Of the account the credential belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAuthentication:
    """The facts of an authentication that was verified, for the credential record and for policy.

    ``sign_count_regressed`` is a signal that a device-bound credential may have been copied, and not a proof.
    """

    credential_id: bytes
    sign_count: int
    sign_count_regressed: bool
    user_verified: bool
    backup_eligible: bool
    backup_state: bool
    origin: str
    cross_origin: bool
    top_origin: str | None


def verify_authentication(
    *,
    response: AuthenticationResponse,
    challenge: bytes,
    origins: Collection[str],
    rp_id: str,
    credential: StoredCredential,
    require_user_verification: bool = True,
    allow_cross_origin: bool = False,
    top_origins: Collection[str] = (),
    allowed_credential_ids: Collection[bytes] | None = None,
    require_user_handle: bool = False,
) -> VerifiedAuthentication:
    """Verify an assertion step by step, in the order of WebAuthn L3 §7.2.

    ``credential`` is the record found by ``response.credential_id``. ``allowed_credential_ids`` is the allow-list of
    the options: ``None`` when there was none, and an empty one allows nothing. ``require_user_handle`` is for a person
    who was not known when the options were made (step 6); a user handle that is present is compared in any case.

    The caller consumed the challenge before this call, and updates the record after it (step 24). Raises
    ``CeremonyError`` with the first reason met.
    """
    check_collections(origins=origins, top_origins=top_origins)
    # Step 5
    if allowed_credential_ids is not None and response.credential_id not in allowed_credential_ids:
        raise CeremonyError(CeremonyReason.CREDENTIAL_NOT_ALLOWED)
    # Step 6
    _check_owner(response, credential, require_user_handle=require_user_handle)
    # Steps 8 and 9: the client data.
    claimed = client_data.parse_client_data(response.client_data_json)
    # Step 10
    client_data.check_type(claimed, "webauthn.get")
    # Step 11
    client_data.check_challenge(claimed, challenge)
    # Steps 12 to 14
    client_data.check_origins(claimed, origins, allow_cross_origin=allow_cross_origin, top_origins=top_origins)
    # Step 15
    data = parse_authenticator_data(response.authenticator_data)
    # WebAuthn L3 §6.1: an assertion carries no attested credential.
    if data.attested_credential is not None:
        raise CeremonyError(CeremonyReason.MALFORMED_AUTHENTICATOR_DATA, "an attested credential in an assertion")
    check_rp_id(data, rp_id)
    # Steps 16 and 17
    check_user(data, require_presence=True, require_verification=require_user_verification)
    # Step 18
    check_backup_state(data)
    # Step 19: backup eligibility is fixed at registration.
    if data.backup_eligible != credential.backup_eligible:
        raise CeremonyError(CeremonyReason.BACKUP_ELIGIBILITY_CHANGED)
    # Steps 20 and 21
    signed = response.authenticator_data + hashlib.sha256(response.client_data_json).digest()
    if not cose.load_public_key(credential.public_key).is_valid(response.signature, signed):
        raise CeremonyError(CeremonyReason.SIGNATURE_INVALID)
    # Step 22. Steps 23 and 24 are the caller's.
    return VerifiedAuthentication(
        credential_id=response.credential_id,
        sign_count=data.sign_count,
        sign_count_regressed=_has_regressed(credential, data.sign_count),
        user_verified=data.user_verified,
        backup_eligible=data.backup_eligible,
        backup_state=data.backup_state,
        origin=claimed.origin,
        cross_origin=claimed.cross_origin,
        top_origin=claimed.top_origin,
    )


def _check_owner(response: AuthenticationResponse, credential: StoredCredential, *, require_user_handle: bool) -> None:
    """WebAuthn L3 §7.2, step 6."""
    if response.credential_id != credential.credential_id:
        raise CeremonyError(CeremonyReason.CREDENTIAL_MISMATCH)
    if response.user_handle is None:
        if require_user_handle:
            raise CeremonyError(CeremonyReason.USER_HANDLE_MISSING)
    elif response.user_handle != credential.user_handle:
        raise CeremonyError(CeremonyReason.USER_HANDLE_MISMATCH)


def _has_regressed(credential: StoredCredential, sign_count: int) -> bool:
    """WebAuthn L3 §7.2, step 22, and §6.1.1: a counter says nothing about a credential that lives in many places."""
    if credential.backup_eligible or sign_count == credential.sign_count == 0:
        return False
    return sign_count <= credential.sign_count
