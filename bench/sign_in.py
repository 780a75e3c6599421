"""What a complete passkey sign-in costs the server, in raw P-256 verifications of the same run.

    python -m bench.sign_in [--sign-ins N] [--people N] [--json]

A real `ostiary serve` on SQLite on disk; each sign-in is both requests, from the browser a person always uses, on kept
connections, with an assertion really signed by this process. Every answer is checked while it is measured, and the
rows afterwards: one session and one audit event for each sign-in.

Figures are CPU time of the server, all its threads, which says what a machine can carry; wall time also depends on the
disk and on the client beside it. Each round of sign-ins is compared with raw verifications measured around it.
"""

import argparse
import asyncio
import json
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from tests.served import Client, Owner, ServedOrganisation, served_organisation

from ostiary.identity.audit import Event
from ostiary.web.cookies import BROWSER, SESSION

CONCURRENCY = (1, 32)
ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Level:
    """What was measured at one concurrency: medians over the rounds."""

    concurrency: int
    sign_ins: int
    sign_ins_per_second: float
    server_cpu_us: float
    raw_verifications: float


@dataclass(frozen=True, kw_only=True)
class Report:
    python: str
    people: int
    raw_verification_us: float
    raw_verifications_per_cpu_second: float
    levels: tuple[Level, ...]
    sessions: int
    audit_events: int
    server_peak_mib: float


@dataclass(frozen=True)
class Round:
    wall: float
    cpu: float
    raw: float


class RawVerification:
    """The physical limit: one ES256 signature verified, with nothing around it."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self._ecdsa = ec.ECDSA(hashes.SHA256())
        self._message = bytes(69)
        self._signature = key.sign(self._message, self._ecdsa)
        self._key = key.public_key()

    def seconds(self, calls: int = 2000) -> float:
        """CPU of one."""
        start = time.process_time()
        for _ in range(calls):
            self._key.verify(self._signature, self._message, self._ecdsa)
        return (time.process_time() - start) / calls


Cookies = dict[str, dict[str, str]]
"""What each person's own browser keeps between sign-ins, by the person's identifier."""


def cpu_seconds(pid: int) -> float:
    """CPU of another process, all its threads, to the microsecond: the clock that clock_getcpuclockid(3) names."""
    return time.clock_gettime(~pid << 3 | 2)


def peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


async def sign_in_all(port: int, owners: Sequence[Owner], kept: Cookies, *, concurrency: int, count: int) -> float:
    """`count` sign-ins, never more than `concurrency` at once and no owner twice at once, each from the browser that
    `kept` remembers them by; the wall time."""
    left = iter(range(count))

    async def keep_signing_in(mine: Sequence[Owner]) -> None:
        async with Client(port) as client:
            for owner, _ in zip(cycle(mine), left, strict=False):
                client.cookies = dict(kept[owner.person.id])
                answer = await client.sign_in(owner.authenticator)
                if answer.status != 200 or SESSION not in client.cookies:
                    raise AssertionError(f"a sign-in was refused: {answer}")
                kept[owner.person.id] = {BROWSER: client.cookies[BROWSER]}

    start = time.perf_counter()
    await asyncio.gather(*(keep_signing_in(owners[place::concurrency]) for place in range(concurrency)))
    return time.perf_counter() - start


def measure(
    served: ServedOrganisation,
    owners: Sequence[Owner],
    kept: Cookies,
    raw: RawVerification,
    *,
    concurrency: int,
    sign_ins: int,
) -> tuple[Level, list[Round]]:
    each = sign_ins // ROUNDS
    rounds = []
    for _ in range(ROUNDS):
        before = raw.seconds()
        cpu = cpu_seconds(served.pid)
        wall = asyncio.run(sign_in_all(served.port, owners, kept, concurrency=concurrency, count=each))
        cpu = cpu_seconds(served.pid) - cpu
        rounds.append(Round(wall / each, cpu / each, (before + raw.seconds()) / 2))
    level = Level(
        concurrency=concurrency,
        sign_ins=each * ROUNDS,
        sign_ins_per_second=statistics.median(1 / one.wall for one in rounds),
        server_cpu_us=statistics.median(one.cpu * 1e6 for one in rounds),
        raw_verifications=statistics.median(one.cpu / one.raw for one in rounds),
    )
    return level, rounds


def count_rows(database: Path) -> tuple[int, int]:
    """Sessions, and audit events of opened sessions."""
    with closing(sqlite3.connect(database)) as connection:
        sessions = connection.execute("SELECT count(*) FROM sessions").fetchone()[0]
        opened = "SELECT count(*) FROM audit_events WHERE event = ?"
        return sessions, connection.execute(opened, (Event.SESSION_OPEN.value,)).fetchone()[0]


def run(*, people: int, sign_ins: int) -> Report:
    raw = RawVerification()
    levels, rounds = [], []
    with tempfile.TemporaryDirectory() as directory, served_organisation(Path(directory)) as served:
        owners = served.add_owners(people)
        served.start()
        # everybody once, so that what is loaded once is loaded, and each browser known to its person
        kept: Cookies = defaultdict(dict)
        asyncio.run(sign_in_all(served.port, owners, kept, concurrency=1, count=people))
        done = people
        for concurrency in CONCURRENCY:
            level, measured = measure(served, owners, kept, raw, concurrency=concurrency, sign_ins=sign_ins)
            levels.append(level)
            rounds += measured
            done += level.sign_ins
        peak = peak_mib(served.pid)
        served.stop()
        sessions, events = count_rows(served.path)
    if not done == sessions == events:
        raise AssertionError(f"{done} sign-ins left {sessions} sessions and {events} audit events")
    raw_seconds = statistics.median(one.raw for one in rounds)
    return Report(
        python=platform.python_version(),
        people=people,
        raw_verification_us=raw_seconds * 1e6,
        raw_verifications_per_cpu_second=1 / raw_seconds,
        levels=tuple(levels),
        sessions=sessions,
        audit_events=events,
        server_peak_mib=peak,
    )


def show(report: Report) -> None:
    print(f"Python {report.python}, {os.cpu_count()} cores, SQLite on disk, {report.people} people with a passkey each")
    print(
        f"raw P-256 verification: {report.raw_verification_us:.1f} us of CPU, "
        f"{report.raw_verifications_per_cpu_second:,.0f} per CPU-second\n"
    )
    print("at once   sign-ins   sign-ins/s (wall)   server CPU each   a complete sign-in costs")
    for level in report.levels:
        print(
            f"{level.concurrency:>7}   {level.sign_ins:>8,}   {level.sign_ins_per_second:>17,.0f}   "
            f"{level.server_cpu_us:>12,.0f} us   {level.raw_verifications:.1f} raw verifications of CPU"
        )
    print(f"\nrows afterwards: {report.sessions:,} sessions, {report.audit_events:,} audit events of them")
    print(f"server's peak memory: {report.server_peak_mib:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=200, help="people with a passkey each")
    parser.add_argument("--sign-ins", type=int, default=3000, help="sign-ins to measure at each concurrency")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    report = run(people=given.people, sign_ins=given.sign_ins)
    if given.json:
        print(json.dumps(asdict(report), indent=2))
    else:
        show(report)


if __name__ == "__main__":
    main()
