"""Time as a port. An instant is epoch milliseconds in UTC everywhere inside: an `int` any database keeps exactly."""

import time
from datetime import UTC, datetime
from typing import Protocol

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock(Protocol):
    def __call__(self) -> int:
        """Now, in epoch milliseconds."""
        ...


def system_clock() -> int:
    return time.time_ns() // 1_000_000


def as_datetime(instant: int) -> datetime:
    return datetime.fromtimestamp(instant / 1000, tz=UTC)
