"""`ostiary authenticator`: the app, and the same by command line."""

import webbrowser
from typing import Annotated

import typer

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.keys import KeyStoreError
from ostiary.cli import authenticator_browser, authenticator_hosts, authenticator_nearby
from ostiary.cli.authenticator_kept import Sure, accounts_app, codes_app, passkeys_app, show_facts
from ostiary.cli.authenticator_start import is_running, open_running, start_behind
from ostiary.cli.authenticator_talk import Data, directory_of, read_line, read_new_pin, read_pin, talking
from ostiary.cli.printing import Json, fail, say

app = typer.Typer(
    help="The Authenticator: passkeys, approvals and one-time codes. Without a command, runs the app.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
pin_app = typer.Typer(help="The PIN.", no_args_is_help=True)
for _name, _part in (("accounts", accounts_app), ("passkeys", passkeys_app), ("codes", codes_app), ("pin", pin_app)):
    app.add_typer(_part, name=_name)
authenticator_hosts.register(app)
authenticator_nearby.register(app)
app.command("install-browser")(authenticator_browser.install)


@app.callback()
def run_app(
    context: typer.Context,
    data: Data = None,
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1; any that is free otherwise.", min=0, max=65535)] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, open nothing.")] = False,
    background: Annotated[bool, typer.Option("--background", help="Go on behind the terminal.")] = False,
    tpm: Annotated[bool, typer.Option("--tpm", help="Keep the keys of a new Authenticator in the TPM.")] = False,
    bluetooth: Annotated[
        str, typer.Option(help="A Bluetooth controller of its own, such as usb:0, where there is no BlueZ.")
    ] = "",
) -> None:
    """Run the Authenticator."""
    context.ensure_object(dict)["data"] = data
    if context.invoked_subcommand is not None:
        return
    directory = directory_of(context, data)
    if open_running(directory, opens=not (no_browser or background)):
        return
    if background:
        start_behind(directory, port=port, tpm=tpm, bluetooth=bluetooth)
        return
    from ostiary.authenticator.app.runner import run

    def on_start(url: str) -> None:
        print(f"The Authenticator is open at {url}  (Ctrl+C stops it)", flush=True)
        if not no_browser:
            webbrowser.open(url)

    try:
        run(
            directory,
            port=port,
            in_tpm=tpm,
            bluetooth=bluetooth,
            on_start=on_start,
            open_url=None if no_browser else webbrowser.open,
        )
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
        show_facts(talk.ask("status"), as_json=as_json)


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
    """Delete everything kept here: passkeys, accounts, codes, PIN. Takes the PIN, or your word in the app's window."""
    if not is_sure:
        typer.confirm("Delete every passkey, account and code kept here, for good?", abort=True)
    with talking(context, data) as talk:
        state = talk.ask("status")
        takes_pin = state["is_pin_set"] and not state["is_blocked"]
        pin = read_pin("The Authenticator's PIN (empty if you have forgotten it)") if takes_pin else ""
        if not pin and state["is_pin_set"]:
            say("Confirm it in the Authenticator's window.")
        talk.ask("reset", {"pin": pin}, answers_here=False)
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
