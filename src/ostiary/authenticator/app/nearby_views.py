"""What the app shows of answering another computer: how far it is, how it ended, and which computers are remembered."""

from dataclasses import dataclass
from enum import StrEnum


class NearbyStage(StrEnum):
    CONNECTING = "connecting"
    """To the tunnel service."""
    ADVERTISING = "advertising"
    """By Bluetooth, until the other computer has heard it."""
    CONNECTED = "connected"
    ASKED = "asked"
    """The person is, by the open prompt."""
    DONE = "done"
    FAILED = "failed"
    """`NearbyView.reason`, `message` and `next` say why."""


class NearbyResult(StrEnum):
    """What the other computer got."""

    SIGNED_IN = "signed_in"
    REGISTERED = "registered"
    ALREADY_REGISTERED = "already_registered"
    NO_PASSKEY = "no_passkey"
    DECLINED = "declined"
    NOTHING = "nothing"
    """It stopped asking, or nobody answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearbyView:
    """One other computer that is answered, or was the last."""

    id: str
    stage: NearbyStage
    is_over: bool
    result: NearbyResult | None
    rp_id: str
    """What it asked for, once it did."""
    is_remembered: bool
    """It needs no code next time."""
    was_rung: bool
    """It needed none this time."""
    reason: str
    message: str
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputerView:
    """A computer that is remembered. It tells no name of its own: `name` is the person's, or empty."""

    id: str
    name: str
    rp_id: str
    """What it asked for first."""
    linked_at: int
    last_used_at: int
