"""What each page of the admin centre shows; drawn by `templates/admin/`. As `ostiary.web.pages`."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from ostiary.identity.assurance import MethodKind
from ostiary.identity.policy.model import (
    Enforcement,
    MethodPolicy,
    PasskeyPolicy,
    PasskeyProfile,
    PassSettings,
)
from ostiary.identity.roles import Role
from ostiary.web.pages import MethodRow, Problem, RuleRow, SessionRow

SectionKey = Literal["people", "groups", "roles", "policy", "trust", "audit", "references"]
ConfirmKind = Literal["remove_method", "disable", "delete_person", "sign_out", "delete_group", "remove_root"]
MethodPart = Literal["password", "code", "authenticator", "temporary_access_pass"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A noun in the sidebar."""

    key: SectionKey
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every page of the admin centre has beside it: the nouns this administrator may read. `may` are the
    permissions this page offers anything for; `done` names what has just worked."""

    sections: tuple[Section, ...]
    current: SectionKey
    may: frozenset[str]
    done: str | None = None


# --- People -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    id: str
    name: str
    username: str
    is_enabled: bool
    kinds: tuple[MethodKind, ...]
    last_used: int | None
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter: `path` is this list with it turned the other way."""

    key: str
    is_on: bool
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage:
    """`GET /admin/people`: searched by `search`, filtered by `enabled`, `passkey` and `role`, from behind `after`."""

    template: ClassVar[str] = "admin/people.html"
    script: ClassVar[str] = "admin-rows"
    frame: Frame
    people: tuple[PersonRow, ...]
    total: int
    search: str
    chips: tuple[Chip, ...]
    kept: tuple[tuple[str, str], ...]  # filters that a new search keeps
    next_path: str | None
    first_path: str | None  # back to the beginning, when this is not it
    export_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPersonPage:
    """`GET`/`POST /admin/people/new`: fields `username`, `display_name`, `no_password`."""

    template: ClassVar[str] = "admin/new_person.html"
    script: ClassVar[str | None] = None
    frame: Frame
    username: str = ""
    display_name: str = ""
    has_password: bool = True
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassView:
    """A person's Temporary Access Pass; `usability` as the API spells it."""

    usability: str
    starts: int
    expires: int
    is_one_time: bool
    used: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """`what` is a finished sentence; `why` the reason of a refusal, in words."""

    id: str
    at: int
    event: str
    what: str
    why: str | None
    actor: str
    target: str | None
    target_id: str | None
    method: str | None
    where: str | None
    address: str | None
    reference: str | None
    detail: str | None
    is_refused: bool


Trouble = Literal[
    "disabled", "no_method", "only_password", "no_passkey", "passkey_refused", "pass_unusable", "never_signed_in"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonMethod:
    """A sign-in method, and why it does not sign in now, in words."""

    row: MethodRow
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPage:
    """`GET /admin/people/{id}`: can they sign in, with what, what is wrong, what to do."""

    template: ClassVar[str] = "admin/person.html"
    script: ClassVar[str | None] = None
    frame: Frame
    id: str
    name: str
    username: str
    is_enabled: bool
    is_oneself: bool
    must_change_password: bool
    created: int
    can_sign_in: bool
    troubles: tuple[Trouble, ...]
    methods: tuple[PersonMethod, ...]
    held_pass: PassView | None
    sessions: tuple[SessionRow, ...]
    groups: tuple[tuple[str, str], ...]  # (id, name)
    roles: tuple[Role, ...]
    activity: tuple[EventRow, ...]
    passes_allowed: bool  # the policy has passes at all


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPage:
    """Something that ends something, asked once more: posts to `path`."""

    template: ClassVar[str] = "admin/confirm.html"
    script: ClassVar[str | None] = None
    frame: Frame
    what: ConfirmKind
    name: str
    path: str
    back_path: str
    method: MethodRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPasswordPage:
    """`GET`/`POST /admin/people/{id}/password`: field `password`; empty: one is made."""

    template: ClassVar[str] = "admin/set_password.html"
    script: ClassVar[str | None] = None
    frame: Frame
    id: str
    name: str
    username: str
    minimum_length: int
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuePassPage:
    """`GET`/`POST /admin/people/{id}/pass`: fields `lifetime` (minutes), `one_time`, `starts` (local to UTC)."""

    template: ClassVar[str] = "admin/issue_pass.html"
    script: ClassVar[str | None] = None
    frame: Frame
    id: str
    name: str
    settings: PassSettings
    lifetime: str
    is_one_time: bool
    starts: str = ""
    replaces: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPage:
    """A secret we made, shown this once: a first password, or a pass."""

    template: ClassVar[str] = "admin/secret.html"
    script: ClassVar[str | None] = None
    frame: Frame
    kind: Literal["created", "password", "pass"]
    id: str
    name: str
    username: str
    secret: str
    expires: int | None = None
    starts: int | None = None
    is_one_time: bool = False
    usability: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainPage:
    """`GET /admin/people/{id}/explain`: every rule that bears on this person's passkeys, its verdict and the cure."""

    template: ClassVar[str] = "admin/explain.html"
    script: ClassVar[str | None] = None
    frame: Frame
    id: str
    name: str
    username: str
    can_add: bool
    can_sign_in: bool
    accepted: tuple[str, ...]  # providers, when only listed ones may be used
    rules: tuple[RuleRow, ...]
    passkeys: tuple[RuleRow, ...]
    policy_version: int


# --- Groups and roles -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    id: str
    name: str
    description: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsPage:
    """`GET /admin/groups`; `POST` with `name` and `description` adds one."""

    template: ClassVar[str] = "admin/groups.html"
    script: ClassVar[str] = "admin-rows"
    frame: Frame
    groups: tuple[GroupRow, ...]
    name: str = ""
    description: str = ""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPage:
    """`GET /admin/groups/{id}`; `POST` with `username` adds a member."""

    template: ClassVar[str] = "admin/group.html"
    script: ClassVar[str] = "admin-rows"
    frame: Frame
    group: GroupRow
    members: tuple[PersonRow, ...]
    next_path: str | None
    username: str = ""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleHolder:
    id: str
    name: str
    username: str
    since: int
    can_remove: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesPage:
    """`GET /admin/roles`; `POST` with `username` and `role` assigns one."""

    template: ClassVar[str] = "admin/roles.html"
    script: ClassVar[str | None] = None
    frame: Frame
    roles: tuple[tuple[Role, tuple[RoleHolder, ...]], ...]
    username: str = ""
    role: str = ""
    problem: Problem | None = None


# --- Policy -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyView:
    """A policy with the names its identifiers stand for. `providers` are those of each profile's restrictions, by
    profile."""

    passkey: PasskeyPolicy
    methods: tuple[tuple[MethodPart, MethodPolicy], ...]
    settings: PassSettings
    groups: dict[str, str]
    providers: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    number: int
    at: int
    actor: str
    note: str
    is_in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPage:
    """`GET /admin/policy`: the policy in force as sentences, and what it was."""

    template: ClassVar[str] = "admin/policy.html"
    script: ClassVar[str | None] = None
    frame: Frame
    policy: PolicyView
    number: int
    versions: tuple[VersionRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChoice:
    """A group, or everyone, in a form: `key` is its identifier."""

    key: str
    name: str
    is_included: bool
    is_excluded: bool
    profiles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodPolicyPage:
    """`GET /admin/policy/methods/{part}`, posted to `/admin/policy/preview` with `part`."""

    template: ClassVar[str] = "admin/policy_method.html"
    script: ClassVar[str | None] = None
    frame: Frame
    part: Literal["passkey"] | MethodPart
    number: int
    is_enabled: bool
    is_self_service_allowed: bool
    groups: tuple[GroupChoice, ...]
    profiles: tuple[PasskeyProfile, ...] = ()
    settings: PassSettings | None = None
    is_passwordless_allowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChoice:
    """A provider in a form: one name may stand for several AAGUIDs."""

    key: str
    name: str
    kind: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePage:
    """`GET /admin/policy/profiles/{id}` (`new` for one more), posted to `/admin/policy/preview`."""

    template: ClassVar[str] = "admin/policy_profile.html"
    script: ClassVar[str | None] = None
    frame: Frame
    profile: PasskeyProfile
    number: int
    is_new: bool
    can_delete: bool
    enforcement: Enforcement | None
    providers: tuple[ProviderChoice, ...]
    other_aaguids: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactLine:
    """Whom a change concerns, counted, and some of them named; `words` what becomes of them."""

    number: int
    names: tuple[str, ...]
    words: str
    is_grave: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One sentence of the policy before and after; None where there was, or is, none."""

    key: str
    before: PolicyView | None
    after: PolicyView | None
    profile_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewPage:
    """`POST /admin/policy/preview`: what would change and for whom. Saving posts `document`, `based_on`, `note`."""

    template: ClassVar[str] = "admin/policy_preview.html"
    script: ClassVar[str | None] = None
    frame: Frame
    differences: tuple[Difference, ...]
    faults: tuple[tuple[str, str], ...]  # (where, what): it cannot be saved
    doubts: tuple[tuple[str, str], ...]
    impact: tuple[ImpactLine, ...]  # at once
    later: tuple[ImpactLine, ...]  # when grace is over, where that is something else
    grace_ends: int | None
    people: int
    document: str
    based_on: int
    back_path: str
    note: str = ""
    confirm_path: str | None = None  # proof has become too old: confirm in another tab, and nothing is lost
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPage:
    """`GET /admin/policy/versions/{number}`: what it changed; *Put back* posts `version` to the preview."""

    template: ClassVar[str] = "admin/policy_version.html"
    script: ClassVar[str | None] = None
    frame: Frame
    version: VersionRow
    differences: tuple[Difference, ...]


# --- Audit, references, trust -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """`GET /admin/audit`: fields `person`, `event`, `result`, `since`, `until` (days, UTC)."""

    template: ClassVar[str] = "admin/audit.html"
    script: ClassVar[str] = "admin-rows"
    frame: Frame
    events: tuple[EventRow, ...]
    person: str
    event: str
    result: str
    since: str
    until: str
    known_events: tuple[tuple[str, str], ...]  # (event, in words)
    next_path: str | None
    export_query: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePage:
    """`GET /admin/references?code=`: what a person was told, and everything that goes with it."""

    template: ClassVar[str] = "admin/reference.html"
    script: ClassVar[str | None] = None
    frame: Frame
    code: str
    found: EventRow | None
    told: Problem | None
    before: tuple[EventRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RootRow:
    id: str
    name: str
    subject: str
    fingerprint: str
    expires: int
    aaguids: tuple[str, ...]  # by provider's name where known; empty: any
    added: int
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataView:
    """The FIDO metadata that is kept. `next_update` as it says itself, a day."""

    number: int
    fetched: int
    next_update: str
    is_overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompromisedRow:
    """A passkey of a model that metadata reports as compromised, and whose it is."""

    person_id: str
    username: str
    name: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityRow:
    """An attestation authority of our own that is trusted."""

    id: str
    subject: str
    fingerprint: str
    expires: int
    created: int
    actor: str
    is_issuing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatorRow:
    """An Authenticator our authority vouches for, or did."""

    serial: str
    model: str
    username: str | None
    enrolled: int
    actor: str
    revoked: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPage:
    """`GET /admin/trust`; `POST` with `name`, `certificate` (PEM), `aaguids` adds a root, to `/admin/trust/names` with
    `list` imports provider names."""

    template: ClassVar[str] = "admin/trust.html"
    script: ClassVar[str | None] = None
    frame: Frame
    roots: tuple[RootRow, ...]
    metadata: MetadataView | None  # None: none was ever read
    imported_names: int = 0
    compromised: tuple[CompromisedRow, ...] = ()
    authorities: tuple[AuthorityRow, ...] = ()
    authenticators: tuple[AuthenticatorRow, ...] = ()  # the newest
    has_more_authenticators: bool = False
    unvouched: tuple[CompromisedRow, ...] = ()  # passkeys that a certificate revoked since vouched for
    name: str = ""
    certificate: str = ""
    aaguids: str = ""
    problem: Problem | None = None


AdminPage = (
    PeoplePage
    | NewPersonPage
    | PersonPage
    | ConfirmPage
    | SetPasswordPage
    | IssuePassPage
    | SecretPage
    | ExplainPage
    | GroupsPage
    | GroupPage
    | RolesPage
    | PolicyPage
    | MethodPolicyPage
    | ProfilePage
    | PreviewPage
    | VersionPage
    | AuditPage
    | ReferencePage
    | TrustPage
)
