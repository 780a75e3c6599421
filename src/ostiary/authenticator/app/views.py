"""What the app shows: plain frozen values, made anew for every look. Instants are epoch milliseconds; ids are text that
is safe in an address."""

from dataclasses import dataclass
from enum import StrEnum

from ostiary.authenticator.ports import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What every page and `ostiary authenticator status` starts from."""

    is_pin_set: bool
    is_locked: bool
    is_blocked: bool
    """The PIN was wrong eight times: only a reset helps."""
    needs_restart: bool
    """The PIN was wrong three times in a row: only a restart of the app gives another try."""
    retries_left: int
    minimum_pin_length: int
    must_change_pin: bool
    protection: str
    """Where the keys live, in a sentence."""
    model: str
    """The AAGUID."""
    device_name: str
    version: str
    can_use_fingerprint: bool
    passkeys: int
    accounts: int
    pending_approvals: int
    do_approvals_wait: bool
    """None arrives before it is unlocked: it was locked before it could connect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptAccount:
    name: str
    display_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptView:
    """The question that is open now."""

    id: str
    purpose: Purpose
    rp_id: str
    rp_name: str
    accounts: tuple[PromptAccount, ...]
    source: str
    needs_pin: bool
    """Approving takes the PIN (or a fingerprint, where `can_use_fingerprint`)."""
    needs_new_pin: bool
    """There is no PIN yet: approving takes a new one (`approve_prompt(new_pin=...)`)."""
    can_use_fingerprint: bool
    retries_left: int
    asked_at: int
    deadline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyView:
    id: str
    """Credential ID, base64url."""
    rp_id: str
    rp_name: str
    user_name: str
    user_display_name: str
    algorithm: str
    created_at: int
    last_used_at: int | None
    account_id: str | None
    """The account here that it was set up with; deleting it then also deletes it at the server."""
    is_attested: bool
    """An organisation vouched for it when it was made, as far as this Authenticator saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What became of a deletion that has two ends. `message` and `next` are for the person."""

    is_forgotten_by_server: bool
    message: str
    next: str
    security_info_url: str = ""
    """Where the person deletes it themselves, if an account here has such a place."""


class StepKind(StrEnum):
    ATTESTATION = "attestation"
    PASSKEY = "passkey"
    APPROVALS = "approvals"
    CODES = "codes"


class StepStatus(StrEnum):
    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    NOT_ALLOWED = "not_allowed"
    """The account's policy does not have it."""
    REFUSED = "refused"
    """By the person, this Authenticator or the server; may be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    kind: StepKind
    status: StepStatus
    message: str
    next: str
    reason: str


class ConnectionStatus(StrEnum):
    OFF = "off"
    """No approvals are set up for this account."""
    LOCKED = "locked"
    """Connects as soon as the Authenticator is unlocked."""
    CONNECTING = "connecting"
    CONNECTED = "connected"
    REFUSED = "refused"
    """The server no longer knows this Authenticator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    id: str
    server: str
    """Its origin."""
    organization: str
    rp_id: str
    username: str
    display_name: str
    is_signed_in: bool
    """The server still lets the Authenticator act for the person; otherwise signing in again does."""
    connection: ConnectionStatus
    steps: tuple[StepView, ...]
    passkeys: tuple[PasskeyView, ...]
    security_info_url: str
    added_at: int


class SignInStatus(StrEnum):
    WAITING = "waiting"
    """For the person, in the browser."""
    WORKING = "working"
    """The browser came back; the server is asked."""
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInView:
    """A sign-in under way. `url` is to be opened in the system's browser, once."""

    id: str
    server: str
    url: str
    status: SignInStatus
    account_id: str | None
    reason: str
    message: str
    next: str
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeView:
    id: str
    issuer: str
    name: str
    code: str
    seconds_left: int
    period: int
    account_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """Somebody who says to be the person waits on a sign-in page. The number is there, never here."""

    id: str
    account_id: str
    organization: str
    username: str
    app: str
    address: str
    place: str | None
    client: str
    is_passwordless: bool
    expires_at: int


class ApprovalResult(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsView:
    device_name: str
    lock_minutes: int
    """0: never by itself."""
    is_fingerprint_on: bool
    linked_browsers: tuple[str, ...]


class Topic(StrEnum):
    """What changed; a page shows that part anew."""

    STATE = "state"
    PROMPT = "prompt"
    PASSKEYS = "passkeys"
    ACCOUNTS = "accounts"
    CODES = "codes"
    APPROVALS = "approvals"
    SIGN_IN = "sign_in"
    SETTINGS = "settings"
    NEARBY = "nearby"
