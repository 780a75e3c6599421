"""Nothing acknowledged is lost, and nothing half-done is left: `kill -9` under load, then the same data again.

Several people add passkeys over HTTP at once, as fast as the server answers, and somewhere in between it is killed.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ostiary.identity.audit import Event
from ostiary.identity.passkey_registration import MOST_PASSKEYS
from ostiary.passkeys import base64url
from tests.served import Client, Owner, ServedOrganisation, served_organisation
from tests.software_authenticator import SoftwareAuthenticator

pytestmark = pytest.mark.slow
PEOPLE = 10


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedOrganisation]:
    with served_organisation(tmp_path_factory.mktemp("data")) as served:
        served.start()
        yield served


@dataclass
class Person:
    """Somebody signed in who adds passkeys, and what the server told them it has kept."""

    owner: Owner
    cookies: dict[str, str] = field(default_factory=dict)
    acknowledged: list[SoftwareAuthenticator] = field(default_factory=list)
    was_interrupted: bool = False


class Killer:
    """Kills the server a moment after so many registrations were acknowledged."""

    def __init__(self, served: ServedOrganisation, *, after: int, delay: float) -> None:
        self._served = served
        self._left = after
        self._delay = delay

    def count(self) -> None:
        self._left -= 1
        if self._left == 0:
            asyncio.get_running_loop().call_later(self._delay, self._served.kill)


async def sign_in(port: int, person: Person) -> None:
    async with Client(port, person.cookies) as client:
        answer = await client.sign_in(person.owner.authenticator)
        assert answer.status == 200, answer


async def add_passkeys(port: int, person: Person, killer: Killer) -> None:
    """As many as one may have, or until nobody answers any more."""
    try:
        async with Client(port, person.cookies) as client:
            for _ in range(MOST_PASSKEYS - 1):
                authenticator = SoftwareAuthenticator()
                options = await client.post("/security-info/passkeys/options", {})
                assert options.status == 200, options
                created = authenticator.create(options.json(), client.origin)
                answer = await client.post("/security-info/passkeys", created)
                assert answer.status == 201, answer
                person.acknowledged.append(authenticator)
                killer.count()
    except (OSError, asyncio.IncompleteReadError):
        person.was_interrupted = True


async def everybody_adds_passkeys(port: int, people: list[Person], killer: Killer) -> None:
    for person in people:
        await sign_in(port, person)
    await asyncio.gather(*(add_passkeys(port, person, killer) for person in people))


async def check_everything_acknowledged_is_there(port: int, person: Person) -> None:
    async with Client(port, person.cookies) as client:  # the session from before
        page = await client.get("/security-info")
        assert page.status == 200
        for authenticator in person.acknowledged:
            assert base64url.encode_to_bytes(authenticator.credentials[0].id) in page.body
            client.cookies = {}
            answer = await client.sign_in(authenticator)
            assert answer.status == 200, answer


def check_nothing_is_half_done(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:

        def column(sql: str, *values: str) -> list[str]:
            return sorted(row[0] for row in connection.execute(sql, values))

        assert column("PRAGMA integrity_check") == ["ok"]
        assert column("PRAGMA foreign_key_check") == []
        methods = column("SELECT id FROM sign_in_methods WHERE kind = 'passkey'")
        assert methods == column("SELECT method_id FROM credential_records")
        added = "SELECT method_id FROM audit_events WHERE event = ? AND result = 'success'"
        assert methods == column(added, Event.PASSKEY_ADD.value)


@pytest.mark.parametrize(("after", "delay"), [(1, 0.0), (5, 0.001), (12, 0.0), (25, 0.002), (40, 0.0005), (60, 0.004)])
def test_registrations_survive_a_kill(served: ServedOrganisation, after: int, delay: float) -> None:
    people = [Person(owner) for owner in served.add_owners(PEOPLE)]
    asyncio.run(everybody_adds_passkeys(served.port, people, Killer(served, after=after, delay=delay)))
    assert any(person.was_interrupted for person in people), "the server was killed too late to interrupt anybody"
    assert sum(len(person.acknowledged) for person in people) >= after

    served.start()
    for person in people:
        asyncio.run(check_everything_acknowledged_is_there(served.port, person))
    check_nothing_is_half_done(served.path)
