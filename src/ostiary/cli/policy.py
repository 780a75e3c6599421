"""`ostiary admin policy` and `ostiary admin explain`: the authentication methods policy, and what it means."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli.workplace import Data, Json, fail, say, show_rows, transaction, when
from ostiary.clock import system_clock
from ostiary.identity import administration
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.policy import document, keeping
from ostiary.identity.policy.explain import explain
from ostiary.identity.policy.impact import Impact, Preview, preview
from ostiary.identity.policy.model import Policy
from ostiary.identity.reasons import Refusal
from ostiary.storage import people, policies
from ostiary.web.explaining import impact_rows, passkey_rows, rule_rows

app = typer.Typer(help="The authentication methods policy.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="A policy as JSON, as `show` prints it; - reads standard input.")]
Sure = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Note = Annotated[str, typer.Option(help="Why, for whoever reads the versions later.")]


@app.command("show")
def show_policy(
    version: Annotated[int | None, typer.Option(help="An earlier version; 0 is the default policy.")] = None,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="It is JSON always.", hidden=True)] = True,
) -> None:
    """Print the policy in force as JSON."""
    with transaction(data) as tx:
        policy = keeping.current(tx) if version is None else keeping.numbered(tx, version)
    print(document.dump(policy, indent=2))


@app.command("check")
def check_policy(file: File, data: Data = None, as_json: Json = False) -> None:
    """Say what contradicts itself in a policy, without saving it. Exits with 1 when it could not be saved."""
    policy = _read(file)
    with transaction(data) as tx:
        doubts = document.doubts(policy, {group.id for group in people.all_groups(tx)})
    faults = document.faults(policy)
    rows: list[dict[str, object]] = [
        {"kind": kind, "where": one.where, "what": one.what}
        for kind, found in (("fault", faults), ("doubt", doubts))
        for one in found
    ]
    show_rows(rows, as_json=as_json)
    if faults:
        raise typer.Exit(1)


@app.command("preview")
def preview_policy(file: File, data: Data = None, as_json: Json = False) -> None:
    """Say what saving a policy would do to people."""
    policy = _read(file)
    with transaction(data, is_snapshot=True) as tx:
        seen = preview(tx, policy, now=system_clock())
    if as_json:
        print(json.dumps(seen.to_json(), ensure_ascii=False, indent=2))
    else:
        _say_preview(seen)


@app.command("set")
def set_policy(file: File, note: Note = "", is_sure: Sure = False, data: Data = None, as_json: Json = False) -> None:
    """Make a policy the one in force, after showing what that does to people."""
    if as_json and not is_sure:
        fail("--json asks nobody: give --yes as well.")
    policy = _read(file)
    with transaction(data, is_snapshot=True) as tx:
        based_on = policies.newest_number(tx)
        seen = preview(tx, policy, now=system_clock())
    if not as_json:
        _say_preview(seen)
    if seen.faults:
        fail("It is not saved. " + " ".join(f"{one.where}: {one.what}" for one in seen.faults))
    if not is_sure:
        typer.confirm("Save it?", abort=True)
    with transaction(data) as tx:
        if policies.newest_number(tx) != based_on:
            fail("Somebody else has changed the policy meanwhile. Nothing is saved.")
        number = keeping.save(tx, policy, note=note, actor=None, caller=COMMAND_LINE, now=system_clock())
    if as_json:
        print(json.dumps({"version": number, **seen.to_json()}, ensure_ascii=False, indent=2))
    else:
        say(f"Version {number} is in force.")


@app.command("versions")
def list_versions(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100, data: Data = None, as_json: Json = False
) -> None:
    """List the versions there have been, newest first."""
    with transaction(data) as tx:
        rows = [
            {"version": one.version, "at": when(one.at), "actor": one.actor, "note": one.note}
            for one in policies.newest_versions(tx, limit=limit)
        ]
    show_rows(rows, as_json=as_json)


@app.command("put-back")
def put_back(
    version: Annotated[int, typer.Argument(min=0, help="As `versions` numbers it; 0 is the default policy.")],
    is_sure: Sure = False,
    data: Data = None,
) -> None:
    """Make an earlier version the policy in force again."""
    with transaction(data, is_snapshot=True) as tx:
        _say_preview(preview(tx, keeping.numbered(tx, version), now=system_clock()))
    if not is_sure:
        typer.confirm(f"Put version {version} back?", abort=True)
    with transaction(data) as tx:
        number = keeping.put_back(tx, version, actor=None, caller=COMMAND_LINE, now=system_clock())
    say(f"Version {number} is in force; it is what version {version} was.")


def explain_person(
    username: Annotated[str, typer.Argument(help="The username; the primary domain may be left out.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Say why a person can, or cannot, add a passkey and sign in with it."""
    with transaction(data) as tx:
        found = explain(tx, administration.find_person(tx, username), system_clock())
    if as_json:
        print(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
        return
    say(f"{found.person.username}, by version {found.policy_version} of the policy")
    say(f"Can add a passkey: {'yes' if found.can_add else 'no'}. Can sign in: {'yes' if found.can_sign_in else 'no'}.")
    if found.accepted:
        say(f"Accepted: {', '.join(found.accepted)}")
    for title, rows in (
        ("Rules", rule_rows(found, _english)),
        ("Passkeys", passkey_rows(found, _english, lambda instant: when(instant) or "")),
    ):
        say(f"\n{title}")
        for row in rows:
            say(f"  {row.verdict:<4}  {row.title}")
            if row.cure:
                say(f"        {row.cure}")
        if not rows:
            say("  None.")


def _read(file: Path) -> Policy:
    if str(file) == "-":
        text = sys.stdin.read()
    elif file.is_file():
        text = file.read_text(encoding="utf-8")
    else:
        fail(f"There is no file {file}.")
    try:
        return document.load(text)
    except Refusal as refusal:
        fail(f"This is not a policy. {refusal.detail}")


def _say_preview(seen: Preview) -> None:
    for kind, found in (("Wrong", seen.faults), ("Doubtful", seen.doubts)):
        for one in found:
            say(f"{kind}: {one.where}: {one.what}")
    _say_impact("At once", seen.at_once)
    if seen.grace_ends is not None:
        _say_impact(f"When the grace period is over ({when(seen.grace_ends)})", seen.in_the_end)


def _say_impact(title: str, impact: Impact) -> None:
    say(f"{title}, of {impact.people} people:")
    rows = impact_rows(impact, _english)
    for affected, words in rows:
        names = ", ".join(one.username for one in affected.examples)
        more = ", ..." if affected.number > len(affected.examples) else ""
        say(f"  {affected.number} {words}: {names}{more}")
    if not rows:
        say("  Nothing changes for anybody.")


def _english(message: str) -> str:
    return message
