"""Status reports: what became known about a model, and since when (FIDO Metadata Service 3.1 §3.1.3, §3.1.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

COMPROMISES: Final = frozenset(
    {
        "REVOKED",
        "USER_VERIFICATION_BYPASS",
        "ATTESTATION_KEY_COMPROMISE",
        "USER_KEY_REMOTE_COMPROMISE",
        "USER_KEY_PHYSICAL_COMPROMISE",
    }
)
"""MDS 3.1 §3.1.4.2, and ``REVOKED``."""

# MDS 3.1 §3.1.4.1. FIDO_CERTIFIED is how the first level was called before there were levels.
_LEVELS: Final = {
    "NOT_FIDO_CERTIFIED": 0,
    "SELF_ASSERTION_SUBMITTED": 0,
    "FIDO_CERTIFIED": 10,
    "FIDO_CERTIFIED_L1": 10,
    "FIDO_CERTIFIED_L1plus": 15,
    "FIDO_CERTIFIED_L2": 20,
    "FIDO_CERTIFIED_L2plus": 25,
    "FIDO_CERTIFIED_L3": 30,
    "FIDO_CERTIFIED_L3plus": 35,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """One report. ``status`` keeps the spelling it came with: tomorrow's values are kept too.

    ``effective`` is ``None`` where no date was given, which means since ever. ``certificate`` names the one attestation
    certificate a compromise is limited to, in base64, if it is.
    """

    status: str
    effective: date | None = None
    sunset: date | None = None
    authenticator_version: int | None = None
    certificate: str | None = None
    url: str | None = None

    def is_effective(self, at: datetime) -> bool:
        day = at.astimezone(UTC).date()
        return (self.effective is None or self.effective <= day) and (self.sunset is None or day <= self.sunset)


class StatusKind(StrEnum):
    """What a relying party does about it."""

    COMPROMISED = "compromised"
    """Refuse new registrations, report existing ones."""
    CERTIFIED = "certified"
    """Nothing against it, and FIDO certified at some level."""
    PLAIN = "plain"
    """Nothing against it, and nothing for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusVerdict:
    """``level`` is the certification level in force, as a number that compares: 0 none, 10 for L1, 15 for L1+, 20 for
    L2 and so on. ``reports`` are those the verdict rests on."""

    kind: StatusKind
    level: int = 0
    reports: tuple[StatusReport, ...] = ()


def judge_status(reports: Sequence[StatusReport], at: datetime) -> StatusVerdict:
    """What the reports in force at the given clock say together.

    A compromise stays one whatever comes after it: that an update exists does not tell which devices have it. The list
    is in no order one could rely on, so the dates decide which certification is the latest.
    """
    effective = [report for report in reports if report.is_effective(at)]
    compromises = tuple(report for report in effective if report.status in COMPROMISES)
    certifications = [report for report in effective if report.status in _LEVELS]
    newest = max((report.effective or date.min for report in certifications), default=None)
    latest = tuple(report for report in certifications if (report.effective or date.min) == newest)
    level = max((_LEVELS[report.status] for report in latest), default=0)
    if compromises:
        return StatusVerdict(kind=StatusKind.COMPROMISED, level=level, reports=compromises)
    kind = StatusKind.CERTIFIED if level else StatusKind.PLAIN
    return StatusVerdict(kind=kind, level=level, reports=latest)
