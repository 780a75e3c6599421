"""A `UserVerifier` without a person, for tests and for programs that test *their* site.

An explicit object that somebody writes into code. No setting of the app leads here.
"""

from collections.abc import Callable

from ostiary.authenticator.ports import Decision, Exchange, Outcome, Prompt


class AutomaticVerifier:
    """Answers every question at once. `can_verify`: as built-in user verification would; `can_choose`: as a screen that
    lists accounts would. `decide` answers instead, from any question; `prompts` are the questions asked so far.

    `unlock` gives the PIN where the key store needs it: `lambda: keys.check_pin(pin_hash)`.
    """

    def __init__(
        self,
        *,
        can_verify: bool = True,
        can_choose: bool = False,
        decide: Callable[[Prompt, Exchange], Decision] | None = None,
        unlock: Callable[[], None] | None = None,
    ) -> None:
        self.can_verify = can_verify
        self.can_choose = can_choose
        self.decide = decide
        self.unlock = unlock
        self.prompts: list[Prompt] = []

    def ask(self, prompt: Prompt, exchange: Exchange) -> Decision:
        self.prompts.append(prompt)
        if exchange.cancelled.is_set():
            return Decision(outcome=Outcome.CANCELLED)
        if self.decide is not None:
            return self.decide(prompt, exchange)
        is_verified = prompt.needs_verification and self.can_verify
        if is_verified and self.unlock is not None:
            self.unlock()
        return Decision(outcome=Outcome.APPROVED, is_verified=is_verified)
