"""`ostiary admin tap`: Temporary Access Passes, from the machine itself."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli.workplace import Data, Json, fail, read_settings, say, show_rows, transaction, when
from ostiary.clock import system_clock
from ostiary.identity import administration, passes
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.methods import TemporaryAccessPasses
from ostiary.identity.passes import Usability
from ostiary.identity.sealing import key_from_file
from ostiary.storage.methods import TemporaryAccessPass
from ostiary.web.sign_in import WITH_PASS

app = typer.Typer(help="Temporary Access Passes.", no_args_is_help=True)

Username = Annotated[str, typer.Argument(help="The username; the primary domain may be left out.")]


@app.command("issue")
def issue_pass(
    username: Username,
    lifetime: Annotated[int | None, typer.Option(help="Minutes; the policy's default otherwise.")] = None,
    is_one_time: Annotated[bool, typer.Option("--one-time", help="For one use.")] = False,
    starts: Annotated[str | None, typer.Option(help="From when on, as 2027-01-04T08:00+01:00; now otherwise.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Give a person a pass, shown only now. It replaces the one they had."""
    starts_at = None if starts is None else _instant(starts)
    with transaction(data) as tx:
        person = administration.find_person(tx, username)
        held, code, usability = passes.issue(
            tx,
            _passes(data),
            person,
            lifetime_minutes=lifetime,
            is_one_time=is_one_time,
            starts_at=starts_at,
            actor=None,
            caller=COMMAND_LINE,
            now=system_clock(),
        )
    url = f"{read_settings(data).public_url}{WITH_PASS}"
    if as_json:
        issued = {"username": person.username, "pass": code, "url": url, **_facts(held, usability)}
        print(json.dumps(issued, indent=2))
        return
    say(f"The Temporary Access Pass of {person.username}, shown only now: {code}")
    say(f"Valid from {when(held.starts_at)} to {when(held.expires_at)}{', for one use' if held.is_one_time else ''}.")
    say(f"They sign in with it at {url}")
    if usability is Usability.DISABLED_BY_POLICY:
        say("The policy does not let this person use a pass: it will be refused.")


@app.command("show")
def show_pass(username: Username, data: Data = None, as_json: Json = False) -> None:
    """Show a person's pass, never the code: from when to when, and whether it works now or why not."""
    with transaction(data) as tx:
        person = administration.find_person(tx, username)
        found = passes.find(tx, person, now=system_clock())
    facts = _facts(*found) if found else None
    if as_json:
        print(json.dumps(facts, indent=2))
    elif facts is None:
        say(f"{person.username} has no pass.")
    else:
        show_rows([{"what": key.replace("_", " "), "is": value} for key, value in facts.items()], as_json=False)


@app.command("remove")
def remove_pass(username: Username, data: Data = None) -> None:
    """Take a person's pass away, and end the sessions it opened."""
    with transaction(data) as tx:
        person = administration.find_person(tx, username)
        passes.remove(tx, person, actor=None, caller=COMMAND_LINE, now=system_clock())
    say(f"The pass of {person.username} is removed, and what it opened is closed.")


def _passes(data: Path | None) -> TemporaryAccessPasses:
    return TemporaryAccessPasses(key_from_file(read_settings(data).data / "sealing.key"))


def _facts(held: TemporaryAccessPass, usability: Usability) -> dict[str, object]:
    return {
        "id": held.method_id,
        "starts": when(held.starts_at),
        "expires": when(held.expires_at),
        "one_time": held.is_one_time,
        "used": when(held.used_at),
        "usable": usability is Usability.ENABLED_BY_POLICY,
        "usability": usability.value,
    }


def _instant(text: str) -> int:
    """ISO 8601; UTC when no zone is given."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text} is not a time. Give it as 2027-01-04T08:00+01:00.")
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return int(parsed.timestamp() * 1000)
