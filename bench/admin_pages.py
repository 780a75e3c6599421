"""What the pages of the admin centre cost the server among very many people.

    python -m bench.admin_pages [--people N] [--json]

A real application on SQLite on disk, seeded straight into its tables with N people (100,000) who have three sign-in
methods each, 20 audit events for each hundredth, and two groups. Figures are CPU time of this process, all its threads,
for one request answered whole; the median of several. Every answer is checked.
"""

import argparse
import json
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.organisation import START, Browser, Organisation, open_organisation, prepare

from ostiary.identifiers import new_id
from ostiary.storage.database import Database, sqlite_url

AIM_MS = 50.0
TIMES = 9
_BATCH = 10_000
_SURNAMES = ("Lovelace", "Hopper", "Turing", "Johnson", "Hamilton", "Noether", "Curie", "Meitner", "Franklin", "Wu")


@dataclass(frozen=True, kw_only=True)
class Page:
    """The median CPU of one page, in milliseconds."""

    name: str
    path: str
    cpu_ms: float
    bytes: int


def seed(path: Path, *, people: int) -> tuple[str, int]:
    """Fast, for it writes rows as the server would and nothing else. Answers one person's identifier, and how many
    methods there are."""
    database = Database(sqlite_url(path))
    with database.transaction() as tx:
        cursor = tx._cursor  # a bench may: one statement for ten thousand rows
        organization_id = cursor.execute("SELECT id FROM organizations").fetchone()[0]
        chosen = ""
        for start in range(0, people, _BATCH):
            ids = [new_id() for _ in range(min(_BATCH, people - start))]
            chosen = ids[0]
            cursor.executemany(
                "INSERT INTO people (id, organization_id, username, display_name, user_handle, is_enabled, "
                "must_change_password, created_at, search_key, has_passkey) VALUES (?, ?, ?, ?, ?, 1, 0, ?, ?, 1)",
                _people_rows(ids, organization_id, start),
            )
            methods = [(new_id(), id, kind) for id in ids for kind in ("password", "code", "passkey")]
            cursor.executemany(
                "INSERT INTO sign_in_methods (id, person_id, kind, name, name_key, created_at, last_used_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((id, person, kind, kind, kind, START, START) for id, person, kind in methods),
            )
            cursor.executemany(
                "INSERT INTO credential_records (method_id, person_id, credential_id, public_key, algorithm, "
                "sign_count, transports, uv_initialized, backup_eligible, backup_state, aaguid, attestation_format, "
                "attestation_kind, attestation_object, attestation_client_data_json, rp_id) VALUES "
                "(?, ?, ?, ?, -7, 0, 'internal', 1, 0, 0, '08987058-cadc-4b81-b6e1-30de50dcbe96', 'none', 'none', "
                "?, ?, 'login.contoso.example')",
                (
                    (id, person, secrets.token_bytes(32), bytes(77), bytes(200), bytes(150))
                    for id, person, kind in methods
                    if kind == "passkey"
                ),
            )
            cursor.executemany(
                "INSERT INTO audit_events (id, at, event, result, actor_id, actor, target_id, target, client) "
                "VALUES (?, ?, 'person:session:open', 'success', ?, 'somebody', ?, 'somebody', 'Chrome/Windows')",
                ((new_id(), START, id, id) for id in ids[::100] for _ in range(20)),
            )
    database.close()
    return chosen, 3 * people


def _people_rows(ids: list[str], organization_id: str, start: int) -> Iterator[tuple[object, ...]]:
    for number, id in enumerate(ids, start):
        surname = _SURNAMES[number % len(_SURNAMES)]
        name, username = f"Person{number} {surname}", f"p{number:06}.{surname.lower()}@contoso.example"
        yield id, organization_id, username, name, secrets.token_bytes(32), START, f"{username}\n{name.casefold()}"


def measure(browser: Browser, name: str, path: str) -> Page:
    taken = []
    size = 0
    for _ in range(TIMES):
        start = time.process_time()
        answer = browser.get(path)
        taken.append((time.process_time() - start) * 1000)
        if answer.status_code != 200:
            raise AssertionError(f"{path}: {answer.status_code}")
        size = len(answer.content)
    return Page(name=name, path=path, cpu_ms=statistics.median(taken), bytes=size)


def run(*, people: int) -> list[Page]:
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory)
        prepare(data)
        person_id, _ = seed(data / "ostiary.db", people=people)
        with open_organisation(data) as org:
            return _measure_all(org, person_id, people)


def _measure_all(org: Organisation, person_id: str, people: int) -> list[Page]:
    browser = org.signed_in("admin")
    middle = f"p{people // 2:06}"
    return [
        measure(browser, name, path)
        for name, path in (
            ("people, first page", "/admin/people"),
            ("people, from the middle", f"/admin/people?after={middle}"),
            ("people, search that finds many", "/admin/people?search=hopper"),
            ("people, search that finds one", f"/admin/people?search={middle}"),
            ("people, search that finds nobody", "/admin/people?search=zzzz"),
            ("people, the few without a passkey", "/admin/people?passkey=no"),
            ("people, nobody is disabled", "/admin/people?enabled=no"),
            ("people, by role", "/admin/people?role=global_administrator"),
            ("person", f"/admin/people/{person_id}"),
            ("explain", f"/admin/people/{person_id}/explain"),
            ("audit, first page", "/admin/audit"),
            ("audit, rare event", "/admin/audit?event=admin:role:assign"),
        )
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    pages = run(people=given.people)
    if given.json:
        print(json.dumps([asdict(page) for page in pages], indent=2))
        return
    print(f"{given.people:,} people with {3 * given.people:,} methods, SQLite on disk; the aim is {AIM_MS:.0f} ms\n")
    for page in pages:
        print(f"{page.name:36} {page.cpu_ms:6.1f} ms of CPU   {page.bytes / 1024:5.0f} KiB")


if __name__ == "__main__":
    main()
