"""What each page shows: one frozen dataclass per page, filled by a face and drawn by the template it names.

Templates read nothing else, so a page can be drawn, looked at and tested without a server (`make screens`).
Times are epoch milliseconds; the templates turn them into words.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from ostiary.identity.assurance import MethodKind
from ostiary.identity.methods.temporary_access_pass import Usability

PasskeyChoice = Literal["this_device", "phone_or_tablet", "security_key"]
Mark = Literal[
    "this_device", "phone", "key", "cloud", "authenticator", "password", "code", "temporary_access_pass", "unknown"
]
"""Our own neutral marks, by kind of provider; drawn from the icon sprite."""


class Drawable(Protocol):
    """Any page: the template that draws it, and the module that drives it in the browser."""

    @property
    def template(self) -> str: ...
    @property
    def script(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Branding:
    """How an organisation looks. `key` names its stylesheet `/branding/{key}.css`; `logo` is a path or None."""

    key: str
    name: str
    logo: str | None
    helpdesk: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The signed-in person, as the header shows them."""

    username: str
    display_name: str
    is_administrator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What every page shares: language, direction, the organisation, who is looking."""

    language: str
    direction: Literal["ltr", "rtl"]
    languages: tuple[tuple[str, str], ...]  # (tag, its own name)
    path: str  # of this page, for the language switcher to come back to
    branding: Branding
    viewer: Viewer | None
    now: int
    client_reasons: tuple[tuple[str, str, str], ...] = ()  # (code, title, next) of what only the browser can notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A refusal as a person meets it: what happened, what to do, and a code a helpdesk can look up."""

    code: str
    title: str
    next: str
    reference: str | None = None
    field: str | None = None  # the form field it concerns, when it concerns one


# --- Sign-in ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyPage:
    """`GET /sign-in`, stage *identify*: the username, with passkey autofill. Posts `username` to `/sign-in`."""

    template: ClassVar[str] = "sign_in/identify.html"
    script: ClassVar[str] = "sign-in"
    username: str = ""
    problem: Problem | None = None
    signed_out: bool = False  # say that signing out worked


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInOptionsPage:
    """`GET /sign-in/options`: *Face, fingerprint, PIN or security key*, without a username."""

    template: ClassVar[str] = "sign_in/options.html"
    script: ClassVar[str] = "sign-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """A request to the Ostiary Authenticator that is open: the number to enter there, and how long it waits."""

    number: str
    seconds_left: int
    seconds: int
    is_approved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvePage:
    """Stages *prove* and *prove again*: one method asked now, the others behind *Use another way*.

    `method` password posts `password` to `/sign-in/password`; code posts `code` to `/sign-in/code`; a pass posts `pass`
    to `/sign-in/temporary-access-pass`; passkey is a button driven by the script; authenticator shows `approval` and
    posts to `/sign-in/approval/continue` once that is over, or without one to `/sign-in/approval` to ask. Another way
    posts `method` to `/sign-in/method`; a pass among `others` stands outside the fold, for whoever has one has nothing
    else. *Not you?* posts to `/sign-in/restart` (absent when `step_up`, which instead has *Cancel* to `cancel_path`).
    """

    template: ClassVar[str] = "sign_in/prove.html"
    script: ClassVar[str] = "sign-in"
    username: str
    method: MethodKind
    others: tuple[MethodKind, ...]
    again: bool  # a first proof is already there
    step_up: bool  # asking for fresher proof before something sensitive
    cancel_path: str = "/security-info"
    problem: Problem | None = None
    approval: ApprovalView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasswordPage:
    """Stage *new password*: an administrator's password must be replaced. Posts `new`, `repeat` to
    `/sign-in/new-password`."""

    template: ClassVar[str] = "sign_in/new_password.html"
    script: ClassVar[str | None] = None
    username: str
    minimum_length: int
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutPage:
    """`GET /sign-out`: one button that posts there."""

    template: ClassVar[str] = "sign_in/sign_out.html"
    script: ClassVar[str | None] = None


# --- Applications -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmAppPage:
    """`GET /oauth2/v2.0/authorize/{request}`: whether an application on this computer may do what it asks. Posts
    `decision` (`continue`, `cancel` or `switch`) and `account` to `path`. `rights` say what it may do; `account` is
    whose yes it is, should somebody else sign in meanwhile."""

    template: ClassVar[str] = "oauth/confirm.html"
    script: ClassVar[str | None] = None
    app: str
    username: str
    account: str
    rights: tuple[Literal["methods_write", "methods_read", "profile", "offline_access"], ...]
    path: str
    problem: Problem | None = None


# --- Security info ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """Of a Temporary Access Pass: from when to when, and whether it works now."""

    usability: Usability
    starts: int
    ends: int
    is_one_time: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """One sign-in method. `binding` is None for what is not a passkey. `provider` is the provider's own name."""

    id: str
    kind: MethodKind
    mark: Mark
    name: str
    provider: str | None
    binding: Literal["this_device_only", "synced", "can_sync"] | None
    added: int
    last_used: int | None
    last_used_where: str | None  # "Chrome on Windows"
    can_rename: bool
    can_delete: bool
    validity: Validity | None = None
    app: str | None = None  # of an Ostiary Authenticator: version and system


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    id: str
    where: str  # "Chrome on Windows"
    address: str
    started: int
    last_seen: int
    is_this_one: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRow:
    at: int
    what: str  # a finished, translated sentence
    where: str | None
    is_warning: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityInfoPage:
    """`GET /security-info`. `done` names what has just worked, told once (see `DONE` in the template).

    Menus: rename -> `GET /security-info/methods/{id}/rename`, delete -> `GET /security-info/methods/{id}/delete`,
    password -> `GET /security-info/password`. `second_factors` and `default_second_factor` make the form that posts
    `kind` to `/security-info/default-second-factor` (shown when there is a choice). A session row posts to
    `/security-info/sessions/{id}/end`; all of them to `/security-info/sign-out-everywhere`.
    """

    template: ClassVar[str] = "security_info/index.html"
    script: ClassVar[str] = "security-info"
    methods: tuple[MethodRow, ...]
    passkey_count: int
    newest_passkey_added: int | None
    needs_second_factor: bool  # banner: nothing but a password yet
    add_by: int | None = None  # banner: nothing but a Temporary Access Pass, which helps until then
    second_factors: tuple[MethodKind, ...]
    default_second_factor: MethodKind | None
    sessions: tuple[SessionRow, ...]
    activity: tuple[ActivityRow, ...]
    done: str | None = None
    accepted: dict[str, object] | None = None
    """For the browser's Signal API: rpId, userId, allAcceptedCredentialIds, name, displayName."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodChoice:
    """A card on *Add sign-in method*. Not allowed: greyed, with `reason`, never hidden."""

    choice: Literal[
        "this_device", "phone_or_tablet", "security_key", "passkey_in_authenticator", "authenticator", "code"
    ]
    path: str
    is_allowed: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMethodPage:
    """`GET /security-info/add`: choose a method."""

    template: ClassVar[str] = "security_info/add.html"
    script: ClassVar[str | None] = None
    choices: tuple[MethodChoice, ...]
    needs_second_factor: bool
    why_path: str | None = None  # where it is explained, when something is refused


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule that bears on the person: what it says, and where it says no, what helps."""

    verdict: Literal["ok", "no", "note"]
    title: str
    cure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyPage:
    """`GET /security-info/why`: why a passkey can or cannot be added, and which of those there are still sign in."""

    template: ClassVar[str] = "security_info/why.html"
    script: ClassVar[str | None] = None
    can_add: bool
    rules: tuple[RuleRow, ...]
    passkeys: tuple[RuleRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPasskeyPage:
    """`GET /security-info/add/passkey?provider=...`: what will appear and which button to press, then the browser's
    own dialog, opened by the script. The script goes to `/security-info/methods/{id}/added` when it worked."""

    template: ClassVar[str] = "security_info/add_passkey.html"
    script: ClassVar[str] = "add-passkey"
    provider: PasskeyChoice
    username: str = ""  # for *Try it now* when the device already has one
    accepted_providers: tuple[str, ...] = ()  # names to tell beforehand when policy takes only some; empty: any
    address: str = ""  # of the page of choices, to open on the phone itself
    qr: str = ""  # the same, as a data: URI


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyAddedPage:
    """`GET /security-info/methods/{id}/added`: name it (posts `name` to `/security-info/methods/{id}/added`), then
    *Try it now*, *Add another*, *Done*."""

    template: ClassVar[str] = "security_info/added.html"
    script: ClassVar[str] = "try-passkey"
    method: MethodRow
    username: str
    name: str  # what is in the field: the saved name, or what was typed and refused
    is_named: bool  # the name was confirmed: show what comes next
    tried: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenamePage:
    """`GET`/`POST /security-info/methods/{id}/rename`: field `name`."""

    template: ClassVar[str] = "security_info/rename.html"
    script: ClassVar[str | None] = None
    method: MethodRow
    name: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePage:
    """`GET`/`POST /security-info/methods/{id}/delete`. Says the copy on the device stays, and where to remove it.

    `is_last_strong`: the person would be left with a password alone (or nothing): a deliberate step, the box
    `understood` must be ticked."""

    template: ClassVar[str] = "security_info/delete.html"
    script: ClassVar[str | None] = None
    method: MethodRow
    is_last_strong: bool
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCodePage:
    """`GET`/`POST /security-info/add/code`: an authenticator app by QR or typed secret; field `code` proves it works,
    hidden field `enrolment` carries the pending one. `qr` is an SVG data URI."""

    template: ClassVar[str] = "security_info/add_code.html"
    script: ClassVar[str | None] = None
    enrolment: str
    secret: str  # base32 in groups of four
    uri: str
    qr: str
    name: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAuthenticatorPage:
    """`GET /security-info/add/authenticator`: what to do in the Ostiary Authenticator, which registers itself. The
    script waits on the stream of events beside it, and comes back with `?since=` the same to say that it is done.
    `registered` is what was registered since, `qr` the server's address as an SVG data URI."""

    template: ClassVar[str] = "security_info/add_authenticator.html"
    script: ClassVar[str] = "add-authenticator"
    address: str
    qr: str
    since: int
    registered: MethodRow | None = None
    is_passkey_wanted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPage:
    """`GET`/`POST /security-info/password`: fields `current`, `new`, `repeat`."""

    template: ClassVar[str] = "security_info/password.html"
    script: ClassVar[str | None] = None
    username: str
    minimum_length: int
    problem: Problem | None = None


# --- This wasn't me ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMePage:
    """`GET /not-me/{token}`: what a notice told, and what the one button does, which posts there. `undo` says what is
    taken back beside sessions."""

    template: ClassVar[str] = "not_me.html"
    script: ClassVar[str | None] = None
    token: str
    username: str
    what: str  # a finished, translated sentence
    at: int
    where: str | None  # "Chrome on Windows"
    address: str | None
    provider: str | None
    undo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisavowedPage:
    """`POST /not-me/{token}`: what was done, and what to do next; without a strong way to sign in left, the
    helpdesk."""

    template: ClassVar[str] = "disavowed.html"
    script: ClassVar[str | None] = None
    username: str
    what: str
    is_removed: bool
    must_change_password: bool
    can_sign_in: bool
    is_password_ended: bool = False


# --- Help and errors --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpPage:
    """`GET /help/{code}`: a reason in plain words, or a reference code with when it happened."""

    template: ClassVar[str] = "help.html"
    script: ClassVar[str | None] = None
    asked: str
    problem: Problem | None  # None: we know no such code
    happened: int | None = None
    support: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """A whole page for a refusal that belongs to no form. `retry_path` is the one button."""

    template: ClassVar[str] = "error.html"
    script: ClassVar[str | None] = None
    status: int
    problem: Problem
    retry_path: str = "/security-info"


Page = (
    IdentifyPage
    | SignInOptionsPage
    | ProvePage
    | NewPasswordPage
    | SignOutPage
    | ConfirmAppPage
    | SecurityInfoPage
    | AddMethodPage
    | AddPasskeyPage
    | WhyPage
    | PasskeyAddedPage
    | RenamePage
    | DeletePage
    | AddCodePage
    | AddAuthenticatorPage
    | PasswordPage
    | NotMePage
    | DisavowedPage
    | HelpPage
    | ErrorPage
)
