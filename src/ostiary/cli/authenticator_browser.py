"""`ostiary authenticator install-browser`: lets this computer's browsers find the Authenticator."""

from typing import Annotated

import typer

from ostiary.authenticator.hosts.browser_installation import (
    EXTENSION_DIRECTORY,
    InstallationError,
    install_browser,
)
from ostiary.cli.authenticator_talk import Data, directory_of
from ostiary.cli.printing import fail, say


def install(
    context: typer.Context,
    data: Data = None,
    extension_id: Annotated[
        list[str] | None, typer.Option(help="The ID of your organisation's build of the extension. May be repeated.")
    ] = None,
    system: Annotated[bool, typer.Option("--system", help="For everybody on this computer; as root.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take away what was written.")] = False,
) -> None:
    """Let Chromium, Chrome, Edge and Brave find the Authenticator."""
    directory = directory_of(context, data)
    try:
        paths = install_browser(directory, extension_ids=extension_id or (), is_system=system, remove=remove)
    except InstallationError as error:
        fail(str(error))
    for path in paths:
        say(f"{'Removed' if remove else 'Wrote'} {path}")
    if remove:
        say("Remove the extension in the browser, under Extensions." if paths else "There was nothing to remove.")
        return
    say("")
    say("Now in the browser: Extensions, switch on Developer mode, Load unpacked, and choose")
    say(f"  {EXTENSION_DIRECTORY}")
    say("Where your organisation manages the browser, it has installed the extension already.")
