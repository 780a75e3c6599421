"""The admin centre with realistic content: samples as in `samples`."""

from dataclasses import replace

from ostiary.identity.assurance import MethodKind
from ostiary.identity.permissions import Permission
from ostiary.identity.policy.document import dump
from ostiary.identity.policy.model import (
    EVERYONE,
    Enforcement,
    KeyRestrictions,
    MethodPolicy,
    PasskeyPolicy,
    PasskeyProfile,
    PasskeyRules,
    PasskeyTarget,
    PasskeyType,
    PassSettings,
    Policy,
)
from ostiary.identity.roles import Role
from ostiary.web.admin.pages import (
    AdminPage,
    AuditPage,
    AuthenticatorRow,
    AuthorityRow,
    Chip,
    CompromisedRow,
    ConfirmPage,
    EventRow,
    ExplainPage,
    Frame,
    GroupPage,
    GroupRow,
    GroupsPage,
    ImpactLine,
    IssuePassPage,
    MetadataView,
    MethodPolicyPage,
    NewPersonPage,
    PassView,
    PeoplePage,
    PersonMethod,
    PersonPage,
    PersonRow,
    PolicyPage,
    PreviewPage,
    ProfilePage,
    ReferencePage,
    RoleHolder,
    RolesPage,
    RootRow,
    SecretPage,
    Section,
    SectionKey,
    SetPasswordPage,
    TrustPage,
    VersionPage,
    VersionRow,
)
from ostiary.web.admin.policy_forms import group_choices, other_aaguids, provider_choices
from ostiary.web.admin.policy_words import differences, policy_view
from ostiary.web.pages import MethodRow, Problem, RuleRow, SessionRow

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOW = 1_795_183_380_000

SECTIONS: tuple[SectionKey, ...] = ("people", "groups", "roles", "policy", "trust", "audit", "references")
GROUPS = {"g-pilot": "Pilot", "g-contractors": "Contractors", "g-finance": "Finance and controlling"}


def frame(current: SectionKey, *, is_reader: bool = False, done: str | None = None) -> Frame:
    reads = {"people:read", "people:explain", "groups:read", "roles:read", "policy:read", "audit:read"}
    return Frame(
        sections=tuple(Section(key=key, path=f"/admin/{key}") for key in SECTIONS),
        current=current,
        may=frozenset(reads) if is_reader else frozenset(Permission),
        done=done,
    )


KEY = MethodRow(
    id="m-key",
    kind=MethodKind.PASSKEY,
    mark="key",
    name="Blue key on my ring",
    provider="Tailspin Key 5",
    binding="this_device_only",
    added=NOW - 120 * DAY,
    last_used=NOW - 2 * DAY,
    last_used_where="Chrome on Windows",
    can_rename=True,
    can_delete=True,
)
CLOUD = replace(
    KEY, id="m-cloud", mark="cloud", name="Fabrikam, phone", provider="Fabrikam Passwords", binding="synced"
)
PASSWORD = MethodRow(
    id="m-password",
    kind=MethodKind.PASSWORD,
    mark="password",
    name="Password",
    provider=None,
    binding=None,
    added=NOW - 410 * DAY,
    last_used=None,
    last_used_where=None,
    can_rename=False,
    can_delete=False,
)
PEOPLE = (
    PersonRow(
        id="p-1",
        name="Ada Lovelace",
        username="ada@contoso.example",
        is_enabled=True,
        kinds=(MethodKind.PASSWORD, MethodKind.CODE, MethodKind.PASSKEY),
        last_used=NOW - 3 * HOUR,
        roles=(Role.AUTHENTICATION_ADMINISTRATOR,),
    ),
    PersonRow(
        id="p-2",
        name="Grace Hopper",
        username="grace@contoso.example",
        is_enabled=True,
        kinds=(MethodKind.PASSKEY,),
        last_used=NOW - 9 * DAY,
        roles=(),
    ),
    PersonRow(
        id="p-3",
        name="Wolfgang Amadeus van der Hoogenband-Nakamura",
        username="wolfgang.amadeus.van-der-hoogenband@research.international.contoso.example",
        is_enabled=False,
        kinds=(MethodKind.PASSWORD,),
        last_used=None,
        roles=(),
    ),
    PersonRow(
        id="p-4",
        name="ليلى حداد",
        username="layla@contoso.example",
        is_enabled=True,
        kinds=(MethodKind.PASS,),
        last_used=None,
        roles=(),
    ),
)


def chips(on: str = "") -> tuple[Chip, ...]:
    keys = ("enabled_yes", "enabled_no", "passkey_yes", "passkey_no", *Role)
    return tuple(Chip(key=key, is_on=key == on, path=f"/admin/people?chip={key}") for key in keys)


LIST = PeoplePage(
    frame=frame("people"),
    people=PEOPLE,
    total=100_000,
    search="",
    chips=chips(),
    kept=(),
    next_path="/admin/people?after=layla",
    first_path=None,
    export_path="/admin/people.csv",
)
REFUSED = EventRow(
    id="e-1",
    at=NOW - 12 * MINUTE,
    event="person:passkey:add",
    what="Passkey added",
    why="That passkey is not accepted here.",
    actor="ada@contoso.example",
    target="ada@contoso.example",
    target_id="p-1",
    method=None,
    where="Chrome on Android",
    address="198.51.100.7",
    reference="P-7K3Q-2M",
    detail="passkey.profiles.Default",
    is_refused=True,
)
DONE = replace(
    REFUSED,
    id="e-2",
    at=NOW - 2 * DAY,
    event="admin:pass:issue",
    what="Temporary Access Pass issued",
    why=None,
    actor="admin@contoso.example",
    reference=None,
    detail="60 minutes, one-time",
    is_refused=False,
)
PERSON = PersonPage(
    frame=frame("people"),
    id="p-1",
    name="Ada Lovelace",
    username="ada@contoso.example",
    is_enabled=True,
    is_oneself=False,
    must_change_password=False,
    created=NOW - 410 * DAY,
    can_sign_in=True,
    troubles=("passkey_refused",),
    methods=(
        PersonMethod(row=PASSWORD),
        PersonMethod(row=KEY),
        PersonMethod(row=CLOUD, refused="Passkeys that are synced are not accepted."),
    ),
    held_pass=None,
    sessions=(
        SessionRow(
            id="s-1",
            where="Chrome on Windows",
            address="198.51.100.7",
            started=NOW - 2 * DAY,
            last_seen=NOW - 3 * MINUTE,
            is_this_one=False,
        ),
    ),
    groups=(("g-pilot", "Pilot"), ("g-finance", "Finance and controlling")),
    roles=(Role.AUTHENTICATION_ADMINISTRATOR,),
    activity=(REFUSED, DONE),
    passes_allowed=True,
)
STUCK = replace(
    PERSON,
    name="ليلى حداد",
    username="layla@contoso.example",
    can_sign_in=False,
    troubles=("no_method", "pass_unusable", "never_signed_in"),
    methods=(),
    held_pass=PassView(
        usability="Expired", starts=NOW - 2 * DAY, expires=NOW - 2 * DAY + HOUR, is_one_time=True, used=None
    ),
    sessions=(),
    groups=(),
    roles=(),
    activity=(),
)
OLD = Policy()
DEFAULT = OLD.passkey.profiles[0]
STRICT = PasskeyProfile(
    id="p-keys",
    name="Security keys",
    rules=PasskeyRules(
        types=frozenset({PasskeyType.DEVICE_BOUND}),
        is_attestation_enforced=True,
        key_restrictions=KeyRestrictions(
            enforcement=Enforcement.ALLOW,
            aaguids=frozenset(
                {
                    "fa2b99dc-9e39-4257-8f92-4a30d23c4118",
                    "cb69481e-8ff7-4039-93ec-0a2729a154a8",
                    "11111111-2222-3333-4444-555555555555",
                }
            ),
        ),
    ),
    most_passkeys=3,
    grace_days=14,
)
NEW = replace(
    OLD,
    passkey=PasskeyPolicy(
        targets=(
            PasskeyTarget(group_id=EVERYONE, profile_ids=(DEFAULT.id,)),
            PasskeyTarget(group_id="g-finance", profile_ids=(DEFAULT.id, STRICT.id)),
        ),
        exclude=frozenset({"g-contractors"}),
        profiles=(
            replace(
                DEFAULT,
                rules=PasskeyRules(
                    key_restrictions=KeyRestrictions(
                        enforcement=Enforcement.BLOCK, aaguids=frozenset({"d548826e-79b4-db40-a3d8-11116f7e8349"})
                    )
                ),
            ),
            STRICT,
        ),
    ),
    temporary_access_pass=MethodPolicy(include=frozenset({"g-pilot"})),
    pass_settings=PassSettings(is_one_time_required=True),
)
VERSIONS = (
    VersionRow(
        number=2,
        at=NOW - HOUR,
        actor="admin@contoso.example",
        note="Keys for Finance, after the audit",
        is_in_force=True,
    ),
    VersionRow(number=1, at=NOW - 30 * DAY, actor="command line", note="", is_in_force=False),
)
PREVIEW = PreviewPage(
    frame=frame("policy"),
    differences=differences(OLD, NEW, GROUPS),
    faults=(),
    doubts=(("passkey.targets.g-finance", "One profile here takes everything the other does."),),
    impact=(
        ImpactLine(
            number=3,
            names=("Ada Lovelace", "Grace Hopper", "ليلى حداد"),
            words="lose every passkey that signs in",
            is_grave=True,
        ),
        ImpactLine(number=41, names=("Ada Lovelace",), words="can add no more passkeys themselves", is_grave=False),
    ),
    later=(),
    grace_ends=None,
    people=100_000,
    document=dump(NEW),
    based_on=2,
    back_path="/admin/policy",
)
AUTHORITY = AuthorityRow(
    id="a-2",
    subject="C=DE,O=Contoso,CN=Authenticator Attestation Root 019a91c2-5d0a",
    fingerprint=":".join(["9C", "41", "0E", "D7"] * 8),
    expires=NOW + 30 * 365 * DAY,
    created=NOW - 40 * DAY,
    actor="command line",
    is_issuing=True,
)
AUTHENTICATOR = AuthenticatorRow(
    serial="7f3a90c2b1d84e55a6c0f19d2e8b7a6453c1d0ef",
    model="Ostiary Authenticator (TPM)",
    username="ada@contoso.example",
    enrolled=NOW - 3 * DAY,
    actor="admin@contoso.example",
    revoked=None,
)
ROOT = RootRow(
    id="r-1",
    name="Tailspin keys",
    subject="CN=Tailspin Attestation Root,O=Tailspin Toys,C=US",
    fingerprint=":".join(["AB"] * 32),
    expires=NOW + 4000 * DAY,
    aaguids=("YubiKey 5 NFC",),
    added=NOW - 8 * DAY,
    actor="admin@contoso.example",
)
TAKEN = Problem(
    code="person_exists",
    title="There is a person of that username already.",
    next="Choose another, or open theirs.",
    reference="P-7K3Q-2M",
    field="username",
)

ADMIN_PAGES: tuple[tuple[str, AdminPage], ...] = (
    ("people", LIST),
    (
        "people, filtered and a reader",
        replace(
            LIST,
            frame=frame("people", is_reader=True),
            people=PEOPLE[2:3],
            search="wolf",
            chips=chips("passkey_no"),
            kept=(("passkey", "no"),),
            next_path=None,
            first_path="/admin/people?search=wolf",
        ),
    ),
    ("people, nobody", replace(LIST, people=(), search="zzz", next_path=None)),
    ("person", PERSON),
    ("person, stuck", STUCK),
    (
        "person, disabled, seen by a reader",
        replace(
            PERSON,
            frame=frame("people", is_reader=True),
            is_enabled=False,
            can_sign_in=False,
            troubles=("disabled", "only_password", "no_passkey"),
        ),
    ),
    ("new person, taken", NewPersonPage(frame=frame("people"), username="ada", display_name="Ada", problem=TAKEN)),
    (
        "person added",
        SecretPage(
            frame=frame("people"),
            kind="created",
            id="p-9",
            name="Katherine Johnson",
            username="katherine@contoso.example",
            secret="kx4v-9mzt-p2ch-w7nd",
        ),
    ),
    (
        "pass, shown once",
        SecretPage(
            frame=frame("people"),
            kind="pass",
            id="p-1",
            name="Ada Lovelace",
            username="ada@contoso.example",
            secret="tq7m-x2vb",
            expires=NOW + HOUR,
            is_one_time=True,
            usability="DisabledByPolicy",
        ),
    ),
    (
        "issue a pass",
        IssuePassPage(
            frame=frame("people"),
            id="p-1",
            name="Ada Lovelace",
            settings=PassSettings(),
            lifetime="60",
            is_one_time=False,
            replaces=True,
        ),
    ),
    (
        "set a password",
        SetPasswordPage(
            frame=frame("people"), id="p-1", name="Ada Lovelace", username="ada@contoso.example", minimum_length=12
        ),
    ),
    (
        "remove a method",
        ConfirmPage(
            frame=frame("people"),
            what="remove_method",
            name="Ada Lovelace",
            path="/admin/people/p-1/methods/m-key/remove",
            back_path="/admin/people/p-1",
            method=KEY,
        ),
    ),
    (
        "explain",
        ExplainPage(
            frame=frame("people"),
            id="p-1",
            name="Ada Lovelace",
            username="ada@contoso.example",
            can_add=True,
            can_sign_in=True,
            accepted=("YubiKey 5", "YubiKey 5 NFC"),
            rules=(
                RuleRow(verdict="ok", title="The account is enabled."),
                RuleRow(
                    verdict="note",
                    title="“Security keys” takes only passkeys whose maker can be verified, when they are added.",
                    cure="Use a security key or authenticator that vouches for itself.",
                ),
                RuleRow(
                    verdict="no", title="The Temporary Access Pass has expired.", cure="The helpdesk can issue one."
                ),
            ),
            passkeys=(RuleRow(verdict="ok", title="“Blue key” (YubiKey 5, stays on one device) signs in."),),
            policy_version=2,
        ),
    ),
    (
        "groups",
        GroupsPage(
            frame=frame("groups", done="group_deleted"),
            groups=(
                GroupRow(id="g-pilot", name="Pilot", description="First to try anything", size=12),
                GroupRow(id="g-contractors", name="Contractors", description="", size=3104),
            ),
        ),
    ),
    (
        "group",
        GroupPage(
            frame=frame("groups"),
            group=GroupRow(id="g-pilot", name="Pilot", description="First to try anything", size=2),
            members=PEOPLE[:2],
            next_path=None,
        ),
    ),
    (
        "roles",
        RolesPage(
            frame=frame("roles"),
            roles=tuple(
                (
                    role,
                    (
                        RoleHolder(
                            id="p-1",
                            name="Ada Lovelace",
                            username="ada@contoso.example",
                            since=NOW - 9 * DAY,
                            can_remove=True,
                        ),
                    )
                    if role is Role.GLOBAL_ADMINISTRATOR
                    else (),
                )
                for role in Role
            ),
        ),
    ),
    (
        "policy",
        PolicyPage(frame=frame("policy"), policy=policy_view(NEW, GROUPS), number=2, versions=VERSIONS),
    ),
    (
        "policy, of the beginning, for a reader",
        PolicyPage(frame=frame("policy", is_reader=True), policy=policy_view(OLD, {}), number=0, versions=()),
    ),
    (
        "policy, who may have passkeys",
        MethodPolicyPage(
            frame=frame("policy"),
            part="passkey",
            number=2,
            is_enabled=True,
            is_self_service_allowed=True,
            groups=group_choices(GROUPS, include=frozenset(), exclude=NEW.passkey.exclude, policy=NEW.passkey),
            profiles=NEW.passkey.profiles,
        ),
    ),
    (
        "policy, passes",
        MethodPolicyPage(
            frame=frame("policy"),
            part="temporary_access_pass",
            number=2,
            is_enabled=True,
            is_self_service_allowed=True,
            groups=group_choices(GROUPS, include=frozenset({"g-pilot"}), exclude=frozenset()),
            settings=NEW.pass_settings,
        ),
    ),
    (
        "policy, authenticator",
        MethodPolicyPage(
            frame=frame("policy"),
            part="authenticator",
            number=2,
            is_enabled=True,
            is_self_service_allowed=True,
            groups=group_choices(GROUPS, include=frozenset({"g-pilot"}), exclude=frozenset()),
            is_passwordless_allowed=True,
        ),
    ),
    (
        "policy, profile",
        ProfilePage(
            frame=frame("policy"),
            profile=STRICT,
            number=2,
            is_new=False,
            can_delete=True,
            enforcement=Enforcement.ALLOW,
            providers=provider_choices(STRICT),
            other_aaguids=other_aaguids(STRICT),
        ),
    ),
    ("policy, preview", PREVIEW),
    (
        "policy, preview of what cannot be",
        replace(
            PREVIEW,
            differences=PREVIEW.differences[:1],
            faults=(("passkey.profiles.Security keys", "No passkey can satisfy this profile."),),
            impact=(),
        ),
    ),
    (
        "policy, preview too old to save",
        replace(
            PREVIEW, differences=PREVIEW.differences[:1], confirm_path="/sign-in?step_up=1", note="After the audit"
        ),
    ),
    (
        "policy, version",
        VersionPage(frame=frame("policy"), version=VERSIONS[1], differences=differences(OLD, NEW, GROUPS)[:2]),
    ),
    (
        "audit",
        AuditPage(
            frame=frame("audit"),
            events=(REFUSED, DONE),
            person="",
            event="",
            result="",
            since="2026-11-01",
            until="",
            known_events=(("person:passkey:add", "Passkey added"),),
            next_path="/admin/audit?before=e-2",
            export_query="since=2026-11-01",
        ),
    ),
    (
        "reference",
        ReferencePage(
            frame=frame("references"),
            code="P-7K3Q-2M",
            found=REFUSED,
            told=Problem(
                code="aaguid_not_allowed",
                title="That passkey is not accepted here.",
                next="Use another provider, or ask your helpdesk with the reference.",
            ),
            before=(DONE,),
        ),
    ),
    ("reference, unknown", ReferencePage(frame=frame("references"), code="P-0000", found=None, told=None, before=())),
    (
        "trust",
        TrustPage(
            frame=frame("trust"),
            roots=(ROOT,),
            metadata=MetadataView(number=91, fetched=NOW - 5 * HOUR, next_update="2026-12-01", is_overdue=True),
            compromised=(
                CompromisedRow(person_id="p-2", username="grace@contoso.example", name="Old key", model="YubiKey 5Ci"),
            ),
            authorities=(
                replace(AUTHORITY, id="a-1", created=NOW - 400 * DAY, is_issuing=False),
                AUTHORITY,
            ),
            authenticators=(
                AUTHENTICATOR,
                replace(AUTHENTICATOR, serial="5d1e", username=None, model="Ostiary Authenticator"),
                replace(AUTHENTICATOR, serial="41c7", username="grace@contoso.example", revoked=NOW - 2 * HOUR),
            ),
            has_more_authenticators=True,
            unvouched=(
                CompromisedRow(
                    person_id="p-2", username="grace@contoso.example", name="Laptop", model="Ostiary Authenticator"
                ),
            ),
        ),
    ),
    (
        "trust, an authority and nobody enrolled",
        TrustPage(frame=frame("trust"), roots=(), metadata=None, authorities=(AUTHORITY,)),
    ),
    ("trust, nothing", TrustPage(frame=frame("trust", is_reader=True), roots=(), metadata=None)),
)
