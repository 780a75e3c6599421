"""`ostiary authenticator`: the app, and the same by command line."""

import json
import webbrowser
from typing import Annotated, Any

import typer

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.keys import KeyStoreError
from ostiary.cli import authenticator_browser, authenticator_hosts
from ostiary.cli.authenticator_start import is_running, open_running, start_behind
from ostiary.cli.authenticator_talk import Data, directory_of, read_line, read_new_pin, read_pin, talking
from ostiary.cli.printing import Json, fail, say, show_rows, when

app = typer.Typer(
    help="The Authenticator: passkeys, approvals and one-time codes. Without a command, runs the app.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
accounts_app = typer.Typer(help="Work and school accounts.", invoke_without_command=True)
passkeys_app = typer.Typer(help="Passkeys.", invoke_without_command=True)
codes_app = typer.Typer(help="One-time codes.", invoke_without_command=True)
pin_app = typer.Typer(help="The PIN.", no_args_is_help=True)
for _name, _part in (("accounts", accounts_app), ("passkeys", passkeys_app), ("codes", codes_app), ("pin", pin_app)):
    app.add_typer(_part, name=_name)
authenticator_hosts.register(app)
app.command("install-browser")(authenticator_browser.install)

Server = Annotated[str, typer.Argument(help="The address of your organisation's sign-in.")]
Sure = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.callback()
def run_app(
    context: typer.Context,
    data: Data = None,
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1; any that is free otherwise.", min=0, max=65535)] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, open nothing.")] = False,
    background: Annotated[bool, typer.Option("--background", help="Go on behind the terminal.")] = False,
    tpm: Annotated[bool, typer.Option("--tpm", help="Keep the keys of a new Authenticator in the TPM.")] = False,
) -> None:
    """Run the Authenticator."""
    context.ensure_object(dict)["data"] = data
    if context.invoked_subcommand is not None:
        return
    directory = directory_of(context, data)
    if open_running(directory, opens=not (no_browser or background)):
        return
    if background:
        start_behind(directory, port=port, tpm=tpm)
        return
    from ostiary.authenticator.app.runner import run

    def on_start(url: str) -> None:
        print(f"The Authenticator is open at {url}  (Ctrl+C stops it)", flush=True)
        if not no_browser:
            webbrowser.open(url)

    try:
        run(directory, port=port, in_tpm=tpm, on_start=on_start, open_url=None if no_browser else webbrowser.open)
    except AppError as error:
        if error.reason is AppReason.ALREADY_RUNNING and open_running(directory, opens=not no_browser, patience=5):
            return
        fail(f"{error.message} {error.next}")
    except KeyStoreError as error:
        fail(f"{error.message} {error.next_step}")


@app.command()
def status(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """Say how the Authenticator is."""
    with talking(context, data) as talk:
        _show(talk.ask("status"), as_json=as_json)


@app.command()
def lock(context: typer.Context, data: Data = None) -> None:
    """Lock the running Authenticator."""
    with talking(context, data) as talk:
        talk.ask("lock")
    say("The Authenticator is locked.")


@app.command()
def unlock(context: typer.Context, data: Data = None) -> None:
    """Unlock the running Authenticator."""
    if not is_running(directory_of(context, data)):
        fail("The Authenticator is not running. Start it with: ostiary authenticator")
    with talking(context, data, unlock=True):
        say("The Authenticator is unlocked.")


@app.command()
def approve(
    context: typer.Context,
    data: Data = None,
    wait: Annotated[int, typer.Option(help="How many seconds to wait for a request.", min=0, max=600)] = 60,
    decline: Annotated[bool, typer.Option("--decline", help="Decline it.")] = False,
    report: Annotated[bool, typer.Option("--report", help="It wasn't me.")] = False,
) -> None:
    """Show the sign-in that waits, and approve it with its number and your PIN."""
    with talking(context, data, unlock=True) as talk:
        pending = talk.ask("approvals", {"wait": wait})
        if not pending:
            fail("No sign-in waits for you.")
        one = pending[0]
        say(f"{one['username']} signs in to {one['app']}")
        say(f"  from {one['client']}, {', '.join(part for part in (one['address'], one['place']) if part)}")
        if decline or report:
            talk.ask("approvals.answer", {"id": one["id"], "decision": "report" if report else "decline"})
            say("Reported. Your administrator is told." if report else "Declined.")
            return
        number = read_line("The number on the sign-in page")
        answer = {"id": one["id"], "decision": "approve", "number": number, "pin": read_pin()}
        talk.ask("approvals.answer", answer)
        say("Approved.")


@app.command()
def enrol(
    context: typer.Context,
    server: Annotated[str, typer.Option(help="The address of your organisation's sign-in.")],
    code: Annotated[str, typer.Option(help="The enrolment code from your administrator.")],
    data: Data = None,
) -> None:
    """Let your organisation vouch for passkeys made here."""
    with talking(context, data, unlock=True) as talk:
        say(talk.ask("enrol", {"server": server, "code": code})["message"])


@app.command()
def reset(context: typer.Context, data: Data = None, is_sure: Sure = False) -> None:
    """Delete everything kept here: passkeys, accounts, codes, PIN."""
    if not is_sure:
        typer.confirm("Delete every passkey, account and code kept here, for good?", abort=True)
    with talking(context, data) as talk:
        talk.ask("reset", {"is_sure": True})
    say("Everything is deleted. Delete the passkeys under Security info, too.")


# --- the PIN


@pin_app.command("set")
def set_pin(context: typer.Context, data: Data = None) -> None:
    """Choose the first PIN."""
    with talking(context, data) as talk:
        talk.ask("pin.set", {"pin": read_new_pin()})
    say("The PIN is set.")


@pin_app.command("change")
def change_pin(context: typer.Context, data: Data = None) -> None:
    """Choose another PIN."""
    with talking(context, data) as talk:
        talk.ask("pin.change", {"current": read_pin("The PIN so far"), "new": read_new_pin()})
    say("The PIN is changed.")


# --- accounts


@accounts_app.callback()
def list_accounts(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """List accounts."""
    if context.invoked_subcommand is None:
        with talking(context, data) as talk:
            _list(talk.ask("accounts"), ("id", "username", "organization", "server", "connection"), as_json=as_json)


@accounts_app.command("list")
def list_accounts_too(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """List accounts."""
    list_accounts(context, data, as_json)


@accounts_app.command("add")
def add_account(context: typer.Context, server: Server, data: Data = None) -> None:
    """Sign in at your organisation, and set up what it allows."""
    with talking(context, data, unlock=True) as talk:
        account = talk.ask("accounts.add", {"server": server})
        say(f"{account['username']} is added.")
        for step in account["steps"]:
            say(f"  {step['kind']}: {step['status'].replace('_', ' ')}. {step['message']} {step['next']}".rstrip())


@accounts_app.command("remove")
def remove_account(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="Its id, from the list.")],
    data: Data = None,
    is_sure: Sure = False,
) -> None:
    """Remove an account. Its passkeys stay until they are deleted."""
    if not is_sure:
        typer.confirm("Remove this account from the Authenticator?", abort=True)
    with talking(context, data, unlock=True) as talk:
        _say_deletion(talk.ask("accounts.remove", {"account": account}))


# --- passkeys


@passkeys_app.callback()
def list_passkeys(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """List passkeys."""
    if context.invoked_subcommand is None:
        with talking(context, data) as talk:
            _list(talk.ask("passkeys"), ("id", "rp_id", "user_name", "created_at", "last_used_at"), as_json=as_json)


@passkeys_app.command("list")
def list_passkeys_too(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """List passkeys."""
    list_passkeys(context, data, as_json)


@passkeys_app.command("show")
def show_passkey(
    context: typer.Context,
    passkey: Annotated[str, typer.Argument(help="Its id, from the list.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show one passkey."""
    with talking(context, data) as talk:
        _show(talk.ask("passkeys.show", {"id": passkey}), as_json=as_json)


@passkeys_app.command("delete")
def delete_passkey(
    context: typer.Context,
    passkey: Annotated[str, typer.Argument(help="Its id, from the list.")],
    data: Data = None,
    is_sure: Sure = False,
) -> None:
    """Delete a passkey, here and where its account is signed in also at the server."""
    if not is_sure:
        typer.confirm("Delete this passkey for good?", abort=True)
    with talking(context, data, unlock=True) as talk:
        _say_deletion(talk.ask("passkeys.delete", {"id": passkey}))


# --- one-time codes


@codes_app.callback()
def list_codes(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """Show the codes that hold now."""
    if context.invoked_subcommand is None:
        with talking(context, data, unlock=True) as talk:
            _list(talk.ask("codes"), ("id", "issuer", "name", "code", "seconds_left"), as_json=as_json)


@codes_app.command("list")
def list_codes_too(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """Show the codes that hold now."""
    list_codes(context, data, as_json)


@codes_app.command("add")
def add_code(
    context: typer.Context,
    issuer: Annotated[str, typer.Option(help="Whose account it is, with a secret by hand.")] = "",
    name: Annotated[str, typer.Option(help="The account's name, with a secret by hand.")] = "",
    data: Data = None,
) -> None:
    """Add a code by its `otpauth://` text or its secret, which are asked for."""
    with talking(context, data, unlock=True) as talk:
        if issuer or name:
            params = {"issuer": issuer, "name": name, "secret": read_pin("The secret")}
        else:
            params = {"uri": read_pin("The otpauth:// text")}
        added = talk.ask("codes.add", params)
        say(f"{added['issuer'] or added['name']} is added. Its code now: {added['code']}")


@codes_app.command("delete")
def delete_code(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="Its id, from the list.")],
    data: Data = None,
    is_sure: Sure = False,
) -> None:
    """Delete a code. First take it out of Security info, or you may be asked for it still."""
    if not is_sure:
        typer.confirm("Delete this code for good?", abort=True)
    with talking(context, data, unlock=True) as talk:
        talk.ask("codes.delete", {"id": code})
    say("The code is deleted.")


# --- inside


def _list(rows: list[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool) -> None:
    show_rows(
        rows if as_json else [{name: _cell(name, row[name]) for name in columns} for row in rows], as_json=as_json
    )


def _show(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    show_rows([{"what": key.replace("_", " "), "is": _cell(key, value)} for key, value in facts.items()], as_json=False)


def _cell(name: str, value: object) -> object:
    return when(value) if name.endswith("_at") and isinstance(value, int) else value


def _say_deletion(deletion: dict[str, Any]) -> None:
    say(f"{deletion['message']} {deletion['next']}".rstrip())
