"""`ostiary`: the commands. Each is imported when it is asked for: the Authenticator starts without the server."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

from ostiary import __version__

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "serve": ("ostiary.cli.serve", "serve"),
    "authenticator": ("ostiary.cli.authenticator", "app"),
    "tunnel": ("ostiary.cli.tunnel", "tunnel"),
    "admin": ("ostiary.cli.admin", "app"),
    "doctor": ("ostiary.cli.doctor", "doctor"),
}
"""Where they are: a module, and in it a Typer of several commands or the function of one."""


class LazyCommands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return [*COMMANDS, *(name for name in super().list_commands(ctx) if name not in COMMANDS)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return super().get_command(ctx, cmd_name)


def _load(name: str) -> Any:
    module, attribute = COMMANDS[name]
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        one.command(name)(found)
        found = one
    command = typer.main.get_command(found)
    command.name = name
    return command


app = typer.Typer(
    name="ostiary",
    help="The passkey platform for organisations.",
    cls=LazyCommands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _several() -> None:
    """The passkey platform for organisations."""


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def run() -> None:
    app()
