"""What every command starts from: settings, and an up-to-date database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from ostiary.cli.printing import Json, fail, say, show_rows, when
from ostiary.identity.reasons import Refusal
from ostiary.settings import Settings
from ostiary.storage.database import Database, Transaction
from ostiary.storage.migrate import NewerDatabaseError, migrate
from ostiary.web.wording import WORDING

__all__ = ["Data", "Json", "fail", "open_database", "read_settings", "say", "show_rows", "transaction", "when"]

Data = Annotated[Path | None, typer.Option("--data", help="The data directory.", show_default=False)]


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
