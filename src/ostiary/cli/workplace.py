"""What every command starts from: settings, an up-to-date database, and how answers are printed."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import OperationalError

from ostiary.identity.reasons import Refusal
from ostiary.settings import Settings
from ostiary.storage.database import Database, Transaction
from ostiary.storage.migrate import NewerDatabaseError, migrate
from ostiary.web.wording import WORDING

Data = Annotated[Path | None, typer.Option("--data", help="The data directory.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def read_settings(data: Path | None, **given: object) -> Settings:
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if data is not None:
        chosen["data"] = data
    try:
        return Settings(**chosen)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, one['loc'])) or 'settings'}: {one['msg']}" for one in error.errors()]
        fail("These settings do not work.\n" + "\n".join(f"  {line}" for line in lines))


def open_database(settings: Settings) -> Database:
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = Database(settings.database)
        migrate(database)
    except NewerDatabaseError as error:
        fail(f"The database is from a newer Ostiary (revision {error}). Update Ostiary first.")
    except (OperationalError, OSError) as error:
        fail(f"The database cannot be opened: {error}")
    return database


@contextmanager
def transaction(data: Path | None, *, is_snapshot: bool = False) -> Iterator[Transaction]:
    """A transaction on the data directory; a refusal is printed in words and ends the command. A snapshot is for long
    reads: a running server goes on beside it."""
    database = open_database(read_settings(data))
    try:
        with database.snapshot() if is_snapshot else database.transaction() as tx:
            yield tx
    except Refusal as refusal:
        wording = WORDING[refusal.reason.value]
        fail(f"{wording.title} {wording.next}")
    finally:
        database.close()


def fail(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(1)


def say(message: str) -> None:
    print(message)


def show_rows(rows: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """A listing: a table to read, or JSON to work with."""
    if as_json:
        print(json.dumps(list(rows), ensure_ascii=False, indent=2))
        return
    if not rows:
        print("None.")
        return
    table = Table(box=None, header_style="bold")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")  # nothing is cut: people copy from it
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    # what is not a terminal has no width, and a line is a row there
    Console(width=None if sys.stdout.isatty() else 240).print(table)


def when(instant: int | None) -> str | None:
    """ISO 8601, to the second."""
    if instant is None:
        return None
    return datetime.fromtimestamp(instant / 1000, tz=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
