"""Announcements, on both databases: heard after the commit and never before, by every server, and after a break."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from ostiary.storage.announcements import Announcer, Listening, announce
from ostiary.storage.database import Database, Transaction, sqlite_url
from tests.conftest import Workplace

SOON = 5.0
NOT_AT_ALL = 0.3


class Unwanted(Exception):
    """What a use case raises when it changes its mind."""


@contextmanager
def server_of(workplace: Workplace) -> Iterator[tuple[Database, Announcer]]:
    """What a server's process has: a database, who waits in it, and the ear on PostgreSQL."""
    database = Database(workplace.url or sqlite_url(workplace.directory / "ostiary.db"))
    announcer = Announcer()
    database.deliver = announcer.deliver
    listening = Listening(database, announcer) if workplace.url else None
    if listening is not None:
        listening.start()
        assert listening.is_listening.wait(SOON)
    yield database, announcer
    if listening is not None:
        listening.stop()
    database.close()


def _announce(tx: Transaction, topic: str, *, fail: bool = False) -> None:
    announce(tx, topic)
    if fail:
        raise Unwanted(topic)


def test_a_committed_change_is_heard_and_nothing_else(workplace: Workplace) -> None:
    async def run() -> None:
        with server_of(workplace) as (database, announcer), announcer.listen("mine") as waiter:
            await waiter.wait(NOT_AT_ALL)  # whoever begins to listen may be woken for nothing
            await database.write(_announce, "another")
            assert not await waiter.wait(NOT_AT_ALL)
            with pytest.raises(Unwanted):
                await database.write(_announce, "mine", fail=True)
            assert not await waiter.wait(NOT_AT_ALL)
            await asyncio.gather(*(database.write(_announce, topic) for topic in ("another", "mine", "another")))
            assert await waiter.wait(SOON)

    asyncio.run(run())


def test_a_transaction_of_its_own_is_heard_too(workplace: Workplace) -> None:
    async def run() -> None:
        with server_of(workplace) as (database, announcer), announcer.listen("mine") as waiter:
            await waiter.wait(NOT_AT_ALL)
            with database.transaction() as tx:
                announce(tx, "mine")
                assert not await waiter.wait(NOT_AT_ALL)
            assert await waiter.wait(SOON)

    asyncio.run(run())


@pytest.mark.parametrize("workplace", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_another_server_hears_it(workplace: Workplace) -> None:
    async def run() -> None:
        with (
            server_of(workplace) as (one, _),
            server_of(workplace) as (_, other),
            other.listen("mine") as waiter,
        ):
            await waiter.wait(NOT_AT_ALL)
            await one.write(_announce, "mine")
            assert await waiter.wait(SOON)

    asyncio.run(run())


@pytest.mark.parametrize("workplace", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_a_broken_connection_wakes_everybody_when_it_is_back(workplace: Workplace) -> None:
    async def run() -> None:
        with server_of(workplace) as (database, announcer), announcer.listen("mine") as waiter:
            await waiter.wait(NOT_AT_ALL)
            with database.engine.begin() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
                    )
                )
            assert await waiter.wait(SOON)  # it may have missed something
            await database.write(_announce, "mine")
            assert await waiter.wait(SOON)

    asyncio.run(run())


def test_closing_wakes_everybody() -> None:
    async def run() -> None:
        announcer = Announcer()
        with announcer.listen("one", "two") as waiter:
            announcer.close()
            assert await waiter.wait(SOON)
            assert announcer.is_closing
        began = time.monotonic()
        announcer.deliver(["one"])  # nobody waits any more
        assert time.monotonic() - began < 1

    asyncio.run(run())
