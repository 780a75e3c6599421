"""Lets the person notice a question that no window shows: asked over USB or NFC, there is no page it belongs to.

A relay that a service manager started at sign-in knows nothing of the desktop that came up after it; the manager does.
"""

import os
import shutil
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Mapping
from typing import Final

_SCREENS: Final = ("DISPLAY", "WAYLAND_DISPLAY")
_OF_THE_DESKTOP: Final = frozenset({*_SCREENS, "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "XDG_CURRENT_DESKTOP"})
_WITHIN: Final = 5
_TITLE: Final = "Ostiary Authenticator"
_WORDS: Final = "A program wants to use your security key. The Authenticator asks you about it."


def draw_attention(url: str, is_shown: bool) -> None:
    """To the question at `url`. `is_shown`: on a page that is open, which may be hidden. Returns at once, as some
    browsers are slow to start."""
    threading.Thread(target=_draw_attention, args=(url, is_shown), name="attention", daemon=True).start()


def _draw_attention(url: str, is_shown: bool) -> None:
    if not _has_screen(os.environ):
        os.environ.update(_manager_s_environment())
    if is_shown and _notify():
        return
    if _has_screen(os.environ) and webbrowser.open(url):
        return
    if not _notify():
        print(f"{_WORDS} Open it with: ostiary authenticator", file=sys.stderr, flush=True)


def _has_screen(environment: Mapping[str, str]) -> bool:
    """Without one, `webbrowser` would look for a browser that draws on this terminal. `BROWSER` is the person's own
    word."""
    return any(environment.get(name) for name in (*_SCREENS, "BROWSER"))


def _manager_s_environment() -> dict[str, str]:
    """What desktops tell systemd's user manager of themselves as they start."""
    told = _run("systemctl", "--user", "show-environment") or ""
    pairs = (line.partition("=") for line in told.splitlines())
    # a value in $'' has something to be unquoted; none of these has on a desktop
    return {name: value for name, _, value in pairs if name in _OF_THE_DESKTOP and not value.startswith("$'")}


def _notify() -> bool:
    return _run("notify-send", "--app-name", _TITLE, "--urgency", "critical", _TITLE, _WORDS) is not None


def _run(program: str, *arguments: str) -> str | None:
    """What it says; None when it is not there or fails."""
    path = shutil.which(program)
    if path is None:
        return None
    try:
        done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=_WITHIN)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
