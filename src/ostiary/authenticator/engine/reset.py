"""authenticatorReset (CTAP 2.1 §6.6)."""

from typing import Final

from ostiary.authenticator.engine.state import Answer, State
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.ports import Exchange, Purpose

POWER_UP_LIMIT_MS: Final = 10_000


def reset(state: State, exchange: Exchange) -> Answer:
    """With a screen that says what is about to happen, at any time; without one, soon after starting only, lest a touch
    meant for something else deletes everything."""
    if not state.verifier.can_choose and not 0 <= state.clock() - state.started_at <= POWER_UP_LIMIT_MS:
        raise Refused(Status.NOT_ALLOWED)
    state.ask_for_presence(Purpose.RESET, exchange)
    state.keys.wipe()
    state.restart()
    return {}
