"""The native messaging host of our browser extension: a relay between a Chromium and the app, and nothing else.

A browser starts it for the extension and ends it with its input (developer.chrome.com, "Native messaging"). It imports
little, because a person waits for it to start. Of the app's operations it passes on the two ceremonies and the state;
whatever else runs in the browser cannot reach passkeys through it in any other way.
"""

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from socket import AF_UNIX, SHUT_RDWR, SOCK_STREAM, socket
from typing import Any, BinaryIO, Final

from ostiary.authenticator.hosts.native_messages import AGENT, NATIVE, FrameError, frame, read_frame

CEREMONIES: Final = frozenset({"webauthn.create", "webauthn.get"})
STATUS: Final = "status"
_START_WITHIN: Final = 15.0
_LOOK_EVERY: Final = 0.05
_BROWSER: Final = re.compile(r"[\w .-]{1,40}")

Message = dict[str, Any]


class AppUnavailable(Exception):
    """Nothing listens on the app's socket."""


class Relay:
    """One browser's conversation with the app. `send` is called from two threads."""

    def __init__(self, agent: Path, *, start_app: Callable[[], "subprocess.Popen[bytes]"], output: BinaryIO) -> None:
        self._agent = agent
        self._start_app = start_app
        self._output = output
        self._writing = threading.Lock()
        self._connecting = threading.Lock()
        self._connection: socket | None = None
        self._waiting: set[int] = set()
        self._unsent: set[int] = set()
        self._ordering = threading.Lock()

    def run(self, source: BinaryIO) -> None:
        """Until the browser ends it."""
        try:
            while (message := read_frame(source.read, NATIVE)) is not None:
                self._take(message)
        finally:
            self._disconnect()

    def _take(self, message: Message) -> None:
        if "cancel" in message:
            self._cancel(message["cancel"])
            return
        number, op = message.get("id"), message.get("op")
        if not isinstance(number, int):
            raise FrameError("a request without a number")
        try:
            request = {"id": number, "op": op, "params": _params(op, message.get("params"))}
        except ValueError as error:
            self._refuse(number, "request_invalid", str(error))
            return
        self._waiting.add(number)
        self._unsent.add(number)
        # starting the app takes a moment, in which the next message may be this one's cancellation
        threading.Thread(target=self._ask, args=(request,), daemon=True).start()

    def _cancel(self, number: object) -> None:
        if not isinstance(number, int) or number not in self._waiting:
            return
        with self._ordering:
            if number in self._unsent:
                self._unsent.discard(number)
                self._refuse(number, "cancelled", "The request was aborted.", name="AbortError")
                return
        with suppress(AppUnavailable, OSError):  # then it is over anyway
            self._pass_on({"cancel": number})

    def _ask(self, request: Message) -> None:
        try:
            self._connect(may_start=request["op"] != STATUS)
            with self._ordering:
                if request["id"] in self._unsent:
                    self._unsent.discard(request["id"])
                    self._pass_on(request)
        except (AppUnavailable, OSError, FrameError):
            if request["id"] not in self._waiting:  # cancelled meanwhile
                return
            is_question = request["op"] == STATUS
            reason = "app_not_running" if is_question else "app_unavailable"
            self._refuse(request["id"], reason, "The Ostiary Authenticator is not running.")

    def _connect(self, *, may_start: bool) -> None:
        with self._connecting:
            if self._connection is not None:
                return
            connection = _reach(self._agent)
            if connection is None and may_start:
                connection = _wait_for(self._agent, self._start_app())
            if connection is None:
                raise AppUnavailable
            self._connection = connection
            threading.Thread(target=self._listen, args=(connection,), daemon=True).start()

    def _listen(self, connection: socket) -> None:
        with connection, connection.makefile("rb") as stream:
            try:
                while (message := read_frame(stream.read, AGENT)) is not None:
                    number = message.get("id")
                    if "event" not in message and isinstance(number, int):
                        self._waiting.discard(number)
                    self._send(message)
            except (FrameError, OSError):
                pass  # the app is gone, or is not what we speak with: the same to whoever waits
            with self._connecting:
                if self._connection is connection:
                    self._connection = None
            for number in sorted(self._waiting):
                self._refuse(number, "app_unavailable", "The Ostiary Authenticator went away.")

    def _pass_on(self, message: Message) -> None:
        connection = self._connection
        if connection is None:
            raise AppUnavailable
        with self._writing:
            connection.sendall(frame(message, AGENT))

    def _refuse(self, number: int, reason: str, message: str, *, name: str = "NotAllowedError") -> None:
        self._waiting.discard(number)
        self._unsent.discard(number)
        self._send({"id": number, "error": {"name": name, "message": message, "reason": reason}})

    def _send(self, message: Message) -> None:
        with self._writing:
            self._output.write(frame(message, NATIVE))
            self._output.flush()

    def _disconnect(self) -> None:
        """The app cancels what a connection asked when it closes."""
        self._waiting.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)


def _params(op: object, params: object) -> Message:
    """What the app is asked, in its own terms. Raises `ValueError`.

    Who asks is what the browser put into the options (`remoteDesktopClientOverride`), which a page cannot: Chromium
    takes out what a page writes there. Everything else about the page's place comes from it too.
    """
    if op == STATUS:
        return {}
    if op not in CEREMONIES:
        raise ValueError("an operation that is not for browsers")
    members = _object(params)
    options = _object(members.get("options"))
    extensions = _object(options.get("extensions"))
    browsers_word = _object(extensions.pop("remoteDesktopClientOverride", None))
    if not isinstance(browsers_word.get("origin"), str):
        raise ValueError("the browser did not say which page asks")  # noqa: TRY004 - of its message, not of a type
    browser = members.get("browser")
    shown = browser if isinstance(browser, str) and _BROWSER.fullmatch(browser) else "A browser"
    return {
        "options": {**options, "extensions": extensions},
        "origin": browsers_word["origin"],
        "sameOriginWithAncestors": browsers_word.get("sameOriginWithAncestors") is True,
        "source": f"{shown} on this computer",
        "requestId": members.get("requestId"),
    }


def _object(value: object) -> Message:
    return dict(value) if isinstance(value, dict) else {}


def _reach(agent: Path) -> socket | None:
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.connect(str(agent))
    except OSError:  # no such socket, or a dead one's
        connection.close()
        return None
    return connection


def _wait_for(agent: Path, app: "subprocess.Popen[bytes]") -> socket | None:
    """None when it does not come, or has ended without leaving one that listens."""
    deadline = time.monotonic() + _START_WITHIN
    while time.monotonic() < deadline and app.poll() in (None, 0):
        connection = _reach(agent)
        if connection is not None:
            return connection
        time.sleep(_LOOK_EVERY)
    return None


def extension_of(origin: str) -> str:
    """The ID in the origin a browser names as first argument; empty for anything else."""
    found = re.fullmatch(r"chrome-extension://([a-p]{32})/", origin)
    return found[1] if found else ""


def run_native_host(
    directory: Path,
    *,
    origin: str,
    extension_ids: Collection[str],
    app_command: Sequence[str],
    environment: Mapping[str, str] | None = None,
) -> int:
    """Speaks with the browser until it is done. The exit status.

    The browser has compared the extension with the host's manifest. We do too: another manifest could name this host.
    """
    if extension_of(origin) not in extension_ids:
        print(f"{origin or 'whoever started this'} is not an extension this host works for", file=sys.stderr)
        return 2

    def start_app() -> "subprocess.Popen[bytes]":
        if not app_command:
            raise AppUnavailable
        log = directory / "app.log"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own program
                list(app_command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,  # it outlives the browser
            )

    # what Python or a library prints must not get between the frames
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    relay = Relay(directory / "agent.sock", start_app=start_app, output=output)
    try:
        relay.run(sys.stdin.buffer)
    except (FrameError, BrokenPipeError) as error:
        print(f"the browser's message is not understood: {error}", file=sys.stderr)
        return 1
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """What the launcher calls: `--data DIRECTORY --extension ID... chrome-extension://ID/`."""
    parser = argparse.ArgumentParser(prog="ostiary-native-messaging-host", add_help=False)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--extension", action="append", default=[])
    parser.add_argument("--app", action="append", default=[])
    parser.add_argument("origin", nargs="?", default="")
    given, _others = parser.parse_known_args(arguments)  # Windows adds --parent-window
    directory = given.data or _own_directory()
    app = given.app or _app(directory)
    return run_native_host(directory, origin=given.origin, extension_ids=given.extension, app_command=app)


def _own_directory() -> Path:
    from ostiary.authenticator.app.instance import default_directory

    return default_directory()


def _app(directory: Path) -> list[str]:
    # no window of its own: the question opens over the page
    return [sys.executable, "-P", "-m", "ostiary", "authenticator", "--data", str(directory), "--no-browser"]


if __name__ == "__main__":
    sys.exit(main())
