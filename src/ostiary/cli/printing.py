"""How commands answer: a line, a table or JSON, or why not."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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
    from rich.console import Console  # most commands print no table, and it takes a while
    from rich.table import Table

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
