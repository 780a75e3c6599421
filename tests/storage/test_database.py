"""Transactions, on both databases: all or nothing, answered once they are kept."""

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import text

from ostiary.identifiers import new_id
from ostiary.storage import attempts, audit, challenges, housekeeping, methods, people, sessions
from ostiary.storage.challenges import Challenge
from ostiary.storage.database import Database, Query, Transaction, sqlite_url
from ostiary.storage.people import Group
from ostiary.storage.sessions import Session
from tests.conftest import Workplace, copied
from tests.organisation import START

_DEFER = Query(text("PRAGMA defer_foreign_keys = ON"))


class Unwanted(Exception):
    """What a use case raises when it changes its mind."""


@pytest.fixture
def database(workplace: Workplace) -> Iterator[Database]:
    database = Database(workplace.url or sqlite_url(workplace.directory / "ostiary.db"))
    yield database
    database.close()


def _add_group(tx: Transaction, name: str, *, fail: bool = False) -> str:
    found = people.person_by_username(tx, "ada@contoso.example")
    assert found is not None
    people.insert_group(tx, Group(new_id(), found.organization_id, name, "", START))
    if fail:
        raise Unwanted(name)
    return name


def _groups(database: Database) -> list[str]:
    """As another process sees them."""
    other = Database(database.url)
    try:
        with other.transaction() as tx:
            return [group.name for group in people.all_groups(tx)]
    finally:
        other.close()


def test_a_transaction_is_kept(database: Database) -> None:
    with database.transaction() as tx:
        _add_group(tx, "Pilots")
    assert _groups(database) == ["Pilots"]


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(Unwanted), database.transaction() as tx:
        _add_group(tx, "Pilots")
        raise Unwanted
    assert _groups(database) == []
    with database.transaction() as tx:  # and the next one is not in its way
        _add_group(tx, "Crew")
    assert _groups(database) == ["Crew"]


def test_an_answer_comes_after_the_commit(database: Database) -> None:
    async def write() -> None:
        for name in ("a", "b", "c"):
            assert await database.write(_add_group, name) == name
            assert name in _groups(database)

    asyncio.run(write())


def test_one_failing_use_case_does_not_undo_its_neighbours(database: Database) -> None:
    async def write() -> list[str | BaseException]:
        calls = [database.write(_add_group, f"group {i:02}", fail=i % 3 == 1) for i in range(12)]
        return await asyncio.gather(*calls, return_exceptions=True)

    answers = asyncio.run(write())
    wanted = [f"group {i:02}" for i in range(12) if i % 3 != 1]
    assert [answer for answer in answers if isinstance(answer, str)] == wanted
    assert [str(answer) for answer in answers if isinstance(answer, Unwanted)] == [
        f"group {i:02}" for i in range(12) if i % 3 == 1
    ]
    assert sorted(_groups(database)) == wanted


def test_many_writes_at_once_are_all_kept(database: Database) -> None:
    async def write() -> None:
        await asyncio.gather(*(database.write(_add_group, f"group {i:03}") for i in range(200)))

    asyncio.run(write())
    assert len(_groups(database)) == 200


def test_concurrent_counts_lose_none(database: Database) -> None:
    async def write() -> list[tuple[int, int]]:
        count = partial(attempts.count_attempt, key=b"k", now=START, window=1000)
        return await asyncio.gather(*(database.write(count) for _ in range(50)))

    assert sorted(count for count, _ in asyncio.run(write())) == list(range(1, 51))


def test_a_read_sees_what_was_answered(database: Database) -> None:
    async def both() -> list[str]:
        await database.write(_add_group, "Pilots")
        return [group.name for group in await database.read(people.all_groups)]

    assert asyncio.run(both()) == ["Pilots"]


def test_a_commit_that_fails_answers_everybody_with_the_error(sqlite_copy: Database) -> None:
    """One use case leaves a row that refers to nobody, which is found only at the commit."""

    def add_orphan(tx: Transaction) -> None:
        tx.run(_DEFER)
        sessions.insert_session(tx, Session("s", b"t", "nobody", "[]", "", "", START, START, START))

    async def write() -> list[object]:
        calls = [sqlite_copy.write(_add_group, "a"), sqlite_copy.write(add_orphan), sqlite_copy.write(_add_group, "b")]
        answers: list[object] = await asyncio.gather(*calls, return_exceptions=True)
        assert await sqlite_copy.write(_add_group, "after") == "after"
        return answers

    answers = asyncio.run(write())
    assert [type(answer).__name__ for answer in answers] == ["IntegrityError"] * 3
    assert _groups(sqlite_copy) == ["after"]


@pytest.fixture
def sqlite_copy(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Database]:
    place = copied("sqlite", tmp_path_factory.mktemp("copy") / "data", request)
    database = Database(sqlite_url(place.directory / "ostiary.db"))
    yield database
    database.close()


def test_booleans_are_booleans(database: Database) -> None:
    with database.transaction() as tx:
        person = people.person_by_username(tx, "ada@contoso.example")
        assert person is not None
        assert person.is_enabled is True
        assert person.must_change_password is False
        people.set_enabled(tx, person.id, is_enabled=False)
        changed = people.person_by_id(tx, person.id)
        assert changed is not None
        assert changed.is_enabled is False


def test_bytes_and_large_numbers_are_kept_exactly(database: Database) -> None:
    kept = Challenge(bytes(range(256)), "webauthn.get", b"\x00\xff", None, 2**53 + 1)
    with database.transaction() as tx:
        challenges.insert_challenge(tx, kept)
        assert challenges.take_challenge(tx, kept.challenge) == kept
        assert challenges.take_challenge(tx, kept.challenge) is None


def test_deleting_a_person_takes_everything_of_theirs(database: Database) -> None:
    with database.transaction() as tx:
        person = people.person_by_username(tx, "ada@contoso.example")
        assert person is not None
        people.insert_role(tx, person_id=person.id, role="helpdesk", assigned_at=START)
        people.delete_person(tx, person.id)
        assert methods.methods_of(tx, person.id) == []
        assert methods.password_of(tx, person.id) is None
        assert methods.code_generators_of(tx, person.id) == []
        assert people.roles_of(tx, person.id) == []
        assert audit.newest_events_of(tx, person.id, limit=10)  # what happened stays


def test_refuses_two_people_of_one_username(database: Database) -> None:
    def add_again(tx: Transaction) -> None:
        person = people.person_by_username(tx, "ada@contoso.example")
        assert person is not None
        people.insert_person(tx, person._replace(id=new_id(), user_handle=b"another"))

    with pytest.raises(Exception, match=r"(?i)unique"), database.transaction() as tx:
        add_again(tx)


def test_pages_of_people_are_in_order_and_found_by_part(database: Database) -> None:
    with database.transaction() as tx:
        first = people.page_of_people(tx, after="", limit=2)
        second = people.page_of_people(tx, after=first[-1].username, limit=2)
        assert [one.username.partition("@")[0] for one in (*first, *second)] == ["ada", "admin", "grace"]
        assert [one.username for one in people.page_of_people(tx, after="", limit=9, part="grac")] == [
            "grace@contoso.example"
        ]
        for part in ("%", "_", "~", "a_a"):  # no wildcards of the database's
            assert people.page_of_people(tx, after="", limit=9, part=part) == []


def test_groups_are_found_whatever_the_case(database: Database) -> None:
    with database.transaction() as tx:
        _add_group(tx, "Pilots")
        found = people.group_by_name(tx, "pilots")
        assert found is not None
        assert found.name == "Pilots"


def test_what_has_expired_is_taken_out(database: Database) -> None:
    with database.transaction() as tx:
        for number, expires_at in enumerate((START - 1, START, START + 1)):
            challenges.insert_challenge(tx, Challenge(bytes([number]), "webauthn.get", b"", None, expires_at))
        attempts.count_attempt(tx, b"old", now=START - 1000, window=1000)
        attempts.count_attempt(tx, b"new", now=START, window=1000)
        assert housekeeping.delete_expired(tx, START) == 3
        assert challenges.take_challenge(tx, bytes([2])) is not None
        assert attempts.count_attempt(tx, b"new", now=START, window=1000)[0] == 2


def test_a_code_s_time_step_is_taken_once(database: Database) -> None:
    with database.transaction() as tx:
        person = people.person_by_username(tx, "ada@contoso.example")
        assert person is not None
        generator = methods.code_generators_of(tx, person.id)[0]
        taken = [methods.take_step(tx, generator.method_id, step) for step in (100, 100, 99, 101)]
        assert taken == [True, False, False, True]


def test_the_server_goes_on_while_another_process_writes(sqlite_copy: Database) -> None:
    async def write_beside_a_lock() -> tuple[int, str]:
        other = Database(sqlite_copy.url)
        with other.transaction():  # a command, in the middle of its work
            waiting = asyncio.ensure_future(sqlite_copy.write(_add_group, "after"))
            ticks = 0
            for _ in range(20):
                await asyncio.sleep(0.005)
                ticks += 1
            assert not waiting.done()
        other.close()
        return ticks, await waiting

    assert asyncio.run(write_beside_a_lock()) == (20, "after")
    assert _groups(sqlite_copy) == ["after"]
