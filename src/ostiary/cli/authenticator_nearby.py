"""`ostiary authenticator scan` and `computers`: signing in on another computer, and those that are remembered."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ostiary.cli.authenticator_talk import Data, read_line, talking
from ostiary.cli.printing import Json, fail, say, show_rows, when

_STAGES: Final = {
    "connecting": "Calling your organisation's tunnel service ...",
    "advertising": "Waiting for the other computer to hear this one by Bluetooth ...",
    "connected": "The other computer is near.",
    "asked": "It asks for a passkey. Agree only if it is the one in front of you.",
}
_RESULTS: Final = {
    "signed_in": "The other computer is signed in.",
    "registered": "The passkey is saved here.",
    "already_registered": "This passkey is here already. Nothing new was made.",
    "no_passkey": "There is no passkey here for that.",
    "declined": "Declined. Nothing was changed.",
    "nothing": "The other computer stopped asking. Nothing was changed.",
}
_LARGEST_PICTURE: Final = 50_000_000

computers_app = typer.Typer(help="Computers that are remembered, and need no code.", invoke_without_command=True)
Computer = Annotated[str, typer.Argument(help="Its id, from the list.")]


def register(app: typer.Typer) -> None:
    app.command()(scan)
    app.add_typer(computers_app, name="computers")


def scan(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="The code's text, FIDO:/...; else it is asked for.")] = None,
    image: Annotated[Path | None, typer.Option(help="A picture of the code, as PNG.", show_default=False)] = None,
    data: Data = None,
) -> None:
    """Sign in on another computer that shows a QR code, with a passkey kept here."""
    if text is not None and image is not None:
        fail("Give the code's text or a picture of it, not both.")
    with talking(context, data) as talk:
        code = _read_picture(image) if image is not None else text or read_line("The code's text (FIDO:/...)")
        ended = talk.ask("nearby.scan", {"text": code}, watch=_tell)
    say(_RESULTS[ended["result"]])
    if ended["is_remembered"]:
        say("That computer is remembered. To forget it: ostiary authenticator computers")


@computers_app.callback()
def list_computers(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """List the computers that are remembered."""
    if context.invoked_subcommand is not None:
        return
    with talking(context, data) as talk:
        rows: list[dict[str, Any]] = talk.ask("nearby.computers")
    if not as_json:
        instants = ("linked_at", "last_used_at")
        rows = [{key: when(value) if key in instants else value for key, value in one.items()} for one in rows]
    show_rows(rows, as_json=as_json)


@computers_app.command("rename")
def rename_computer(
    context: typer.Context,
    computer: Computer,
    name: Annotated[str, typer.Argument(help="What you call it.")],
    data: Data = None,
) -> None:
    """Give a computer a name."""
    with talking(context, data) as talk:
        talk.ask("nearby.rename", {"id": computer, "name": name})
    say("The computer is renamed.")


@computers_app.command("remove")
def remove_computer(context: typer.Context, computer: Computer, data: Data = None) -> None:
    """Forget a computer: next time it needs a code."""
    with talking(context, data) as talk:
        talk.ask("nearby.remove", {"id": computer})
    say("The computer is removed.")


def _tell(notice: Any) -> None:
    stage = _STAGES.get(str(notice.get("stage")))
    if stage is not None:
        print(stage, file=sys.stderr, flush=True)


def _read_picture(path: Path) -> str:
    from ostiary.authenticator.app.nearby import find_code
    from ostiary.authenticator.app.png import grey_of_png
    from ostiary.authenticator.app.qr import read_texts

    try:
        with path.open("rb") as file:
            picture = file.read(_LARGEST_PICTURE)
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}.")
    return find_code(read_texts(*grey_of_png(picture)))
