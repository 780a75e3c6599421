"""Why a use case refuses. Reasons of the ceremony itself are `ostiary.passkeys.CeremonyReason`."""

from collections.abc import Mapping
from enum import StrEnum

from ostiary.passkeys import CeremonyError


class Reason(StrEnum):
    # what was sent
    USERNAME_INVALID = "username_invalid"
    DOMAIN_UNKNOWN = "domain_unknown"
    NAME_INVALID = "name_invalid"
    NAME_TAKEN = "name_taken"
    # sign-in
    CREDENTIALS_WRONG = "credentials_wrong"
    CODE_WRONG = "code_wrong"
    CODE_USED = "code_used"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    SIGN_IN_EXPIRED = "sign_in_expired"
    METHOD_NOT_OFFERED = "method_not_offered"
    DIFFERENT_PERSON = "different_person"
    ACCOUNT_DISABLED = "account_disabled"
    CREDENTIAL_UNKNOWN = "credential_unknown"
    CHALLENGE_UNKNOWN = "challenge_unknown"
    CHALLENGE_EXPIRED = "challenge_expired"
    CHALLENGE_FOREIGN = "challenge_foreign"
    # approvals
    APPROVAL_PENDING = "approval_pending"
    APPROVAL_WAITING = "approval_waiting"
    APPROVAL_UNKNOWN = "approval_unknown"
    APPROVAL_ANSWERED = "approval_answered"
    APPROVAL_EXPIRED = "approval_expired"
    APPROVAL_CANCELLED = "approval_cancelled"
    APPROVAL_DECLINED = "approval_declined"
    APPROVAL_REPORTED = "approval_reported"
    APPROVAL_NUMBER_WRONG = "approval_number_wrong"
    APPROVAL_NOT_VERIFIED = "approval_not_verified"
    APPROVAL_SIGNATURE_WRONG = "approval_signature_wrong"
    APPROVALS_PAUSED = "approvals_paused"
    DEVICE_UNKNOWN = "device_unknown"
    DEVICE_KEY_INVALID = "device_key_invalid"
    DEVICE_KEY_TAKEN = "device_key_taken"
    DEVICE_INVALID = "device_invalid"
    AUTHENTICATOR_LIMIT = "authenticator_limit"
    # sessions and step-up
    SIGN_IN_REQUIRED = "sign_in_required"
    FRESH_MFA_REQUIRED = "fresh_mfa_required"
    SECOND_FACTOR_REQUIRED = "second_factor_required"
    # Security info
    METHOD_UNKNOWN = "method_unknown"
    METHOD_NOT_REMOVABLE = "method_not_removable"
    METHOD_NOT_RENAMABLE = "method_not_renamable"
    LAST_STRONG_METHOD = "last_strong_method"
    PASSKEY_EXISTS = "passkey_exists"
    PASSKEY_LIMIT = "passkey_limit"
    CODE_LIMIT = "code_limit"
    ENROLMENT_EXPIRED = "enrolment_expired"
    SESSION_UNKNOWN = "session_unknown"
    PASSWORD_WRONG = "password_wrong"
    PASSWORD_TOO_SHORT = "password_too_short"
    PASSWORD_TOO_LONG = "password_too_long"
    PASSWORD_TOO_EASY = "password_too_easy"
    PASSWORD_UNCHANGED = "password_unchanged"
    PASSWORDS_DIFFER = "passwords_differ"
    # policy
    METHOD_DISABLED = "method_disabled"
    METHOD_EXCLUDED = "method_excluded"
    METHOD_NOT_TARGETED = "method_not_targeted"
    SELF_SERVICE_OFF = "self_service_off"
    SYNCED_NOT_ALLOWED = "synced_not_allowed"
    DEVICE_BOUND_NOT_ALLOWED = "device_bound_not_allowed"
    ATTESTATION_REQUIRED = "attestation_required"
    AAGUID_NOT_ALLOWED = "aaguid_not_allowed"
    AUTHENTICATOR_COMPROMISED = "authenticator_compromised"
    PROFILE_ALLOWS_NOTHING = "profile_allows_nothing"
    NO_METHOD_LEFT = "no_method_left"
    # Temporary Access Pass
    PASS_WRONG = "pass_wrong"
    PASS_EXPIRED = "pass_expired"
    PASS_NOT_YET_VALID = "pass_not_yet_valid"
    PASS_USED = "pass_used"
    PASS_DISABLED = "pass_disabled"
    PASS_REGISTRATION_OVER = "pass_registration_over"
    PASS_LIFETIME_INVALID = "pass_lifetime_invalid"
    # the link in a notice
    LINK_UNKNOWN = "link_unknown"
    LINK_USED = "link_used"
    LINK_EXPIRED = "link_expired"
    # trust
    AAGUID_INVALID = "aaguid_invalid"
    CERTIFICATE_INVALID = "certificate_invalid"
    ROOT_EXISTS = "root_exists"
    ROOT_UNKNOWN = "root_unknown"
    NAME_LIST_INVALID = "name_list_invalid"
    # our own attestation authority
    ATTESTATION_AUTHORITY_EXISTS = "attestation_authority_exists"
    ATTESTATION_AUTHORITY_MISSING = "attestation_authority_missing"
    ATTESTATION_AUTHORITY_UNKNOWN = "attestation_authority_unknown"
    COUNTRY_INVALID = "country_invalid"
    ATTESTATION_CODE_WRONG = "attestation_code_wrong"
    ATTESTATION_CODE_EXPIRED = "attestation_code_expired"
    ATTESTATION_CODE_USED = "attestation_code_used"
    ATTESTATION_CODE_LIFETIME_INVALID = "attestation_code_lifetime_invalid"
    ATTESTATION_MODEL_DIFFERS = "attestation_model_differs"
    ATTESTATION_REQUEST_INVALID = "attestation_request_invalid"
    ATTESTATION_KEY_KNOWN = "attestation_key_known"
    ATTESTATION_SERIAL_UNKNOWN = "attestation_serial_unknown"
    AUTHENTICATOR_MODEL_UNKNOWN = "authenticator_model_unknown"
    AUTHENTICATOR_REVOKED = "authenticator_revoked"
    # applications
    CLIENT_UNKNOWN = "client_unknown"
    REDIRECT_URI_INVALID = "redirect_uri_invalid"
    AUTHORIZATION_UNKNOWN = "authorization_unknown"
    TOKEN_MISSING = "token_missing"
    TOKEN_INVALID = "token_invalid"
    SCOPE_MISSING = "scope_missing"
    # permission
    NOT_PERMITTED = "not_permitted"
    NOT_YOURSELF = "not_yourself"
    PHISHING_RESISTANT_REQUIRED = "phishing_resistant_required"
    ADMINISTRATOR_NEEDS_TWO_FACTORS = "administrator_needs_two_factors"
    POLICY_INVALID = "policy_invalid"
    POLICY_VERSION_UNKNOWN = "policy_version_unknown"
    POLICY_CHANGED_MEANWHILE = "policy_changed_meanwhile"
    # administration
    PERSON_UNKNOWN = "person_unknown"
    PERSON_EXISTS = "person_exists"
    GROUP_UNKNOWN = "group_unknown"
    GROUP_EXISTS = "group_exists"
    ROLE_UNKNOWN = "role_unknown"
    ORGANIZATION_EXISTS = "organization_exists"
    ORGANIZATION_MISSING = "organization_missing"
    DOMAIN_INVALID = "domain_invalid"
    DOMAIN_EXISTS = "domain_exists"
    DOMAIN_IN_USE = "domain_in_use"
    LAST_ADMINISTRATOR = "last_administrator"
    LOGO_INVALID = "logo_invalid"
    ACCENT_INVALID = "accent_invalid"


class Refusal(Exception):
    """A use case that did not happen, and why. Its transaction is rolled back; the face records and explains it.

    `person_id` and `method_id` say whom and what it concerned, for the audit log; `field` which input; `next_path`
    where the cure is; `detail` is for the log only; `retry_after` how many seconds to wait. `particulars` are names
    that make the words exact (`provider`, `accepted`, `rule`, `most`); `is_at_sign_in`: of a passkey taken once.
    """

    def __init__(
        self,
        reason: StrEnum,
        *,
        field: str | None = None,
        next_path: str | None = None,
        person_id: str | None = None,
        method_id: str | None = None,
        aaguid: str | None = None,
        detail: str | None = None,
        retry_after: int | None = None,
        particulars: Mapping[str, str] | None = None,
        is_at_sign_in: bool = False,
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.field = field
        self.next_path = next_path
        self.person_id = person_id
        self.method_id = method_id
        self.aaguid = aaguid
        self.detail = detail
        self.retry_after = retry_after
        self.particulars = particulars or {}
        self.is_at_sign_in = is_at_sign_in

    @classmethod
    def of_ceremony(
        cls,
        error: CeremonyError,
        *,
        person_id: str | None = None,
        method_id: str | None = None,
        aaguid: str | None = None,
    ) -> "Refusal":
        return cls(error.reason, person_id=person_id, method_id=method_id, aaguid=aaguid, detail=error.detail)
