"""Every page and state of the app, without the service: for pictures, axe, and checks of the HTML."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ostiary.authenticator.app.assembly import protection_in_words
from ostiary.authenticator.app.errors import WORDS, AppReason
from ostiary.authenticator.app.views import (
    AccountView,
    ApprovalView,
    CodeView,
    ConnectionStatus,
    PasskeyView,
    PromptAccount,
    PromptView,
    SettingsView,
    SignInStatus,
    SignInView,
    State,
    StepKind,
    StepStatus,
    StepView,
)
from ostiary.authenticator.app.web.rendering import Problem
from ostiary.authenticator.app.web.translations import Language, translate
from ostiary.authenticator.keys.sealing import Protection
from ostiary.authenticator.ports import Purpose

NOW: Final = 1_795_300_000_000  # 21 November 2026
DAY: Final = 86_400_000
ROOT: Final = "/root"

STATE: Final = State(
    is_pin_set=True,
    is_locked=False,
    is_blocked=False,
    needs_restart=False,
    retries_left=8,
    minimum_pin_length=4,
    must_change_pin=False,
    protection="",
    model="36b6d75b-7c4f-4cb5-9c0d-a65f9d280624",
    device_name="Ada's laptop",
    version="0.1.0",
    can_use_fingerprint=False,
    passkeys=2,
    accounts=1,
    pending_approvals=0,
    do_approvals_wait=False,
)
LOCKED: Final = replace(STATE, is_locked=True)

PASSKEY: Final = PasskeyView(
    id="cGFzc2tleQ",
    rp_id="login.contoso.example",
    rp_name="Contoso",
    user_name="ada@contoso.example",
    user_display_name="Ada Lovelace",
    algorithm="ES256",
    created_at=NOW - 9 * DAY,
    last_used_at=NOW - 3_600_000,
    account_id="contoso",
    is_attested=True,
)
OTHER_PASSKEY: Final = replace(
    PASSKEY,
    id="b3RoZXI",
    rp_id="git.fabrikam.example",
    rp_name="Fabrikam Git",
    user_name="ada.lovelace",
    last_used_at=None,
    account_id=None,
    is_attested=False,
)


def step(kind: StepKind, status: StepStatus, message: str = "", next: str = "") -> StepView:
    return StepView(kind=kind, status=status, message=message, next=next, reason="")


DONE: Final = tuple(step(kind, StepStatus.DONE) for kind in StepKind)
CONTOSO: Final = AccountView(
    id="contoso",
    server="https://login.contoso.example",
    organization="Contoso",
    rp_id="login.contoso.example",
    username="ada@contoso.example",
    display_name="Ada Lovelace",
    is_signed_in=True,
    connection=ConnectionStatus.CONNECTED,
    steps=DONE,
    passkeys=(PASSKEY,),
    security_info_url="https://login.contoso.example/security-info",
    added_at=NOW - 9 * DAY,
)
ALREADY = WORDS[AppReason.ALREADY_REGISTERED]
PARTIAL: Final = replace(
    CONTOSO,
    id="northwind",
    server="https://sign-in.northwind.example",
    organization="Northwind Traders",
    username="ada@northwind.example",
    is_signed_in=False,
    connection=ConnectionStatus.OFF,
    passkeys=(),
    steps=(
        step(StepKind.ATTESTATION, StepStatus.WAITING),
        step(StepKind.PASSKEY, StepStatus.REFUSED, ALREADY.message, ALREADY.next),
        step(StepKind.APPROVALS, StepStatus.WORKING),
        step(StepKind.CODES, StepStatus.NOT_ALLOWED, WORDS[AppReason.NOT_ALLOWED].message),
    ),
)
CODES: Final = (
    CodeView(
        id="c1",
        issuer="Contoso",
        name="ada@contoso.example",
        code="492039",
        seconds_left=21,
        period=30,
        account_id="contoso",
    ),
    CodeView(
        id="c2",
        issuer="Fabrikam Git",
        name="ada.lovelace",
        code="118274",
        seconds_left=4,
        period=30,
        account_id=None,
    ),
    CodeView(
        id="c3",
        issuer="",
        name="home router",
        code="00731542",
        seconds_left=48,
        period=60,
        account_id=None,
    ),
)
APPROVAL: Final = ApprovalView(
    id="approval",
    account_id="contoso",
    organization="Contoso",
    username="ada@contoso.example",
    app="Contoso Expenses",
    address="203.0.113.7",
    place="Utrecht, Netherlands",
    client="Chrome on Windows",
    is_passwordless=False,
    expires_at=NOW + 47_000,
)
PROMPT: Final = PromptView(
    id="prompt",
    purpose=Purpose.SIGN_IN,
    rp_id="login.contoso.example",
    rp_name="Contoso",
    accounts=(PromptAccount(name="ada@contoso.example", display_name="Ada Lovelace"),),
    source="Chromium on this computer",
    needs_pin=True,
    needs_new_pin=False,
    can_use_fingerprint=False,
    retries_left=8,
    asked_at=NOW - 12_000,
    deadline=NOW + 108_000,
)
SIGN_IN: Final = SignInView(
    id="sign-in",
    server="https://login.contoso.example",
    url="https://login.contoso.example/oauth2/v2.0/authorize?client_id=ostiary-authenticator",
    status=SignInStatus.WAITING,
    account_id=None,
    reason="",
    message="",
    next="",
    expires_at=NOW + 500_000,
)
SETTINGS: Final = SettingsView(
    device_name="Ada's laptop", lock_minutes=15, is_fingerprint_on=True, linked_browsers=("Chromium",)
)

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    template: str
    values: Values = field(default_factory=dict)
    state: State | None = STATE
    is_window: bool = False
    problem: AppReason | None = None
    problem_field: str | None = None

    def values_in(self, language: Language) -> Values:
        """Words of the service come translated, as the handlers do it."""

        def say(text: str) -> str:
            return translate(language, text)

        values: Values = {
            "problem": None,
            "protection": say(protection_in_words(Protection.KEYRING)),
        }
        if self.problem is not None:
            words = WORDS[self.problem]
            values["problem"] = Problem(say(words.message), say(words.next), self.problem_field)
        for name, value in self.values.items():
            values[name] = value(say) if callable(value) else value
        return values


def _page(account: AccountView, **more: object) -> Values:
    def steps(say: Callable[[str], str]) -> Values:
        return {one.kind: (say(one.message), say(one.next)) for one in account.steps}

    return {"account": account, "steps": steps, "can_try_again": False, "takes_code": False, **more}


def _asked(prompt: PromptView = PROMPT, part: str = "_prompt.html", **more: object) -> Values:
    return {
        "title": lambda say: say("A question for you"),
        "part": part,
        "prompt": prompt,
        "choice": 0,
        "seconds": 108,
        "minimum_pin_length": 4,
        **more,
    }


def _list(**more: object) -> Values:
    return {"accounts": (), "prompt": None, "approvals": (), "loose_passkeys": (), "codes": (), **more}


def _answered(kind: str, title: str, words: str) -> Values:
    return {"part": "_answered.html", "kind": kind, "title": lambda say: say(title), "words": lambda say: say(words)}


def _delete(heading: str, *consequences: tuple[str, str]) -> Values:
    return {
        "heading": lambda say: say(heading),
        "name": "ada@contoso.example, login.contoso.example",
        "consequences": lambda say: [(icon, say(words)) for icon, words in consequences],
        "button": lambda say: say("Delete"),
        "parent": "accounts",
        "parent_words": lambda say: say("Passkey"),
    }


_APPROVAL: Final[Values] = {
    "title": lambda say: say("Is this you signing in?"),
    "part": "_approval.html",
    "approval": APPROVAL,
    "needs_pin": True,
    "can_use_fingerprint": False,
    "seconds": 47,
}
_FORM: Final[Values] = {"link": "", "issuer": "", "name": "", "is_by_hand": False}

SAMPLES: Final[tuple[Sample, ...]] = (
    Sample("first start", "start.html", state=replace(STATE, is_pin_set=False)),
    Sample(
        "first start, too short",
        "start.html",
        state=replace(STATE, is_pin_set=False),
        problem=AppReason.PIN_TOO_SHORT,
        problem_field="pin",
    ),
    Sample("unlock", "unlock.html", {"return_to": "/"}, LOCKED),
    Sample(
        "unlock, wrong",
        "unlock.html",
        {"return_to": "/"},
        replace(LOCKED, retries_left=6),
        problem=AppReason.PIN_WRONG,
        problem_field="pin",
    ),
    Sample("unlock, approvals wait", "unlock.html", {"return_to": "/"}, replace(LOCKED, do_approvals_wait=True)),
    Sample("restart needed", "unlock.html", {"return_to": "/"}, replace(LOCKED, retries_left=5, needs_restart=True)),
    Sample("blocked", "unlock.html", {"return_to": "/"}, replace(LOCKED, retries_left=0, is_blocked=True)),
    Sample("accounts, empty", "accounts.html", _list()),
    Sample(
        "accounts",
        "accounts.html",
        _list(accounts=(CONTOSO, PARTIAL), loose_passkeys=(OTHER_PASSKEY,), codes=CODES[1:2], approvals=(APPROVAL,)),
        replace(STATE, pending_approvals=1),
    ),
    Sample("add", "add.html"),
    Sample("add work", "add_work.html", {"server": ""}),
    Sample(
        "add work, not reached",
        "add_work.html",
        {"server": "login.contoso.example"},
        problem=AppReason.SERVER_UNREACHABLE,
        problem_field="server",
    ),
    Sample("sign in", "sign_in.html", {"sign_in": SIGN_IN, "message": "", "next": "", "then": ROOT}),
    Sample(
        "sign in, failed",
        "sign_in.html",
        {
            "sign_in": replace(SIGN_IN, status=SignInStatus.FAILED),
            "then": ROOT,
            "message": lambda say: say(WORDS[AppReason.SIGN_IN_TIMED_OUT].message),
            "next": lambda say: say(WORDS[AppReason.SIGN_IN_TIMED_OUT].next),
        },
    ),
    Sample("account", "account.html", _page(CONTOSO)),
    Sample("account, partly", "account.html", _page(PARTIAL, can_try_again=True, takes_code=True)),
    Sample("passkey", "passkey.html", {"passkey": PASSKEY}),
    Sample(
        "delete a passkey",
        "delete.html",
        _delete(
            "Delete this passkey?",
            ("passkey", "You can no longer sign in with it. It cannot be brought back."),
            ("warning", "Delete it also under Security info, or wherever the website lists your passkeys."),
        ),
    ),
    Sample(
        "delete the last strong method",
        "delete.html",
        {
            **_delete(
                "Delete your last strong way to sign in?",
                ("warning", "Without it you may be locked out of your account. Nothing was deleted yet."),
                ("passkey", "Add another passkey or approvals first, and nothing can go wrong."),
            ),
            "hidden": {"is_understood": "yes"},
        },
    ),
    Sample(
        "delete, sign in first",
        "delete.html",
        {
            **_delete(
                "Sign in again to delete this passkey",
                ("person", "Your organisation wants to see that it is you. Nothing was deleted yet."),
                ("warning", "Deleted only here, it stays under Security info until you delete it there."),
            ),
            "hidden": {"is_here_only": "yes"},
            "sign_in_to": "contoso",
        },
    ),
    Sample(
        "deleted",
        "deleted.html",
        {
            "name": "ada@contoso.example",
            "words": lambda say: say("Your organisation still lists it. Delete it also under Security info."),
            "is_forgotten_by_server": False,
            "security_info_url": CONTOSO.security_info_url,
        },
    ),
    Sample("codes, empty", "codes.html", {"codes": ()}),
    Sample("codes", "codes.html", {"codes": CODES}),
    Sample("add a code", "add_code.html", _FORM),
    Sample(
        "add a code, wrong key",
        "add_code.html",
        {**_FORM, "issuer": "Fabrikam", "name": "ada", "is_by_hand": True},
        problem=AppReason.SECRET_INVALID,
        problem_field="secret",
    ),
    Sample("ask: sign in", "sheet.html", _asked(), is_window=True),
    Sample(
        "ask: wrong PIN",
        "sheet.html",
        _asked(replace(PROMPT, retries_left=7)),
        is_window=True,
        problem=AppReason.PIN_WRONG,
        problem_field="pin",
    ),
    Sample(
        "ask: several accounts",
        "sheet.html",
        _asked(
            replace(
                PROMPT,
                accounts=(*PROMPT.accounts, PromptAccount(name="admin@contoso.example", display_name="Ada (admin)")),
                can_use_fingerprint=True,
            )
        ),
        is_window=True,
    ),
    Sample("ask: new passkey", "sheet.html", _asked(replace(PROMPT, purpose=Purpose.REGISTER)), is_window=True),
    Sample(
        "ask: here already", "sheet.html", _asked(replace(PROMPT, purpose=Purpose.ALREADY_REGISTERED)), is_window=True
    ),
    Sample(
        "ask: first PIN",
        "sheet.html",
        _asked(
            replace(
                PROMPT,
                purpose=Purpose.UNLOCK,
                rp_id="",
                rp_name="",
                accounts=(),
                needs_pin=False,
                needs_new_pin=True,
            )
        ),
        is_window=True,
    ),
    Sample(
        "ask: reset",
        "sheet.html",
        _asked(replace(PROMPT, purpose=Purpose.RESET, rp_id="", accounts=(), source="USB security key")),
        is_window=True,
    ),
    Sample(
        "ask: answered",
        "sheet.html",
        _answered("good", "Approved", "Go back to the website; it lets you in now."),
        is_window=True,
    ),
    Sample(
        "ask: over",
        "sheet.html",
        _answered("note", "This question is over", "Nothing was changed. Start again where you came from."),
    ),
    Sample("approval", "sheet.html", _APPROVAL),
    Sample("approval while locked", "sheet.html", _APPROVAL, LOCKED),
    Sample(
        "approval, not a number",
        "sheet.html",
        _APPROVAL,
        problem=AppReason.NUMBER_INVALID,
        problem_field="number",
    ),
    Sample(
        "approval, reported",
        "sheet.html",
        _answered(
            "danger",
            "Reported",
            "Nobody was let in, and your organisation knows. Change your password now: somebody may know it.",
        ),
    ),
    Sample(
        "settings",
        "settings.html",
        {
            "settings": SETTINGS,
            "is_saved": True,
            "lock_choices": (1, 5, 15, 60, 0),
            "has_fingerprint_reader": True,
        },
    ),
    Sample("change the PIN", "pin.html"),
    Sample("browsers", "browsers.html", {"linked_browsers": ("Chromium",)}),
    Sample("security key", "security_key.html"),
    Sample("reset", "reset.html", {"base": "_sub.html", "word": lambda say: say("delete")}),
    Sample(
        "another window",
        "closed.html",
        {
            "title": lambda say: say("This link was used already"),
            "next": lambda say: say("Each link opens the Authenticator once. Open it again from a terminal:"),
            "shows_command": True,
        },
        state=None,
    ),
)
