"""Every page with realistic content, in the states that people really meet: empty, one, many, wrong, other scripts."""

from dataclasses import dataclass, replace
from typing import Literal

import segno

from ostiary.identity.assurance import MethodKind
from ostiary.identity.methods.temporary_access_pass import Usability
from ostiary.web.admin.pages import AdminPage
from ostiary.web.pages import (
    ActivityRow,
    AddAuthenticatorPage,
    AddCodePage,
    AddMethodPage,
    AddPasskeyPage,
    ApprovalView,
    Branding,
    ConfirmAppPage,
    DeletePage,
    DisavowedPage,
    ErrorPage,
    HelpPage,
    IdentifyPage,
    MethodChoice,
    MethodRow,
    NewPasswordPage,
    NotMePage,
    Page,
    PasskeyAddedPage,
    PasswordPage,
    Problem,
    ProvePage,
    RenamePage,
    RuleRow,
    SecurityInfoPage,
    SessionRow,
    Shell,
    SignInOptionsPage,
    SignOutPage,
    Validity,
    Viewer,
    WhyPage,
)
from tests.web.admin_samples import ADMIN_PAGES

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOW = 1_795_183_380_000  # 20 November 2026, 14:03 UTC

LANGUAGES = (("en", "English"), ("ar", "العربية"))
CONTOSO = Branding(key="contoso", name="Contoso", logo=None, helpdesk="help@contoso.example")
ADA = Viewer(username="ada@contoso.example", display_name="Ada Lovelace")
LONG = Viewer(
    username="wolfgang.amadeus.van-der-hoogenband@research.international.contoso.example",
    display_name="Wolfgang Amadeus van der Hoogenband-Nakamura",
)

CLIENT_REASONS = (
    ("create_closed", "No passkey was made", "Nothing has changed. Try again when you are ready."),
    ("get_none_here", "We could not use a passkey from this device", "Use your phone, a security key or another way."),
)


WHY_NOT = WhyPage(
    can_add=False,
    rules=(
        RuleRow(
            verdict="no",
            title="Excluded from passkeys by group: Leavers. Exclusion wins over everything else.",
            cure="Leave the group, or have the policy exclude it no more.",
        ),
        RuleRow(
            verdict="note",
            title="“Keys for finance” takes only passkeys saved in YubiKey 5 NFC, Windows Hello.",
            cure="Use one of these.",
        ),
        RuleRow(verdict="ok", title="The account is enabled."),
        RuleRow(verdict="ok", title="Passkeys are turned on."),
    ),
    passkeys=(
        RuleRow(
            verdict="no",
            title="“Old phone” (Samsung Pass, can be synced) does not sign in. "
            "Your organisation does not accept passkeys saved there.",
            cure="Add one that is accepted, then delete this one here and where it is saved.",
        ),
        RuleRow(verdict="ok", title="“Work laptop” (Windows Hello, stays on one device) signs in, by “Everyone”."),
    ),
)


def shell(
    *,
    language: str = "en",
    direction: Literal["ltr", "rtl"] = "ltr",
    path: str = "/security-info",
    branding: Branding = CONTOSO,
    viewer: Viewer | None = ADA,
) -> Shell:
    return Shell(
        language=language,
        direction=direction,
        languages=LANGUAGES,
        path=path,
        branding=branding,
        viewer=viewer,
        now=NOW,
        client_reasons=CLIENT_REASONS,
    )


def qr_data_uri(text: str) -> str:
    return segno.make(text, error="m").svg_data_uri(border=0, scale=4)


PASSWORD = MethodRow(
    id="m-password",
    kind=MethodKind.PASSWORD,
    mark="password",
    name="Password",
    provider=None,
    binding=None,
    added=NOW - 410 * DAY,
    last_used=NOW - 6 * DAY,
    last_used_where="Chrome on Windows",
    can_rename=False,
    can_delete=False,
)
LAPTOP = MethodRow(
    id="m-laptop",
    kind=MethodKind.PASSKEY,
    mark="this_device",
    name="Work laptop",
    provider=None,
    binding="this_device_only",
    added=NOW - 8 * DAY,
    last_used=NOW - 2 * HOUR,
    last_used_where="Chrome on Windows",
    can_rename=True,
    can_delete=True,
)
CLOUD = MethodRow(
    id="m-cloud",
    kind=MethodKind.PASSKEY,
    mark="cloud",
    name="Fabrikam Passwords, phone, Nov 2026",
    provider="Fabrikam Passwords",
    binding="synced",
    added=NOW - 3 * DAY,
    last_used=NOW - DAY,
    last_used_where="Chrome on Android",
    can_rename=True,
    can_delete=True,
)
KEY = MethodRow(
    id="m-key",
    kind=MethodKind.PASSKEY,
    mark="key",
    name="Blue key on my ring",
    provider="Tailspin Key 5",
    binding="this_device_only",
    added=NOW - 120 * DAY,
    last_used=None,
    last_used_where=None,
    can_rename=True,
    can_delete=True,
)
CODE = MethodRow(
    id="m-code",
    kind=MethodKind.CODE,
    mark="code",
    name="Authenticator app",
    provider=None,
    binding=None,
    added=NOW - 60 * DAY,
    last_used=NOW - 40 * DAY,
    last_used_where=None,
    can_rename=True,
    can_delete=True,
)
AUTHENTICATOR = MethodRow(
    id="m-authenticator",
    kind=MethodKind.AUTHENTICATOR,
    mark="authenticator",
    name="Laptop at work",
    provider="Ostiary Authenticator",
    binding=None,
    added=NOW - 3 * DAY,
    last_used=NOW - HOUR,
    last_used_where="Chrome on Windows",
    can_rename=True,
    can_delete=True,
    app="0.1.0, Linux",
)
APPROVAL = ApprovalView(number="42", seconds_left=47, seconds=60)
PASS = MethodRow(
    id="m-pass",
    kind=MethodKind.PASS,
    mark="temporary_access_pass",
    name="Temporary Access Pass",
    provider=None,
    binding=None,
    added=NOW - 20 * MINUTE,
    last_used=NOW - 2 * MINUTE,
    last_used_where="Chrome on Windows",
    can_rename=False,
    can_delete=True,
    validity=Validity(
        usability=Usability.ENABLED_BY_POLICY, starts=NOW - 20 * MINUTE, ends=NOW + 40 * MINUTE, is_one_time=False
    ),
)
LATER_PASS = replace(
    PASS,
    last_used=None,
    last_used_where=None,
    validity=Validity(usability=Usability.NOT_YET_VALID, starts=NOW + DAY, ends=NOW + 2 * DAY, is_one_time=True),
)
MANY = (
    LAPTOP,
    CLOUD,
    KEY,
    replace(
        LAPTOP,
        id="m-phone",
        mark="phone",
        name="هاتف العمل",
        provider="Ostiary Authenticator",
        added=NOW - 30 * DAY,
        last_used=NOW - 5 * DAY,
        last_used_where="Safari on iPhone",
    ),
    replace(
        CLOUD,
        id="m-long",
        mark="unknown",
        name="Запасной ноутбук в переговорной на третьем этаже, Новосибирск",
        provider=None,
        binding="can_sync",
        last_used=None,
        last_used_where=None,
    ),
    replace(KEY, id="m-auth", mark="authenticator", name="Donaudampfschifffahrtsgesellschaftskapitänsschlüsselbund"),
    CODE,
    PASSWORD,
)

SESSIONS = (
    SessionRow(
        id="s-1",
        where="Chrome on Windows",
        address="192.0.2.7",
        started=NOW - 2 * HOUR,
        last_seen=NOW - 20_000,
        is_this_one=True,
    ),
    SessionRow(
        id="s-2",
        where="Safari on iPhone",
        address="2001:db8:85a3::8a2e:370:7334",
        started=NOW - DAY,
        last_seen=NOW - 47 * MINUTE,
        is_this_one=False,
    ),
)
ACTIVITY = (
    ActivityRow(
        at=NOW - 4 * MINUTE, what="You signed in with Work laptop.", where="Chrome on Windows", is_warning=False
    ),
    ActivityRow(
        at=NOW - 3 * HOUR,
        what="Somebody gave a wrong password three times.",
        where="Firefox on Linux, 203.0.113.40",
        is_warning=True,
    ),
    ActivityRow(
        at=NOW - 3 * DAY,
        what="You added the passkey Fabrikam Passwords, phone, Nov 2026.",
        where="Chrome on Android",
        is_warning=False,
    ),
    ActivityRow(
        at=NOW - 8 * DAY, what="You added the passkey Work laptop.", where="Chrome on Windows", is_warning=False
    ),
)

SECURITY_INFO = SecurityInfoPage(
    methods=(LAPTOP, CLOUD, CODE, PASSWORD),
    passkey_count=2,
    newest_passkey_added=NOW - 3 * DAY,
    needs_second_factor=False,
    second_factors=(MethodKind.PASSKEY, MethodKind.CODE),
    default_second_factor=MethodKind.PASSKEY,
    sessions=SESSIONS,
    activity=ACTIVITY,
    accepted={
        "rpId": "contoso.example",
        "userId": "qg0",
        "allAcceptedCredentialIds": ["AQID", "BAUG"],
        "name": "ada@contoso.example",
        "displayName": "Ada Lovelace",
    },
)

CHOICES = (
    MethodChoice(choice="this_device", path="/security-info/add/passkey?provider=this_device", is_allowed=True),
    MethodChoice(choice="phone_or_tablet", path="/security-info/add/passkey?provider=phone_or_tablet", is_allowed=True),
    MethodChoice(choice="security_key", path="/security-info/add/passkey?provider=security_key", is_allowed=True),
    MethodChoice(choice="code", path="/security-info/add/code", is_allowed=True),
    MethodChoice(choice="passkey_in_authenticator", path="/security-info/add/authenticator?passkey=1", is_allowed=True),
    MethodChoice(choice="authenticator", path="/security-info/add/authenticator", is_allowed=True),
)

WRONG_PASSWORD = Problem(
    code="password_wrong",
    title="That password is not right.",
    next="Type it again, or use another way.",
    reference="P-7K3Q",
    field="password",
)
REFUSED = Problem(
    code="policy_synced",
    title="Your organisation does not accept passkeys saved in Wingtip Vault",
    next="Save it on this device or on a security key. The one just made is of no use; remove it in Wingtip Vault.",
    reference="P-2M9X",
)
STALE = Problem(
    code="challenge_expired",
    title="This page was open too long",
    next="Nothing has changed. Try again.",
    reference="P-4T8W",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A page in one state, as somebody sees it. `area` is the contact sheet it is on."""

    name: str
    area: Literal["sign-in", "security-info", "add-passkey", "help", "admin"]
    page: Page | AdminPage
    viewer: Viewer | None = ADA
    path: str = "/security-info"
    branding: Branding = CONTOSO


def _sign_in() -> list[Sample]:
    def sample(name: str, page: Page, branding: Branding = CONTOSO, viewer: Viewer | None = None) -> Sample:
        return Sample(name, "sign-in", page, viewer=viewer, path="/sign-in", branding=branding)

    prove = ProvePage(
        username="ada@contoso.example",
        method=MethodKind.PASSWORD,
        others=(MethodKind.PASSKEY, MethodKind.CODE),
        again=False,
        step_up=False,
    )
    return [
        sample("identify", IdentifyPage()),
        sample("identify, signed out", IdentifyPage(signed_out=True)),
        sample(
            "identify, refused",
            IdentifyPage(
                username="ada",
                problem=Problem(
                    code="username_form",
                    title="That is not a whole username.",
                    next="It looks like name@contoso.example.",
                    field="username",
                ),
            ),
        ),
        sample("identify, other trouble", IdentifyPage(problem=STALE)),
        sample("options", SignInOptionsPage()),
        sample("password", prove),
        sample("password, refused", replace(prove, problem=WRONG_PASSWORD)),
        sample("passkey", replace(prove, method=MethodKind.PASSKEY, others=(MethodKind.PASSWORD,))),
        sample(
            "passkey, refused",
            replace(prove, method=MethodKind.PASSKEY, others=(MethodKind.PASSWORD,), problem=REFUSED),
        ),
        sample("pass as another way", replace(prove, others=(MethodKind.PASSKEY, MethodKind.PASS))),
        sample("pass", replace(prove, method=MethodKind.PASS, others=(MethodKind.PASSWORD, MethodKind.PASSKEY))),
        sample(
            "pass, refused",
            replace(
                prove,
                method=MethodKind.PASS,
                others=(MethodKind.PASSWORD, MethodKind.PASSKEY),
                problem=Problem(
                    code="pass_used",
                    title="That Temporary Access Pass was for one use, and was used.",
                    next="Ask your helpdesk for a new one.",
                    reference="P-6R2D-WK",
                    field="pass",
                ),
            ),
        ),
        sample("pass, step-up", replace(prove, method=MethodKind.PASS, others=(), step_up=True), viewer=ADA),
        sample(
            "approval",
            replace(prove, method=MethodKind.AUTHENTICATOR, others=(MethodKind.CODE,), again=True, approval=APPROVAL),
        ),
        sample(
            "approval, first",
            replace(prove, method=MethodKind.AUTHENTICATOR, others=(MethodKind.PASSWORD,), approval=APPROVAL),
        ),
        sample(
            "approval, over",
            replace(
                prove,
                method=MethodKind.AUTHENTICATOR,
                others=(MethodKind.PASSKEY, MethodKind.CODE),
                again=True,
                problem=Problem(
                    code="approval_number_wrong",
                    title="The number entered in the Authenticator was not the one shown here.",
                    next="Send the request again and enter the new number.",
                    reference="P-4K7M-Q2",
                ),
            ),
        ),
        sample("code again", replace(prove, method=MethodKind.CODE, others=(MethodKind.PASSKEY,), again=True)),
        sample(
            "step-up, long name",
            replace(
                prove,
                username=LONG.username,
                method=MethodKind.PASSKEY,
                others=(MethodKind.PASSWORD, MethodKind.CODE),
                step_up=True,
            ),
            viewer=LONG,
        ),
        sample("new password", NewPasswordPage(username="ada@contoso.example", minimum_length=12)),
        sample(
            "new password, refused",
            NewPasswordPage(
                username="ada@contoso.example",
                minimum_length=12,
                problem=Problem(
                    code="password_repeat", title="The two are not the same.", next="Type both again.", field="repeat"
                ),
            ),
        ),
        sample("sign out", SignOutPage(), viewer=ADA),
        sample(
            "long organisation",
            IdentifyPage(),
            branding=Branding(
                key="long",
                name="Vereinigte Elektrizitätswerke und Wasserversorgung Mittelrhein-Westerwald",
                logo=None,
                helpdesk="https://help.versorgung.example/anmeldung",
            ),
        ),
    ]


def _security_info() -> list[Sample]:
    return [
        Sample("security info", "security-info", SECURITY_INFO),
        Sample(
            "password only",
            "security-info",
            replace(
                SECURITY_INFO,
                methods=(PASSWORD,),
                passkey_count=0,
                newest_passkey_added=None,
                needs_second_factor=True,
                second_factors=(),
                default_second_factor=None,
                sessions=SESSIONS[:1],
                activity=(),
                accepted=None,
            ),
        ),
        Sample(
            "with an Authenticator",
            "security-info",
            replace(
                SECURITY_INFO,
                methods=(AUTHENTICATOR, PASSWORD),
                second_factors=(MethodKind.AUTHENTICATOR, MethodKind.CODE),
                default_second_factor=MethodKind.AUTHENTICATOR,
                done="authenticator_added",
            ),
        ),
        Sample(
            "many, long, other scripts",
            "security-info",
            replace(SECURITY_INFO, methods=MANY, passkey_count=6, done="deleted"),
            viewer=LONG,
        ),
        Sample(
            "no method at all",
            "security-info",
            replace(
                SECURITY_INFO,
                methods=(),
                passkey_count=0,
                newest_passkey_added=None,
                second_factors=(),
                default_second_factor=None,
                activity=(),
            ),
        ),
        Sample(
            "nothing but a pass",
            "security-info",
            replace(
                SECURITY_INFO,
                methods=(PASS,),
                passkey_count=0,
                newest_passkey_added=None,
                add_by=NOW + 40 * MINUTE,
                second_factors=(),
                default_second_factor=None,
                sessions=SESSIONS[:1],
                activity=(),
            ),
        ),
        Sample(
            "a pass for later",
            "security-info",
            replace(SECURITY_INFO, methods=(LAPTOP, LATER_PASS, PASSWORD), passkey_count=1),
        ),
        Sample("delete a pass", "security-info", DeletePage(method=PASS, is_last_strong=True)),
        Sample("rename", "security-info", RenamePage(method=LAPTOP, name="Work laptop")),
        Sample(
            "rename, refused",
            "security-info",
            RenamePage(
                method=LAPTOP,
                name="Blue key on my ring",
                problem=Problem(
                    code="name_taken",
                    title="You have another one of that name.",
                    next="Choose a name that tells them apart.",
                    field="name",
                ),
            ),
        ),
        Sample("delete", "security-info", DeletePage(method=CLOUD, is_last_strong=False)),
        Sample("delete the last", "security-info", DeletePage(method=LAPTOP, is_last_strong=True)),
        Sample("delete code", "security-info", DeletePage(method=CODE, is_last_strong=False)),
        Sample("change password", "security-info", PasswordPage(username="ada@contoso.example", minimum_length=12)),
        Sample(
            "change password, refused",
            "security-info",
            PasswordPage(
                username="ada@contoso.example",
                minimum_length=12,
                problem=Problem(
                    code="password_short", title="That is too short.", next="Use at least 12 characters.", field="new"
                ),
            ),
        ),
    ]


def _add_passkey() -> list[Sample]:
    added = PasskeyAddedPage(method=CLOUD, username="ada@contoso.example", name=CLOUD.name, is_named=False)
    uri = "otpauth://totp/Contoso:ada@contoso.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Contoso"
    code = AddCodePage(
        enrolment="e-1",
        secret="JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP",
        uri=uri,
        qr=qr_data_uri(uri),
        name="Authenticator app",
    )
    address = "https://login.contoso.example"
    authenticator = AddAuthenticatorPage(address=address, qr=qr_data_uri(address), since=NOW)
    refused = (
        CHOICES[0],
        replace(CHOICES[1], is_allowed=False, reason="Your organisation wants passkeys that stay on one device."),
        CHOICES[2],
        replace(CHOICES[3], is_allowed=False, reason="You have one already."),
    )
    code_first = tuple(
        choice
        if choice.choice == "code"
        else replace(choice, is_allowed=False, reason="A passkey is added after two different proofs.")
        for choice in CHOICES
    )
    return [
        Sample("choose", "add-passkey", AddMethodPage(choices=CHOICES, needs_second_factor=False)),
        Sample("choose, code first", "add-passkey", AddMethodPage(choices=code_first, needs_second_factor=True)),
        Sample(
            "choose, some refused",
            "add-passkey",
            AddMethodPage(choices=refused, needs_second_factor=False, why_path="/security-info/why"),
        ),
        Sample("why not", "add-passkey", WHY_NOT, path="/security-info/why"),
        Sample("why", "add-passkey", replace(WHY_NOT, can_add=True, rules=WHY_NOT.rules[1:], passkeys=())),
        Sample("this device", "add-passkey", AddPasskeyPage(provider="this_device", username="ada@contoso.example")),
        Sample(
            "phone",
            "add-passkey",
            AddPasskeyPage(
                provider="phone_or_tablet",
                username="ada@contoso.example",
                address="https://login.contoso.example/security-info/add",
                qr=qr_data_uri("https://login.contoso.example/security-info/add"),
            ),
        ),
        Sample(
            "security key",
            "add-passkey",
            AddPasskeyPage(
                provider="security_key",
                username="ada@contoso.example",
                accepted_providers=("Tailspin Key 5", "Ostiary Authenticator"),
            ),
        ),
        Sample("authenticator", "add-passkey", authenticator),
        Sample("authenticator, for a passkey", "add-passkey", replace(authenticator, is_passkey_wanted=True)),
        Sample("authenticator, done", "add-passkey", replace(authenticator, registered=AUTHENTICATOR)),
        Sample("added", "add-passkey", added),
        Sample("added, named", "add-passkey", replace(added, is_named=True)),
        Sample("added, tried", "add-passkey", replace(added, method=KEY, is_named=True, tried=True)),
        Sample("code", "add-passkey", code),
        Sample(
            "code, refused",
            "add-passkey",
            replace(
                code,
                problem=Problem(
                    code="code_wrong",
                    title="That code is not right.",
                    next="Wait for the next one and type that.",
                    field="code",
                ),
            ),
        ),
    ]


def _help() -> list[Sample]:
    return [
        Sample(
            "help, reference",
            "help",
            HelpPage(asked="P-2M9X", problem=REFUSED, happened=NOW - HOUR, support="+1 555 0100, weekdays 8 to 18"),
            viewer=None,
            path="/help/P-2M9X",
        ),
        Sample("help, unknown", "help", HelpPage(asked="P-0000", problem=None), viewer=None, path="/help/P-0000"),
        Sample(
            "error, fault of ours",
            "help",
            ErrorPage(
                status=500,
                problem=Problem(
                    code="internal",
                    title="Something on our side did not work",
                    next="Nothing has changed. Try again in a minute. If it happens again, tell your helpdesk.",
                    reference="P-9D1F",
                ),
            ),
        ),
        Sample(
            "error, nothing here",
            "help",
            ErrorPage(
                status=404,
                problem=Problem(
                    code="not_found", title="There is no such page", next="The address may be old or mistyped."
                ),
                retry_path="/sign-in",
            ),
            viewer=None,
            path="/nowhere",
        ),
    ]


def _apps() -> list[Sample]:
    page = ConfirmAppPage(
        app="Ostiary Authenticator",
        username=ADA.username,
        account="018f0000-0000-7000-8000-000000000001",
        rights=("methods_write", "profile", "offline_access"),
        path="/oauth2/v2.0/authorize/t0ken",
    )
    other = replace(page, app="Fabrikam Reports", username=LONG.username, rights=("methods_read", "profile"))
    return [
        Sample("let an app in", "sign-in", page, viewer=ADA, path=page.path),
        Sample("let an app in that only reads", "sign-in", other, viewer=LONG, path=page.path),
    ]


def _not_me() -> list[Sample]:
    question = NotMePage(
        token="t0ken",
        username="ada@contoso.example",
        what="The passkey “Fabrikam Passwords, phone, Nov 2026” was added.",
        at=NOW - HOUR,
        where="Chrome on Windows",
        address="2001:db8:85a3::8a2e:370:7334",
        provider="Fabrikam Passwords",
        undo="method",
    )
    done = DisavowedPage(
        username=question.username,
        what=question.what,
        is_removed=True,
        must_change_password=True,
        can_sign_in=True,
    )
    return [
        Sample("not me", "help", question, viewer=None, path="/not-me/t0ken"),
        Sample("not me, a password", "help", replace(question, what="Your password was changed.", undo="password")),
        Sample("disavowed", "help", done, viewer=None, path="/not-me/t0ken"),
        Sample("disavowed, nothing left", "help", replace(done, can_sign_in=False), viewer=None, path="/not-me/t0ken"),
        Sample(
            "disavowed, the password too",
            "help",
            replace(done, must_change_password=False, can_sign_in=False, is_password_ended=True),
            viewer=None,
            path="/not-me/t0ken",
        ),
    ]


def _admin() -> list[Sample]:
    viewer = replace(ADA, is_administrator=True)
    return [Sample(f"admin: {name}", "admin", page, viewer=viewer, path="/admin/people") for name, page in ADMIN_PAGES]


SAMPLES: tuple[Sample, ...] = (
    *_sign_in(),
    *_security_info(),
    *_add_passkey(),
    *_apps(),
    *_not_me(),
    *_help(),
    *_admin(),
)
