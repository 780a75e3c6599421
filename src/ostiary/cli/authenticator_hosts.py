"""Where the Authenticator plugs in: a browser's native messaging, a virtual USB security key, a virtual NFC card."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from ostiary.authenticator.app.agent_client import NotRunning
from ostiary.cli.authenticator_start import start_behind
from ostiary.cli.authenticator_talk import Data, directory_of
from ostiary.cli.printing import fail, say


def register(app: typer.Typer) -> None:
    """Each of them a command of `ostiary authenticator`."""
    whatever = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command("native-host", hidden=True, context_settings=whatever)(native_host)
    app.command("security-key")(security_key)
    app.command("nfc-card")(nfc_card)


def native_host(context: typer.Context) -> None:
    """What a browser starts for the extension."""
    from ostiary.authenticator.hosts import chromium

    raise typer.Exit(chromium.main(context.args))


def security_key(
    context: typer.Context,
    data: Data = None,
    udev_rule: Annotated[
        bool, typer.Option("--udev-rule", help="Print the rule that lets you, for /etc/udev/rules.d, and end.")
    ] = False,
    install: Annotated[bool, typer.Option("--install", help="Plug it in whenever you sign in.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Undo --install.")] = False,
) -> None:
    """Be a USB security key for every browser and program on this computer."""
    from ostiary.authenticator.hosts import security_key as key
    from ostiary.authenticator.hosts.uhid import UDEV_RULE, UhidUnavailable

    if udev_rule + install + remove > 1:
        fail("Choose one of --udev-rule, --install and --remove.")
    directory = directory_of(context, data)
    if udev_rule:
        say(UDEV_RULE.rstrip())
    elif install:
        _install(directory)
    elif remove:
        _remove()
    else:
        engine = key.relay(directory, source=key.USB, start_app=lambda: _start_app(directory))
        try:
            with contextlib.suppress(KeyboardInterrupt):
                key.serve_security_key(engine, on_start=lambda: print(_PLUGGED_IN, flush=True))
        except UhidUnavailable as error:
            fail(str(error))


_PLUGGED_IN = "The Authenticator is a USB security key now.  (Ctrl+C unplugs it)"


def nfc_card(context: typer.Context, data: Data = None) -> None:
    """Be an NFC card on the virtual reader of this computer."""
    from ostiary.authenticator.hosts import security_key as key
    from ostiary.authenticator.hosts.vpcd import ReaderUnavailable

    directory = directory_of(context, data)
    engine = key.relay(directory, source=key.NFC, start_app=lambda: _start_app(directory))
    try:
        with contextlib.suppress(KeyboardInterrupt):
            key.serve_nfc_card(engine, on_start=lambda: print(_LAID_ON, flush=True))
    except ReaderUnavailable as error:
        fail(str(error))


_LAID_ON = "The Authenticator lies on the virtual card reader.  (Ctrl+C takes it away)"


def _install(directory: Path) -> None:
    from ostiary.authenticator.hosts import security_key as key
    from ostiary.authenticator.hosts.browser_installation import InstallationError

    try:
        done = key.install(directory)
    except InstallationError as error:
        fail(str(error))
    say(f"Wrote {done.unit}")
    if not done.is_running:
        say(f"Start it once you are signed in: systemctl --user enable --now {key.UNIT}")
    if done.command_left:
        say("One thing is left, once and as an administrator: let you make USB devices.")
        say(f"  {done.command_left}")
        say("The security key is plugged in within half a minute after that.")
    elif done.is_running:
        say("The security key is plugged in, now and whenever you sign in.")


def _remove() -> None:
    from ostiary.authenticator.hosts import security_key as key
    from ostiary.authenticator.hosts.browser_installation import InstallationError

    try:
        paths = key.remove()
    except InstallationError as error:
        fail(str(error))
    for path in paths:
        say(f"Removed {path}")
    if not paths:
        say("There was nothing to remove.")
    if key.RULE.exists():
        say(f"The rule is left. Remove it with: sudo rm {key.RULE}")


def _start_app(directory: Path) -> None:
    """Behind the terminal. Why it did not start is printed, and the key stays plugged in for the next try."""
    try:
        start_behind(directory, port=0, tpm=False)
    except typer.Exit as error:
        raise NotRunning from error
