"""`ostiary authenticator`: a real app in a process of its own, and the commands beside it and without it."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.error import HTTPError

import pytest

from ostiary.authenticator.app.instance import Instance
from tests.cli.conftest import Run

PIN = "482915"
URI = "otpauth://totp/Contoso:ada?secret=JBSWY3DPEHPK3PXP&issuer=Contoso"
SERVER_PARTS = [
    "fastapi",
    "sqlalchemy",
    "alembic",
    "pydantic_settings",
    "ostiary.web",
    "ostiary.identity",
    "ostiary.storage",
]


class App:
    """`ostiary authenticator`, as somebody started it."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ostiary", "authenticator", "--data", str(directory), "--no-browser"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        output = self.process.stdout
        assert output is not None
        self.output: IO[str] = output
        self.line = output.readline()

    @property
    def url(self) -> str:
        found = re.search(r"http://127\.0\.0\.1:\d+/\S*", self.line)
        assert found, self.line + self.output.read()
        return found[0]

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(10)
        self.output.close()
        return code


def look(url: str) -> int:
    """As a browser does, which keeps cookies."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    try:
        with opener.open(url) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "authenticator"


@pytest.fixture
def app(directory: Path) -> Iterator[App]:
    app = App(directory)
    yield app
    app.stop()


@pytest.fixture
def ask(run: Run, directory: Path) -> Run:
    """A command on this directory."""

    def invoke(*arguments: object, given: str | None = None) -> object:
        command, *rest = arguments
        return run("authenticator", "--data", directory, command, *rest, given=given)

    return invoke  # type: ignore[return-value]


def test_opens_its_page_by_its_link_alone(app: App) -> None:
    assert look(app.url) == 200
    base = app.url.split("?")[0]
    assert look(base) == 403
    assert look(app.url) == 403  # once


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_when_told(directory: Path, number: int) -> None:
    app = App(directory)
    assert app.url
    assert app.stop(number) == 0
    assert not (directory / "agent.sock").exists()


def test_a_second_start_opens_the_first(app: App, run: Run, directory: Path) -> None:
    result = run("authenticator", "--data", directory, "--no-browser")
    assert result.exit_code == 0, result.output
    assert "running already" in result.output
    found = re.search(r"http://\S+", result.output)
    assert found
    assert look(found[0]) == 200


def test_starts_after_a_kill(directory: Path, ask: Run) -> None:
    app = App(directory)
    assert ask("pin", "set", given=f"{PIN}\n").exit_code == 0
    app.stop(signal.SIGKILL)
    assert (directory / "agent.sock").exists()
    again = App(directory)
    assert json.loads(ask("status", "--json").output)["is_locked"]
    assert again.stop() == 0


def test_runs_behind_the_terminal(run: Run, directory: Path) -> None:
    result = run("authenticator", "--data", directory, "--background")
    assert "is running" in result.output, result.output
    with pytest.raises(Exception, match="already_running"):
        Instance(directory)
    result = run("authenticator", "--data", directory, "--background")
    assert "running already" in result.output
    pid = int((directory / "app.lock").read_text())
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)


def test_the_pin_is_asked_for_and_never_an_argument(app: App, ask: Run) -> None:
    assert ask("pin", "set", PIN).exit_code == 2
    assert ask("pin", "set", given=f"{PIN}\n").exit_code == 0
    assert ask("lock").exit_code == 0
    wrong = ask("unlock", given="000000\n")
    assert (wrong.exit_code, "7 tries are left" in wrong.output + wrong.stderr) == (1, True)
    assert ask("unlock", given=f"{PIN}\n").exit_code == 0
    assert ask("pin", "change", given=f"{PIN}\nother1\n").exit_code == 0
    ask("lock")
    assert ask("unlock", given="other1\n").exit_code == 0


@pytest.mark.parametrize("is_running", [True, False])
def test_codes_with_the_app_and_without(directory: Path, ask: Run, is_running: bool) -> None:
    """One code path: what the commands say does not depend on who carries them out."""
    pin = f"{PIN}\n"
    app = App(directory) if is_running else None
    try:
        assert ask("pin", "set", given=pin).exit_code == 0
        before = "" if is_running else pin  # the running app stays unlocked
        added = ask("codes", "add", given=f"{before}{URI}\n")
        assert "Contoso is added" in added.output, added.stderr
        listed = json.loads(ask("codes", "list", "--json", given=before).output)
        assert (listed[0]["name"], len(listed[0]["code"])) == ("ada", 6)
        refused = ask("codes", "add", given=f"{before}otpauth://hotp/x?secret=JBSWY3DP\n")
        assert (refused.exit_code, "HOTP" in refused.stderr) == (1, True)
        assert ask("codes", "delete", listed[0]["id"], "--yes", given=before).exit_code == 0
        assert json.loads(ask("codes", "--json", given=before).output) == []
    finally:
        if app is not None:
            app.stop()


def test_asks_for_a_first_pin_where_one_is_needed(ask: Run) -> None:
    assert "added" in ask("codes", "add", given=f"{PIN}\n{URI}\n").output
    assert json.loads(ask("status", "--json").output)["is_pin_set"]


@pytest.mark.parametrize("command", [["accounts"], ["accounts", "list"], ["passkeys"], ["passkeys", "list"]])
def test_lists_nothing_where_nothing_is(ask: Run, command: list[str]) -> None:
    assert json.loads(ask(*command, "--json").output) == []
    assert ask(*command).output.strip() == "None."


def test_says_what_is_not_there(ask: Run) -> None:
    shown = ask("passkeys", "show", "AAAA")
    assert (shown.exit_code, "not here" in shown.stderr) == (1, True)
    ask("pin", "set", given=f"{PIN}\n")
    removed = ask("accounts", "remove", "x", "--yes", given=f"{PIN}\n")
    assert (removed.exit_code, "not here" in removed.stderr) == (1, True)
    assert ask("unlock", given=f"{PIN}\n").exit_code == 1  # no app runs that would stay unlocked


def test_nothing_waits_for_approval(ask: Run) -> None:
    ask("pin", "set", given=f"{PIN}\n")
    result = ask("approve", "--wait", "0", given=f"{PIN}\n")
    assert (result.exit_code, "No sign-in waits" in result.stderr) == (1, True)


def test_resets_when_sure(ask: Run) -> None:
    ask("pin", "set", given=f"{PIN}\n")
    assert ask("reset", given="n\n").exit_code == 1
    assert json.loads(ask("status", "--json").output)["is_pin_set"]
    refused = ask("reset", "--yes", given="\n")
    assert (refused.exit_code, "PIN" in refused.stderr) == (1, True)
    assert json.loads(ask("status", "--json").output)["is_pin_set"]
    assert ask("reset", "--yes", given=f"{PIN}\n").exit_code == 0
    assert not json.loads(ask("status", "--json").output)["is_pin_set"]


def test_prints_what_a_security_key_needs(ask: Run) -> None:
    assert "uhid" in ask("security-key", "--udev-rule").output
    assert ask("security-key", "--udev-rule", "--remove").exit_code == 1


def test_refuses_a_directory_that_cannot_be(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("authenticator", "--data", tmp_path / "file" / "x", "status")
    assert (result.exit_code, "cannot be used" in result.stderr) == (1, True)


def test_the_help_lists_every_command(run: Run) -> None:
    top = run("--help").output
    assert all(one in top for one in ("serve", "authenticator", "admin", "doctor", "version"))
    inner = run("authenticator", "--help").output
    assert all(one in inner for one in ("accounts", "passkeys", "codes", "approve", "pin", "enrol", "install-browser"))
    assert run("nothing").exit_code == 2


def test_knows_nothing_of_the_server() -> None:
    """What makes it start fast, and keeps it apart: importing all of the app imports no part of the server."""
    program = (
        "import sys, json, ostiary.cli.main, ostiary.cli.authenticator, ostiary.authenticator.app.runner, "
        "ostiary.authenticator.app.assembly, ostiary.authenticator.app.web.application, "
        "ostiary.authenticator.app.setup, ostiary.authenticator.app.local_agent\n"
        f"print(json.dumps([one for one in {SERVER_PARTS!r} if one in sys.modules]))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == []
