"""One storage on SQLAlchemy Core, for SQLite and PostgreSQL.

A `Query` is a Core statement compiled once for each dialect and then run by the bare driver: Core writes the SQL, and
nothing stands between a hot ceremony and its rows. Use cases are plain functions that take a `Transaction`.

Who runs them: `Database.write(use_case, ...)` and `Database.read(use_case, ...)` from the server, `transaction()` from
the command line and tests. On SQLite, statements take microseconds and only the commit waits (for the disk), so use
cases run in the event loop's thread, those that arrive while the disk is busy share the next commit, and each is
answered only after that commit. On PostgreSQL every use case has a thread and a connection of its own.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

from sqlalchemy import Boolean, Connection, Dialect, Engine, create_engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler

P = ParamSpec("P")
T = TypeVar("T")
Value = str | int | float | bytes | bool | None
Row = tuple[Any, ...]

_DIALECTS: Mapping[str, Dialect] = {
    "sqlite": SQLiteDialect_pysqlite(paramstyle="named"),
    "postgresql": PGDialect_psycopg(),  # type: ignore[no-untyped-call]
}


class Query:
    """A Core statement with named parameters (`bindparam`), compiled once for each dialect.

    Everything to be bound at run time is a `bindparam`; values given in the statement are its constants.
    """

    __slots__ = ("_booleans", "_compiled", "_statement")

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, dict[str, Value]]] = {}
        columns = getattr(statement, "exported_columns", ())
        self._booleans = tuple(i for i, column in enumerate(columns) if isinstance(column.type, Boolean))

    def for_dialect(self, name: str) -> tuple[str, dict[str, Value]]:
        if name not in self._compiled:
            compiled = cast(SQLCompiler, self._statement.compile(dialect=_DIALECTS[name]))  # type: ignore[attr-defined]
            constants = {key: value for key, value in compiled.params.items() if value is not None}
            self._compiled[name] = (str(compiled), constants)
        return self._compiled[name]

    def read(self, row: Row) -> Row:
        """The row as both databases mean it: SQLite has no booleans of its own."""
        if not self._booleans:
            return row
        values = list(row)
        for i in self._booleans:
            if values[i] is not None:
                values[i] = bool(values[i])
        return tuple(values)


class Transaction:
    """What a use case may do with the database. It is committed by whoever opened it, never by the use case.

    `kept` is what this process remembers of this database between transactions: only what was made of rows that never
    change. `announced` is what others are to hear of once it is committed (`storage.announcements`).
    """

    __slots__ = ("_cursor", "announced", "dialect", "kept")

    def __init__(self, cursor: Any, dialect: str, kept: dict[object, Any]) -> None:
        self._cursor = cursor
        self.dialect = dialect
        self.kept = kept
        self.announced: list[str] = []

    def _execute(self, query: Query, values: dict[str, Value]) -> None:
        sql, constants = query.for_dialect(self.dialect)
        self._cursor.execute(sql, {**constants, **values} if constants else values)

    def run(self, query: Query, **values: Value) -> int:
        """Runs a statement and answers how many rows it touched."""
        self._execute(query, values)
        return int(self._cursor.rowcount)

    def one(self, query: Query, **values: Value) -> Row | None:
        self._execute(query, values)
        row = self._cursor.fetchone()
        return None if row is None else query.read(row)

    def all(self, query: Query, **values: Value) -> list[Row]:
        self._execute(query, values)
        return [query.read(row) for row in self._cursor.fetchall()]

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What fails inside leaves nothing behind, and the transaction goes on."""
        self._cursor.execute("SAVEPOINT use_case")
        try:
            yield
        except BaseException:
            self._cursor.execute("ROLLBACK TO SAVEPOINT use_case")
            self._cursor.execute("RELEASE SAVEPOINT use_case")
            raise
        self._cursor.execute("RELEASE SAVEPOINT use_case")


UseCase = Callable[Concatenate[Transaction, P], T]


class Database:
    """The database of one process."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
        self.engine = _sqlite_engine(url) if self.dialect == "sqlite" else create_engine(url, pool_size=8)
        self._executor: _GroupCommit | _Threads | None = None
        self._kept: dict[object, Any] = {}
        self.deliver: Callable[[list[str]], None] | None = None
        """Who is told what was announced, after the commit."""

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction of its own, committed at the end and rolled back on any exception."""
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            if self.dialect == "sqlite":
                cursor.execute("BEGIN IMMEDIATE")
            tx = Transaction(cursor, self.dialect, self._kept)
            try:
                yield tx
            except BaseException:
                connection.rollback()
                raise
            connection.commit()
            cursor.close()
            if tx.announced and self.deliver is not None:
                self.deliver(tx.announced)
        finally:
            connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """For a long read: one state of the database, while others go on writing. Nothing is written in it."""
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            if self.dialect == "sqlite":
                cursor.execute("BEGIN")
            else:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield Transaction(cursor, self.dialect, self._kept)
            finally:
                connection.rollback()
            cursor.close()
        finally:
            connection.close()

    async def survey(self, use_case: "UseCase[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        """A long read in a thread of its own, so that nobody waits for it."""

        def run() -> T:
            with self.snapshot() as tx:
                return use_case(tx, *args, **kwargs)

        return await asyncio.to_thread(run)

    async def write(self, use_case: "UseCase[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a use case and answers once it is committed: what was answered survives a crash."""
        return cast(T, await self._running().write(lambda tx: use_case(tx, *args, **kwargs)))

    async def read(self, use_case: "UseCase[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        return cast(T, await self._running().read(lambda tx: use_case(tx, *args, **kwargs)))

    def _running(self) -> "_GroupCommit | _Threads":
        if self._executor is None:
            is_sqlite = self.dialect == "sqlite"
            self._executor = _GroupCommit(self) if is_sqlite else _Threads(self)
        return self._executor

    def close(self) -> None:
        if self._executor is not None:
            self._executor.close()
            self._executor = None
        self.engine.dispose()


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


_PATIENCE: Final = 10_000
"""Milliseconds to wait for another process's write before giving up."""


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 10})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",  # a commit is on the disk before it is acknowledged
            "foreign_keys = ON",
            f"busy_timeout = {_PATIENCE}",
            "cache_size = -65536",
            "temp_store = MEMORY",  # what a savepoint may have to undo needs no file
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:  # migrations go through the engine, and are whole or not at all
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


Job = tuple[Callable[[Transaction], object], "asyncio.Future[object]"]

_SHORT: Final = 0.001
"""Seconds. To hand a commit to another thread costs more than to wait this long for the disk."""


class _GroupCommit:
    """SQLite in a server: use cases in the event loop's thread, one commit for all that arrived together.

    The commit is the only step that waits for the disk and the only one that leaves the thread, and it stays as long
    as the disk is quick.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        kept = database._kept
        self._writer = database.engine.raw_connection()
        self._reader = database.engine.raw_connection()
        self._write_cursor = self._writer.cursor()
        self._write_cursor.execute("PRAGMA busy_timeout = 0")  # see `_begin`
        self._read = Transaction(self._reader.cursor(), "sqlite", kept)
        self._write = Transaction(self._write_cursor, "sqlite", kept)
        self._waiting: list[Job] = []
        self._is_running = False
        self._last_commit = _SHORT
        self._disk = ThreadPoolExecutor(1, "commit")
        self._tasks: set[asyncio.Task[None]] = set()

    def write(self, job: Callable[[Transaction], object]) -> "asyncio.Future[object]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[object] = loop.create_future()
        self._waiting.append((job, future))
        if not self._is_running:
            self._is_running = True
            task = loop.create_task(self._drain(loop))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return future

    async def read(self, job: Callable[[Transaction], object]) -> object:
        return job(self._read)

    async def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while self._waiting:
                jobs, self._waiting = self._waiting, []
                await self._commit_together(loop, jobs)
        finally:
            self._is_running = False

    async def _commit_together(self, loop: asyncio.AbstractEventLoop, jobs: list[Job]) -> None:
        answers: list[tuple[asyncio.Future[object], object, BaseException | None]] = []
        announced: list[str] = []
        try:
            await self._begin(loop)
            try:
                for job, future in jobs:
                    if future.cancelled():  # nobody waits for the answer, so nothing was acknowledged
                        continue
                    try:
                        with self._write.savepoint():
                            answers.append((future, job(self._write), None))
                    except Exception as error:
                        answers.append((future, None, error))
                    else:
                        announced += self._write.announced
                    if self._write.announced:
                        self._write.announced = []
                if self._last_commit < _SHORT:
                    self._commit()
                else:
                    await loop.run_in_executor(self._disk, self._commit)
            except BaseException:
                if self._writer.in_transaction:
                    self._write_cursor.execute("ROLLBACK")
                raise
        except Exception as error:  # the disk is full, or locked: nobody in this commit got anything
            answers = [(future, None, error) for _, future in jobs]
            announced = []
            self._write.announced = []
        for future, answer, refusal in answers:
            if future.done():
                continue
            if refusal is None:
                future.set_result(answer)
            else:
                future.set_exception(refusal)
        if announced and self._database.deliver is not None:
            self._database.deliver(announced)

    async def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Takes the write lock. While another process holds it (a command does, for a moment), the loop goes on."""
        try:
            self._write_cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            await loop.run_in_executor(self._disk, self._begin_patiently)

    def _begin_patiently(self) -> None:
        self._write_cursor.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
        try:
            self._write_cursor.execute("BEGIN IMMEDIATE")
        finally:
            self._write_cursor.execute("PRAGMA busy_timeout = 0")

    def _commit(self) -> None:
        start = time.perf_counter()
        self._write_cursor.execute("COMMIT")
        self._last_commit = time.perf_counter() - start

    def close(self) -> None:
        self._disk.shutdown()
        self._writer.close()
        self._reader.close()


class _Threads:
    """PostgreSQL in a server: a bounded pool of threads, each use case in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pool = ThreadPoolExecutor(8, "database")

    async def write(self, job: Callable[[Transaction], object]) -> object:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._in_transaction, job)

    read = write

    def _in_transaction(self, job: Callable[[Transaction], object]) -> object:
        with self._database.transaction() as tx:
            return job(tx)

    def close(self) -> None:
        self._pool.shutdown()
