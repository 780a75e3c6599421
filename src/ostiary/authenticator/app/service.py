"""The app behind every face: pages, the agent's socket and the command line call this and nothing beneath it.

Methods are plain `def`, safe from any thread, and may block: on the PIN's key derivation, on the server, and (`set_up`,
`delete_passkey`) on the person. A face on an event loop calls them in a thread. Only `subscribe` and
`run_connections` belong to a loop. What goes wrong is `AppError`: reason, message, next step.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self
from uuid import UUID

from ostiary import __version__
from ostiary.authenticator.app import pin as pins
from ostiary.authenticator.app.accounts import Accounts
from ostiary.authenticator.app.approvals import Approvals
from ostiary.authenticator.app.changes import Changes, Subscription
from ostiary.authenticator.app.codes import Codes
from ostiary.authenticator.app.device import Device
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.idle import IdleLock
from ostiary.authenticator.app.passkeys import Passkeys
from ostiary.authenticator.app.patience import PatientEngine
from ostiary.authenticator.app.phrases import N_
from ostiary.authenticator.app.ports import AppKeys, Ctap2, Fingerprints, Links
from ostiary.authenticator.app.prompts import PromptBoard
from ostiary.authenticator.app.server_client import parse_origin
from ostiary.authenticator.app.sign_ins import SignIns
from ostiary.authenticator.app.views import (
    AccountView,
    ApprovalResult,
    ApprovalView,
    CodeView,
    ConnectionStatus,
    Deletion,
    PasskeyView,
    PromptView,
    SettingsView,
    SignInView,
    State,
    StepKind,
    StepView,
    Topic,
)
from ostiary.authenticator.keys.pin import pin_hash
from ostiary.authenticator.ports import Clock, Exchange, Outcome, Prompt, Purpose
from ostiary.clock import system_clock

if TYPE_CHECKING:
    from ostiary.authenticator.app.nearby import Nearby
    from ostiary.hybrid.tunnel.client import Places


COMPUTERS: Final = "nearby computers"
"""The note of the computers that are remembered: without it there is nobody to wait for."""


class EngineFactory(Protocol):
    def __call__(self, keys: AppKeys, verifier: PromptBoard) -> Ctap2: ...


class AuthenticatorService:
    """One for one data directory. `open` makes it from the directory; tests give it their own parts."""

    def __init__(
        self,
        keys: AppKeys,
        *,
        make_engine: EngineFactory,
        fingerprints: Fingerprints | None = None,
        clock: Clock = system_clock,
        protection: str = "",
        places: "Places | None" = None,
    ) -> None:
        self.keys = keys
        self._clock = clock
        self._protection = protection
        self._changes = Changes()
        self.bluetooth_controller = ""
        """A Bluetooth controller of its own, as `bumble` names it (`usb:0`); the system's when empty."""
        self._links: Links | None = None
        self._open_url: Callable[[str], object] | None = None
        self._pages = 0
        self.device = Device(keys, self._changes)
        self.idle = IdleLock(self.lock, lambda: self.device.settings().lock_minutes)
        self.prompts = PromptBoard(
            keys,
            changes=self._changes,
            clock=clock,
            fingerprints=fingerprints,
            is_fingerprint_on=lambda: self.device.settings().is_fingerprint_on,
            on_activity=self.touch,
        )
        self.engine = make_engine(keys, self.prompts)
        self.patient_engine = PatientEngine(self.engine)
        self._accounts = Accounts(keys, self._changes, clock)
        self._sign_ins = SignIns(self._accounts, self._changes, clock)
        self._codes = Codes(keys, self._changes, clock)
        self._passkeys = Passkeys(keys, self._accounts, self._changes)
        self._approvals = Approvals(keys, self._accounts, self.prompts, self._changes, clock)
        self._places = places
        self._setup_lock = threading.Lock()
        if keys.is_unlocked and keys.pin.is_set:
            self.touch()

    @classmethod
    def open(cls, directory: Path, *, in_tpm: bool = False) -> Self:
        """`in_tpm`: where a key store that is new keeps its keys. Raises `KeyStoreError`."""
        from ostiary.authenticator.app import assembly

        parts = assembly.open_parts(directory, in_tpm=in_tpm)
        return cls(
            parts.keys,
            make_engine=assembly.make_engine,
            fingerprints=parts.fingerprints,
            protection=parts.protection,
        )

    def close(self) -> None:
        self.idle.stop()
        self._sign_ins.close()
        self.prompts.close()
        if "nearby" in vars(self):
            self.nearby.close()
        self.keys.close()

    @property
    def model(self) -> str:
        """The AAGUID."""
        return str(UUID(bytes=self.keys.aaguid))

    @cached_property
    def nearby(self) -> "Nearby":
        """Other computers: `begin`, `begin_from_image`, `view`, `wait`, `cancel`; `computers` that are remembered.
        Loaded when it is used: what it is made of costs as much as the rest of the app."""
        from ostiary.authenticator.app.nearby import Nearby

        return Nearby(
            self.keys,
            self._accounts,
            engine=self.patient_engine,
            board=self.prompts,
            changes=self._changes,
            clock=self._clock,
            device_name=lambda: self.device.settings().device_name,
            open_window=self.open_window,
            on_activity=self.touch,
            places=self._places,
            controller=self.bluetooth_controller,
        )

    # --- state, the PIN, the lock

    def state(self) -> State:
        pin, accounts = self.keys.pin, self._accounts.all()
        is_locked = pin.is_set and not self.keys.is_unlocked
        return State(
            is_pin_set=pin.is_set,
            is_locked=is_locked,
            is_blocked=pin.is_set and pin.retries_left == 0,
            needs_restart=self.prompts.needs_restart,
            retries_left=pin.retries_left,
            minimum_pin_length=pin.minimum_length,
            must_change_pin=pin.must_change,
            protection=self._protection,
            model=self.model,
            device_name=self.device.settings().device_name,
            version=__version__,
            can_use_fingerprint=self.prompts.can_use_fingerprint,
            passkeys=len(self.keys.credentials()),
            accounts=len(accounts),
            pending_approvals=len(self._approvals.pending()),
            do_approvals_wait=is_locked
            and any(self._approvals.connection(one.id) is ConnectionStatus.LOCKED for one in accounts),
        )

    def set_pin(self, pin: str) -> None:
        """The first PIN; unlocks."""
        pins.set_first_pin(self.keys, pin)
        self._unlocked()

    def change_pin(self, current: str, new: str) -> None:
        """The current one is judged first, and counts as a try."""
        self.unlock(current)
        length = pins.require_good_pin(self.keys, new)
        if pin_hash(current) == pin_hash(new):
            raise AppError(AppReason.PIN_UNCHANGED)
        self.keys.set_pin(pin_hash(new), length=length)
        self._unlocked()

    def unlock(self, pin: str) -> None:
        """Raises `AppError` PIN_WRONG with `retries_left`, RESTART_NEEDED or PIN_BLOCKED."""
        self.prompts.check_pin(pin)
        self._unlocked()

    def lock(self) -> None:
        self.idle.forget()
        if self.keys.pin.is_set:
            self.keys.lock()
        self._codes.forget()
        self._changes.publish(Topic.STATE, Topic.CODES, Topic.ACCOUNTS)

    def touch(self) -> None:
        """The person did something: the time until the lock begins anew. Faces call it for what a person does, never
        for what a page does by itself."""
        if self.keys.is_unlocked:
            self.idle.touch()

    def reset(self) -> None:
        """Forgets everything kept here: passkeys, accounts, codes, settings, PIN. What servers know of them stays. The
        face asks the person to be sure first."""
        self._accounts.forget_all()
        self.keys.wipe()
        self._codes.forget()
        self.device.forget()
        self.idle.forget()
        self.prompts.forget_restart()
        if "nearby" in vars(self):
            self.nearby.forget()
        self._changes.publish(*Topic)

    def ask_for_reset(self, exchange: Exchange) -> None:
        """Somebody asks for a reset who does not show the PIN: the person decides, on a page. Raises `AppError` where
        they do not agree, or where there is no page to ask them on."""
        if self.start_url() is None:
            raise AppError(
                AppReason.PIN_NEEDED, next_step=N_("Enter it, or start the Authenticator and reset it under Settings.")
            )
        decision = self.prompts.ask(Prompt(purpose=Purpose.RESET, source=exchange.source), exchange)
        if decision.outcome is not Outcome.APPROVED:
            raise AppError(_OUTCOMES[decision.outcome])

    def _unlocked(self) -> None:
        self.touch()
        self._changes.publish(Topic.STATE, Topic.CODES, Topic.ACCOUNTS)

    # --- the question that is open

    def prompt(self) -> PromptView | None:
        """One at a time."""
        return self.prompts.current()

    def approve_prompt(self, prompt_id: str, *, pin: str = "", new_pin: str = "", choice: int = 0) -> None:
        """With `PromptView.needs_pin` the PIN is judged here; a wrong one leaves the question open (PIN_WRONG). With
        `needs_new_pin`, `new_pin` is set and counts as given."""
        self.prompts.approve(prompt_id, pin=pin, new_pin=new_pin, choice=choice)

    def approve_prompt_by_fingerprint(self, prompt_id: str, *, choice: int = 0) -> None:
        """Waits for the finger. Only where `PromptView.can_use_fingerprint`."""
        self.prompts.approve_by_fingerprint(prompt_id, choice=choice)

    def decline_prompt(self, prompt_id: str) -> None:
        self.prompts.decline(prompt_id)

    def ensure_pin(self, exchange: Exchange) -> None:
        """Where there is no PIN yet, asks for a new one, before a request goes to the engine that could only refuse."""
        if self.keys.pin.is_set:
            return
        decision = self.prompts.ask(
            Prompt(purpose=Purpose.UNLOCK, needs_verification=True, source=exchange.source), exchange
        )
        if decision.outcome is not Outcome.APPROVED:
            raise AppError(_OUTCOMES[decision.outcome])

    # --- passkeys

    def passkeys(self) -> tuple[PasskeyView, ...]:
        """By RP ID, then by name. `PasskeyView.account_id` groups them by account."""
        return self._passkeys.all()

    def passkey(self, passkey_id: str) -> PasskeyView:
        return self._passkeys.view(passkey_id)

    def delete_passkey(self, passkey_id: str, *, is_understood: bool = False, is_here_only: bool = False) -> Deletion:
        """Here, and at the server as well when its account is signed in. The answer says whether Security info must
        still forget it. The face asks the person to be sure first; and a second time when this raises
        LAST_STRONG_METHOD (then `is_understood`) or FRESH_SIGN_IN_NEEDED (then after `begin_sign_in`, or
        `is_here_only`)."""
        self._require_unlocked()
        return self._passkeys.delete(passkey_id, is_understood=is_understood, is_here_only=is_here_only)

    def note_attestation(self, response: Mapping[str, Any]) -> None:
        """Of a passkey that the client half has made here."""
        self._passkeys.note_attestation(response)

    # --- accounts

    def accounts(self) -> tuple[AccountView, ...]:
        return tuple(self._account_view(one.id) for one in self._accounts.all())

    def account(self, account_id: str) -> AccountView:
        return self._account_view(account_id)

    def begin_sign_in(self, server: str) -> SignInView:
        """*Work or school account*: open `SignInView.url` in the system's browser. When the sign-in comes back the
        account is there (`status` DONE, `account_id`), and `set_up` goes on. Needs an unlocked Authenticator with a
        PIN. Signing in to an account that is here renews it."""
        self._require_unlocked()
        return self._sign_ins.begin(server)

    def sign_in(self, sign_in_id: str) -> SignInView:
        return self._sign_ins.view(sign_in_id)

    def cancel_sign_in(self, sign_in_id: str) -> None:
        self._sign_ins.cancel(sign_in_id)

    def wait_for_sign_in(self, sign_in_id: str, cancelled: threading.Event | None = None) -> SignInView:
        """Blocks until it is DONE or FAILED."""
        return self._sign_ins.wait(sign_in_id, cancelled)

    def find_account(self, server: str) -> AccountView | None:
        """The first of that server's."""
        origin = parse_origin(server)
        return next((one for one in self.accounts() if one.server == origin), None)

    def set_up(
        self, account_id: str, kinds: tuple[StepKind, ...] = (), *, exchange: Exchange | None = None
    ) -> tuple[StepView, ...]:
        """Everything the account's policy has and that is not done yet, or `kinds` alone (to try one again). Asks the
        person through the open prompt (the passkey). `AccountView.steps` says how far it is, live."""
        from ostiary.authenticator.app.setup import Setup

        self._require_unlocked()
        if not self._setup_lock.acquire(blocking=False):
            raise AppError(AppReason.BUSY, N_("An account is being set up already."), N_("Finish that first."))
        try:
            return Setup(self, self._accounts, self._codes, self._changes).run(account_id, kinds, exchange)
        finally:
            self._setup_lock.release()

    def enrol_attestation(self, account_id: str, code: str) -> StepView:
        """With the code from the administrator: from then on that organisation vouches for passkeys made here."""
        from ostiary.authenticator.app.attestation_enrolment import AttestationEnrolment

        self._require_unlocked()
        return AttestationEnrolment(self.keys, self._accounts, self._changes, model=self.model).run(account_id, code)

    def remove_account(self, account_id: str) -> Deletion:
        """Its approvals and codes go, here and (when signed in) at the server; its passkeys stay until deleted one by
        one."""
        return self._accounts.remove(account_id, self._codes)

    # --- one-time codes

    def codes(self) -> tuple[CodeView, ...]:
        """Raises LOCKED. Looking does not put off the lock: an open page looks by itself, every time a code changes."""
        self._require_open()
        return self._codes.all()

    def add_code_from_uri(self, text: str) -> CodeView:
        """`otpauth://totp/...`."""
        self._require_unlocked()
        return self._codes.add_from_uri(text)

    def add_code_from_image(self, pixels: bytes, width: int, height: int) -> CodeView:
        """Greyscale pixels, one byte each, row by row."""
        self._require_unlocked()
        return self._codes.add_from_image(pixels, width, height)

    def add_code(
        self, *, issuer: str, name: str, secret: str, digits: int = 6, period: int = 30, algorithm: str = "SHA1"
    ) -> CodeView:
        """By hand. `secret` in Base32, spaces and case as people type them."""
        self._require_unlocked()
        return self._codes.add(
            issuer=issuer, name=name, secret=secret, digits=digits, period=period, algorithm=algorithm
        )

    def delete_code(self, code_id: str) -> None:
        """Here only. The face says to take the method out of Security info first."""
        self._require_unlocked()
        self._codes.delete(code_id)

    # --- approvals

    def approvals(self) -> tuple[ApprovalView, ...]:
        """Those pending, the newest first; at most one for each account."""
        return self._approvals.pending()

    def wait_for_approvals(self, seconds: float, cancelled: threading.Event) -> tuple[ApprovalView, ...]:
        """Those pending, as soon as there is one, or none after that time."""
        return self._approvals.wait(seconds, cancelled)

    def answer_approval(self, approval_id: str, *, number: str | None, pin: str) -> ApprovalResult:
        """Approves: the number from the sign-in page (None for a request that has none) and the PIN, judged here. A
        wrong PIN leaves the request open; a wrong number ends it (NUMBER_WRONG)."""
        return self._answered(lambda: self._approvals.approve(approval_id, number=number, pin=pin))

    def answer_approval_by_fingerprint(self, approval_id: str, *, number: str | None) -> ApprovalResult:
        return self._approvals.approve_by_fingerprint(approval_id, number=number)

    def decline_approval(self, approval_id: str, *, pin: str = "") -> ApprovalResult:
        """`pin` is needed while locked, and unlocks."""
        return self._answered(lambda: self._approvals.refuse(approval_id, is_report=False, pin=pin))

    def report_approval(self, approval_id: str, *, pin: str = "") -> ApprovalResult:
        """*It wasn't me.*"""
        return self._answered(lambda: self._approvals.refuse(approval_id, is_report=True, pin=pin))

    def _answered(self, answer: Callable[[], ApprovalResult]) -> ApprovalResult:
        try:
            return answer()
        finally:
            self.touch()  # the PIN may have unlocked it, also where the answer was refused

    async def run_connections(self) -> None:
        """Keeps one connection open for every account with approvals, and one to be rung by computers that are
        remembered, until cancelled."""
        async with asyncio.TaskGroup() as group:  # which, when cancelled, waits for both
            group.create_task(self._approvals.run())
            group.create_task(self._stand_by())

    async def _stand_by(self) -> None:
        with self._changes.subscribe() as topics:
            if self.keys.note(COMPUTERS) is None:
                async for _ in topics:
                    if self.keys.note(COMPUTERS) is not None:
                        break
        await self.nearby.run()

    # --- settings

    def settings(self) -> SettingsView:
        return self.device.view()

    def change_settings(
        self,
        *,
        device_name: str | None = None,
        lock_minutes: int | None = None,
        is_fingerprint_on: bool | None = None,
    ) -> SettingsView:
        """Those given. Raises SETTING_INVALID."""
        changed = self.device.change(
            device_name=device_name, lock_minutes=lock_minutes, is_fingerprint_on=is_fingerprint_on
        )
        self.touch()
        return changed

    # --- changes, and where the pages are

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """On an event loop: `with service.subscribe() as topics: async for topic in topics: ...`."""
        with self._changes.subscribe() as subscription:
            self._pages += 1
            try:
                yield subscription
            finally:
                self._pages -= 1

    def serve_pages_at(self, links: Links) -> None:
        """The pages are there; said by whoever serves them."""
        self._links = links

    def show_pages_by(self, open_url: Callable[[str], object]) -> None:
        """`open_url` shows an address to the person."""
        self._open_url = open_url

    def start_url(self) -> str | None:
        """Opens the app, once; None while it serves no pages."""
        return self._links.start_link() if self._links else None

    def prompt_url(self, prompt_id: str) -> str | None:
        """Opens a window for one question, once."""
        return self._links.prompt_link(prompt_id) if self._links else None

    @property
    def has_open_page(self) -> bool:
        """Where a question appears by itself, though perhaps in a tab that nobody looks at."""
        return self._pages > 0

    def open_window(self, prompt_id: str) -> bool:
        """Shows a question whose asker has no window of its own (a USB key, an NFC card). False where a page is open
        already, and where the app has no way to."""
        if self.has_open_page or self._open_url is None:
            return False
        url = self.prompt_url(prompt_id)
        if url is not None:
            self._open_url(url)
        return url is not None

    # --- inside

    def _require_unlocked(self) -> None:
        self._require_open()
        self.touch()

    def _require_open(self) -> None:
        if not self.keys.pin.is_set:
            raise AppError(AppReason.PIN_NOT_SET)
        if not self.keys.is_unlocked:
            raise AppError(AppReason.LOCKED)

    def _account_view(self, account_id: str) -> AccountView:
        return self._accounts.view(
            account_id, connection=self._approvals.connection(account_id), passkeys=self._passkeys.all()
        )


_OUTCOMES = {
    Outcome.DECLINED: AppReason.DECLINED,
    Outcome.TIMED_OUT: AppReason.TIMED_OUT,
    Outcome.CANCELLED: AppReason.CANCELLED,
    Outcome.BLOCKED: AppReason.PIN_BLOCKED,
}
