"""Announcements: whoever waits for something to change in the database is woken after the commit that changed it.

A use case says `announce(tx, topic)`, and nothing is heard of what was rolled back. On SQLite there is one server
process and `Database` tells it; on PostgreSQL every server listens (`Listening`). An announcement carries nothing but
its topic: whoever is woken reads the rows, and reads them on (re)connecting as well, so nothing rests on hearing it.
"""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import structlog
from sqlalchemy import bindparam, func, select

from ostiary.storage.database import Database, Query, Transaction

_CHANNEL: Final = "ostiary"
_NOTIFY = Query(select(func.pg_notify(_CHANNEL, bindparam("topic"))))
_LISTEN_AGAIN_AFTER: Final = 1.0
_HEARD_WITHIN: Final = 0.5
"""Seconds a listening thread waits at most before it looks whether it is to stop."""
log = structlog.get_logger()


def announce(tx: Transaction, topic: str) -> None:
    """Heard by every server of this database once the transaction is committed."""
    if tx.dialect == "postgresql":
        tx.one(_NOTIFY, topic=topic)
    else:
        tx.announced.append(topic)


def announce_person(tx: Transaction, person_id: str) -> None:
    """Their account, their devices, or what these are asked for, changed."""
    announce(tx, topic_of_person(person_id))


def topic_of_person(person_id: str) -> str:
    return f"person:{person_id}"


def topic_of_sign_in(binding: bytes) -> str:
    return f"sign-in:{binding.hex()}"


class Waiter:
    """One place that waits, in the event loop it was made in."""

    __slots__ = ("_event", "_loop")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def wake(self) -> None:
        """From any thread."""
        with suppress(RuntimeError):  # its loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float | None = None) -> bool:
        """Whether it was woken; False when the time was over first."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Announcer:
    """Who waits for what, in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, set[Waiter]] = {}
        self.is_closing = False

    @contextmanager
    def listen(self, *topics: str) -> Iterator[Waiter]:
        """Begin to listen, then read, then wait: so nothing falls between."""
        waiter = Waiter()
        with self._lock:
            for topic in topics:
                self._waiting.setdefault(topic, set()).add(waiter)
        try:
            yield waiter
        finally:
            with self._lock:
                for topic in topics:
                    waiting = self._waiting[topic]
                    waiting.discard(waiter)
                    if not waiting:
                        del self._waiting[topic]

    def deliver(self, topics: Iterable[str]) -> None:
        with self._lock:
            found = [waiter for topic in topics for waiter in self._waiting.get(topic, ())]
        for waiter in found:
            waiter.wake()

    def deliver_all(self) -> None:
        """To everybody: something may have been missed."""
        with self._lock:
            topics = list(self._waiting)
        self.deliver(topics)

    def close(self) -> None:
        """Long answers end now, so that a server that stops need not wait for them."""
        self.is_closing = True
        self.deliver_all()


class Listening:
    """Hears on PostgreSQL what any server announced, in a thread of its own; comes back when the connection breaks."""

    def __init__(self, database: Database, announcer: Announcer) -> None:
        self._database = database
        self._announcer = announcer
        self._stopping = threading.Event()
        self.is_listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="announcements", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._hear()
            except Exception as error:
                log.warning("announcements are not heard for a moment", error=type(error).__name__)
                self.is_listening.clear()
                self._stopping.wait(_LISTEN_AGAIN_AFTER)

    def _hear(self) -> None:
        import psycopg  # an optional dependency: only who uses PostgreSQL has it

        parameters = self._database.engine.dialect.create_connect_args(self._database.engine.url)[1]
        with psycopg.connect(autocommit=True, **parameters) as connection:
            connection.execute(f"LISTEN {_CHANNEL}".encode())
            self.is_listening.set()
            self._announcer.deliver_all()
            while not self._stopping.is_set():
                heard = [notice.payload for notice in connection.notifies(timeout=_HEARD_WITHIN, stop_after=1)]
                self._announcer.deliver(heard)
