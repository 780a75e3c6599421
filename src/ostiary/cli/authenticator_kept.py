"""`ostiary authenticator accounts`, `passkeys` and `codes`: what is kept, listed, shown, added and deleted."""

import json
from typing import Annotated, Any, Final

import typer

from ostiary.authenticator.app.agent_client import AgentError
from ostiary.cli.authenticator_talk import Data, read_pin, talking
from ostiary.cli.printing import Json, say, show_rows, when

accounts_app = typer.Typer(help="Work and school accounts.", invoke_without_command=True)
passkeys_app = typer.Typer(help="Passkeys.", invoke_without_command=True)
codes_app = typer.Typer(help="One-time codes.", invoke_without_command=True)
Server = Annotated[str, typer.Argument(help="The address of your organisation's sign-in.")]
Sure = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

_ASKED_FIRST: Final = {
    "last_strong_method": ("is_understood", "Delete it all the same?"),
    "fresh_sign_in_needed": (
        "is_here_only",
        "Say no to sign in again first (ostiary authenticator accounts add SERVER). Delete it only here?",
    ),
}
"""What the server wants the person to be asked, by which parameter the answer is told, and the question."""


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
        show_facts(talk.ask("passkeys.show", {"id": passkey}), as_json=as_json)


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
        params: dict[str, Any] = {"id": passkey}
        while True:
            try:
                _say_deletion(talk.ask("passkeys.delete", params))
                return
            except AgentError as error:
                name, question = _ASKED_FIRST.get(error.reason, ("", ""))
                if not name or name in params:
                    raise
                typer.confirm(f"{error.message} {question}", abort=True)  # `--yes` was said before anybody knew
                params[name] = True


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


def show_facts(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    show_rows([{"what": key.replace("_", " "), "is": _cell(key, value)} for key, value in facts.items()], as_json=False)


def _cell(name: str, value: object) -> object:
    return when(value) if name.endswith("_at") and isinstance(value, int) else value


def _say_deletion(deletion: dict[str, Any]) -> None:
    say(f"{deletion['message']} {deletion['next']}".rstrip())
