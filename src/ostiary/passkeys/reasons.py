"""Why a ceremony was refused.

    CeremonyError       the one exception of this package; carries a CeremonyReason

The reasons are wire values: they are stored, counted and shown to administrators, so they never change their spelling.
"""

from enum import StrEnum


class CeremonyReason(StrEnum):
    """Machine-readable cause of a refusal. What people read about it is written elsewhere."""

    # The message itself
    MALFORMED_RESPONSE = "malformed_response"
    MALFORMED_CLIENT_DATA = "malformed_client_data"
    MALFORMED_CBOR = "malformed_cbor"
    MALFORMED_AUTHENTICATOR_DATA = "malformed_authenticator_data"

    # Client data: what the browser says it did
    TYPE_MISMATCH = "type_mismatch"
    CHALLENGE_MISMATCH = "challenge_mismatch"
    ORIGIN_MISMATCH = "origin_mismatch"
    CROSS_ORIGIN_REFUSED = "cross_origin_refused"
    TOP_ORIGIN_REFUSED = "top_origin_refused"

    # Authenticator data: what the authenticator says it did
    RP_ID_MISMATCH = "rp_id_mismatch"
    USER_PRESENCE_MISSING = "user_presence_missing"
    USER_VERIFICATION_MISSING = "user_verification_missing"
    BACKUP_STATE_INVALID = "backup_state_invalid"
    BACKUP_ELIGIBILITY_CHANGED = "backup_eligibility_changed"

    # The credential
    ALGORITHM_NOT_OFFERED = "algorithm_not_offered"
    PUBLIC_KEY_INVALID = "public_key_invalid"
    CREDENTIAL_ID_TOO_LONG = "credential_id_too_long"
    CREDENTIAL_MISMATCH = "credential_mismatch"
    CREDENTIAL_NOT_ALLOWED = "credential_not_allowed"
    USER_HANDLE_MISSING = "user_handle_missing"
    USER_HANDLE_MISMATCH = "user_handle_mismatch"
    SIGNATURE_INVALID = "signature_invalid"

    # Attestation
    ATTESTATION_FORMAT_UNKNOWN = "attestation_format_unknown"
    ATTESTATION_INVALID = "attestation_invalid"
    ATTESTATION_CERTIFICATE_INVALID = "attestation_certificate_invalid"
    ATTESTATION_UNTRUSTED = "attestation_untrusted"


class CeremonyError(Exception):
    """A ceremony was refused. ``reason`` is for programs; ``detail`` is for logs and never shown to a person."""

    def __init__(self, reason: CeremonyReason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
