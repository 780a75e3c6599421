"""The only way to the person. A request that needs them stands in line here, one is shown at a time, and a face (page
or command line) brings their answer.

A prompt is `waiting` for its turn, then `open`, and ends once: approved, declined, timed out, cancelled or blocked. A
wrong PIN leaves it open. It is approved as verified only when the key store took the PIN, or the reader the finger,
for this very prompt (CTAP 2.1 §6.1.2 step 11, §6.2.2 step 6): nothing is carried over, and nothing answers by itself.
"""

import secrets
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from ostiary.authenticator.app import pin as pins
from ostiary.authenticator.app.changes import Changes
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.ports import AppKeys, Fingerprints
from ostiary.authenticator.app.views import PromptAccount, PromptView, Topic
from ostiary.authenticator.ports import Clock, Decision, Exchange, Outcome, Prompt, Purpose

ANSWER_TIME: Final = 120_000
"""Milliseconds for the person, from when the prompt is shown: CTAP 2.1 §6.1.2 asks for at least 30 s, and typing a PIN
takes more than a touch. A client that gives less cancels (WebAuthn L3 §5.4 `timeout`)."""

MOST_WAITING: Final = 8
"""Behind the one that is open. More than that is no person's doing."""

CANCEL_CHECK: Final = 0.1
"""Seconds. `Exchange.cancelled` is set by a relay's thread, which knows nothing of the board."""

_USES_KEYS: Final = frozenset({Purpose.REGISTER, Purpose.SIGN_IN, Purpose.UNLOCK})


class _Open:
    def __init__(self, prompt: Prompt, exchange: Exchange, *, now: int) -> None:
        self.id = secrets.token_urlsafe(12)
        self.prompt = prompt
        self.exchange = exchange
        self.source = prompt.source or exchange.source
        self.asked_at = now
        self.deadline = now + ANSWER_TIME
        self.is_judging = False
        self.decision: Decision | None = None
        self.over = threading.Event()


class PromptBoard:
    """Implements `ports.UserVerifier` for the engine, and the other side of it for faces."""

    def __init__(
        self,
        keys: AppKeys,
        *,
        changes: Changes,
        clock: Clock,
        fingerprints: Fingerprints | None = None,
        is_fingerprint_on: Callable[[], bool] = lambda: True,
        on_activity: Callable[[], None] = lambda: None,
    ) -> None:
        self._keys = keys
        self._changes = changes
        self._clock = clock
        self._fingerprints = fingerprints
        self._is_fingerprint_on = is_fingerprint_on
        self._on_activity = on_activity
        self._turn = threading.Condition()
        self._line: deque[object] = deque()
        self._open: _Open | None = None
        self._is_closed = False
        self._pin = threading.Lock()
        self._needs_restart = False

    # --- for the engine

    @property
    def can_verify(self) -> bool:
        """CTAP 2.1 §6.4 `uv`: able to, and set up for it."""
        pin = self._keys.pin
        return pin.is_set and pin.retries_left > 0

    @property
    def can_choose(self) -> bool:
        return True

    def ask(self, prompt: Prompt, exchange: Exchange) -> Decision:
        ticket = object()
        with self._turn:
            if self._is_closed or len(self._line) > MOST_WAITING:
                return Decision(outcome=Outcome.CANCELLED)
            self._line.append(ticket)
        try:
            decision = self._wait_for_turn(ticket, exchange) or self._show(prompt, exchange)
        finally:
            with self._turn:
                self._line.remove(ticket)
                self._turn.notify_all()
        return decision

    def _wait_for_turn(self, ticket: object, exchange: Exchange) -> Decision | None:
        """None when it is this one's turn."""
        give_up = self._clock() + ANSWER_TIME
        with self._turn:
            while self._line[0] is not ticket:
                if exchange.cancelled.is_set() or self._is_closed:
                    return Decision(outcome=Outcome.CANCELLED)
                if self._clock() >= give_up:
                    return Decision(outcome=Outcome.TIMED_OUT)
                self._turn.wait(CANCEL_CHECK)
        return None

    def _show(self, prompt: Prompt, exchange: Exchange) -> Decision:
        shown = _Open(prompt, exchange, now=self._clock())
        with self._turn:
            if self._is_closed:
                return Decision(outcome=Outcome.CANCELLED)
            self._open = shown
        self._changes.publish(Topic.PROMPT)
        try:
            if exchange.on_waiting is not None:
                exchange.on_waiting()
            while not shown.over.wait(CANCEL_CHECK):
                if exchange.cancelled.is_set():
                    self._end(shown, Outcome.CANCELLED)
                elif self._clock() >= shown.deadline:
                    self._end(shown, Outcome.TIMED_OUT)
            assert shown.decision is not None  # `over` is set behind it
            return shown.decision
        finally:
            with self._turn:
                self._open = None
            self._changes.publish(Topic.PROMPT, Topic.STATE)

    # --- for faces

    @property
    def can_use_fingerprint(self) -> bool:
        return (
            self._fingerprints is not None
            and self._keys.is_unlocked
            and self._is_fingerprint_on()
            and self._fingerprints.is_available
        )

    @property
    def needs_restart(self) -> bool:
        return self._needs_restart

    def forget_restart(self) -> None:
        """After a reset there is no PIN left that could have been wrong."""
        self._needs_restart = False

    def current(self, exchange: Exchange | None = None) -> PromptView | None:
        """The one that is open; with `exchange`, only if it belongs to that."""
        with self._turn:
            shown = self._open
        if shown is None or shown.over.is_set() or (exchange or shown.exchange) is not shown.exchange:
            return None
        prompt, pin = shown.prompt, self._keys.pin
        needs_pin = self._needs_pin(prompt)
        return PromptView(
            id=shown.id,
            purpose=prompt.purpose,
            rp_id=prompt.rp_id,
            rp_name=prompt.rp_name,
            accounts=tuple(PromptAccount(name=one.name, display_name=one.display_name) for one in prompt.accounts),
            source=shown.source,
            needs_pin=needs_pin and pin.is_set,
            needs_new_pin=needs_pin and not pin.is_set,
            can_use_fingerprint=needs_pin and self.can_use_fingerprint,
            retries_left=pin.retries_left,
            asked_at=shown.asked_at,
            deadline=shown.deadline,
        )

    def approve(self, prompt_id: str, *, pin: str = "", new_pin: str = "", choice: int = 0) -> None:
        """A PIN that is given is judged, also where none is needed: it makes the answer a verified one."""
        shown = self._begin(prompt_id, choice)
        try:
            is_verified = False
            if self._needs_pin(shown.prompt) or pin:
                if not self._keys.pin.is_set and new_pin:
                    pins.set_first_pin(self._keys, new_pin)
                    pin = new_pin
                self.check_pin(pin)
                is_verified = True
            self._on_activity()
            self._finish(shown, Decision(outcome=Outcome.APPROVED, is_verified=is_verified, choice=choice))
        except AppError as error:
            if error.reason in (AppReason.PIN_BLOCKED, AppReason.RESTART_NEEDED):
                self._end(shown, Outcome.BLOCKED)
            raise
        finally:
            shown.is_judging = False

    def approve_by_fingerprint(self, prompt_id: str, *, choice: int = 0) -> None:
        shown = self._begin(prompt_id, choice)
        try:
            self.verify_fingerprint(shown.over, (shown.deadline - self._clock()) / 1000)
            if not self._keys.is_unlocked:  # locked while the finger was waited for
                raise AppError(AppReason.LOCKED)
            self._on_activity()
            self._finish(shown, Decision(outcome=Outcome.APPROVED, is_verified=True, choice=choice))
        finally:
            shown.is_judging = False

    def decline(self, prompt_id: str) -> None:
        with self._turn:
            shown = self._open
        if shown is None or shown.id != prompt_id or not self._end(shown, Outcome.DECLINED):
            raise AppError(AppReason.PROMPT_OVER)

    def check_pin(self, pin: str) -> None:
        """One try at a time, and none after the third wrong one in a row until the app was started anew."""
        with self._pin:
            if self._needs_restart:
                raise AppError(AppReason.RESTART_NEEDED, retries_left=self._keys.pin.retries_left)
            try:
                pins.check_pin(self._keys, pin)
            except AppError as error:
                self._needs_restart = self._needs_restart or error.reason is AppReason.RESTART_NEEDED
                self._changes.publish(Topic.STATE, Topic.PROMPT)
                raise
        if self._fingerprints is not None:
            self._fingerprints.pin_was_right()
        self._changes.publish(Topic.STATE, Topic.CODES, Topic.ACCOUNTS)

    def verify_fingerprint(self, cancelled: threading.Event, seconds: float) -> None:
        if self._fingerprints is None or not self.can_use_fingerprint:
            raise AppError(AppReason.FINGERPRINT_UNAVAILABLE)
        if not self._fingerprints.verify(cancelled, max(seconds, 0.0)):
            raise AppError(AppReason.FINGERPRINT_NOT_RECOGNISED)

    def close(self) -> None:
        """Everybody who waits is sent away."""
        with self._turn:
            self._is_closed = True
            shown = self._open
            self._turn.notify_all()
        if shown is not None:
            self._end(shown, Outcome.CANCELLED)

    # --- inside

    def _needs_pin(self, prompt: Prompt) -> bool:
        """A locked key store opens only by the PIN, so that a question about its keys asks for it once, not twice."""
        is_locked = self._keys.pin.is_set and not self._keys.is_unlocked
        return prompt.needs_verification or (is_locked and prompt.purpose in _USES_KEYS)

    def _begin(self, prompt_id: str, choice: int) -> _Open:
        """One answer is judged at a time."""
        with self._turn:
            shown = self._open
            if shown is None or shown.id != prompt_id or shown.over.is_set():
                raise AppError(AppReason.PROMPT_OVER)
            if not 0 <= choice < max(len(shown.prompt.accounts), 1):
                raise AppError(AppReason.CHOICE_UNKNOWN)
            if shown.is_judging:
                raise AppError(AppReason.BUSY)
            shown.is_judging = True
        return shown

    def _end(self, shown: _Open, outcome: Outcome) -> bool:
        return self._decide(shown, Decision(outcome=outcome))

    def _finish(self, shown: _Open, decision: Decision) -> None:
        if not self._decide(shown, decision):
            raise AppError(AppReason.PROMPT_OVER)

    def _decide(self, shown: _Open, decision: Decision) -> bool:
        """The first decision stands."""
        with self._turn:
            if shown.decision is not None:
                return False
            shown.decision = decision
            shown.over.set()
        return True
