"""What the commands share: the ports, what is remembered between requests, and the ways to the person."""

from collections.abc import Sequence
from typing import Any, Final, NoReturn

from ostiary.authenticator.engine.fields import Fields, need
from ostiary.authenticator.engine.pin_protocols import PinProtocol, PinProtocolTwo
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.engine.token import PinUvAuthToken
from ostiary.authenticator.ports import (
    Clock,
    Decision,
    Exchange,
    KeyStore,
    Outcome,
    Prompt,
    Purpose,
    Randomness,
    UserVerifier,
)

STATE_LIMIT_MS: Final = 30_000
"""How long a stateful command may be gone on with (CTAP 2.1 §6)."""

Answer = dict[int, Any]


class State:
    """Remembered is, among others, what the very next request may go on with: getNextAssertion, an enumeration, the
    writing of large blobs (§6)."""

    def __init__(
        self,
        *,
        keys: KeyStore,
        verifier: UserVerifier,
        clock: Clock,
        randomness: Randomness,
        transports: Sequence[str],
        max_message_size: int,
    ) -> None:
        self.keys = keys
        self.verifier = verifier
        self.clock = clock
        self.transports = tuple(transports)
        self.max_message_size = max_message_size
        self.started_at = clock()
        self.protocols: dict[int, PinProtocol] = {
            2: PinProtocolTwo(randomness),
            1: PinProtocol(randomness),
        }
        self.token = PinUvAuthToken(clock, randomness)
        self.needs_restart = False
        self._continuation: object = None
        self._left: object = None
        self._source = ""
        self._continued_at = 0

    # what can be gone on with

    def remember(self, continuation: object) -> None:
        self._continuation, self._continued_at = continuation, self.clock()

    def begin(self, exchange: Exchange) -> None:
        """Before each request, which may go on with what the one before it left when it came the same way, and the next
        one with that no more."""
        self.token.observe()
        self._left = self._continuation if self._source == exchange.source else None
        self._continuation, self._source = None, exchange.source

    @property
    def continuation(self) -> object:
        """What the request before left, unless that is too long ago."""
        if self._left is None:
            return None
        return self._left if 0 <= self.clock() - self._continued_at <= STATE_LIMIT_MS else None

    def restart(self) -> None:
        """After a reset: as after a power cycle."""
        for protocol in self.protocols.values():
            protocol.regenerate()
        self.token.reset()
        self.needs_restart = False
        self._continuation = None

    # what the authenticator can do just now

    @property
    def has_uv(self) -> bool:
        """Whether built-in user verification is there and set up: option `uv`."""
        if not self.verifier.can_verify:
            return False
        return self.keys.pin.is_set or self.keys.is_unlocked

    @property
    def is_protected(self) -> bool:
        """By some form of user verification (§6.1.2)."""
        return self.keys.pin.is_set or self.has_uv

    # what requests say about user verification

    def need_protocol(self, fields: Fields, key: int) -> PinProtocol:
        """Raises `Refused(MISSING_PARAMETER | INVALID_PARAMETER)`."""
        return self.protocol(need(fields, key, int))

    def protocol(self, version: int) -> PinProtocol:
        protocol = self.protocols.get(version)
        if protocol is None:
            raise Refused(Status.INVALID_PARAMETER)
        return protocol

    # the person

    def ask(self, prompt: Prompt, exchange: Exchange) -> Decision:
        """Waits for the person. Returns only when they agreed. Raises `Refused`."""
        if exchange.cancelled.is_set():
            raise Refused(Status.KEEPALIVE_CANCEL)
        if exchange.on_waiting is not None:
            exchange.on_waiting()
        decision = self.verifier.ask(prompt, exchange)
        if decision.outcome is not Outcome.APPROVED:
            self._refuse(decision.outcome)
        if prompt.needs_verification and not decision.is_verified:
            raise Refused(Status.PUAT_REQUIRED if self.keys.pin.is_set else Status.OPERATION_DENIED)
        # Another person's or another request's agreement would be none.
        if prompt.accounts and not 0 <= decision.choice < len(prompt.accounts):
            raise Refused(Status.OPERATION_DENIED)
        return decision

    def _refuse(self, outcome: Outcome) -> NoReturn:
        if outcome is Outcome.TIMED_OUT:
            raise Refused(Status.USER_ACTION_TIMEOUT)
        if outcome is Outcome.CANCELLED:
            raise Refused(Status.KEEPALIVE_CANCEL)
        if outcome is Outcome.BLOCKED:
            # The PIN is what built-in verification asks for, too: no tries left means that no way is left.
            pin = self.keys.pin
            raise Refused(Status.PIN_BLOCKED if pin.is_set and pin.retries_left == 0 else Status.UV_BLOCKED)
        raise Refused(Status.OPERATION_DENIED)

    def ask_for_presence(self, purpose: Purpose, exchange: Exchange) -> None:
        self.ask(Prompt(purpose=purpose, source=exchange.source), exchange)

    @property
    def must_unlock(self) -> bool:
        """Whether the next question has to bring the PIN, since the keys are sealed. Raises `Refused(PUAT_REQUIRED)`
        when only the platform can ask for it: a locked store is never told as an empty one."""
        if self.keys.is_unlocked:
            return False
        if not self.verifier.can_verify:
            raise Refused(Status.PUAT_REQUIRED)
        return True
