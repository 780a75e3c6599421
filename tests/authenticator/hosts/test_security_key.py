"""What keeps the virtual security key plugged in, and how the person notices a question that has no window."""

import os
import shutil
import subprocess
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.hosts.browser_installation import InstallationError
from ostiary.authenticator.hosts.desktop import draw_attention
from ostiary.authenticator.hosts.security_key import UNIT, command_line, install, remove, unit
from ostiary.authenticator.keys import memory_key_store
from tests.authenticator.app.conftest import on_a_loop
from tests.authenticator.hosts.app_process import ostiary, until

SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
Program = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Makes the only programs there are; each notes how it was called."""
    directory = tmp_path / "programs"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    for name in SCREENS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(webbrowser, "_tryorder", None)

    def make(name: str, script: str = "") -> Path:
        calls = directory / f"{name}.calls"
        (directory / name).write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{script}\n')
        (directory / name).chmod(0o700)
        return calls

    return make


# --- installing


def test_installs_a_unit_that_starts_with_the_session(tmp_path: Path, program: Program) -> None:
    calls = program("systemctl", "")
    device = tmp_path / "uhid"
    device.touch()
    done = install(tmp_path / "data", environment={"XDG_CONFIG_HOME": str(tmp_path)}, device=device)
    assert done.unit == tmp_path / "systemd/user" / UNIT
    assert f"--data {tmp_path / 'data'} security-key" in done.unit.read_text()
    assert (done.is_running, done.command_left) == (True, "")
    assert calls.read_text().splitlines() == ["--user daemon-reload", f"--user enable --now {UNIT}"]
    assert remove(environment={"XDG_CONFIG_HOME": str(tmp_path)}) == [done.unit]
    assert not done.unit.exists()
    assert f"--user disable --now {UNIT}" in calls.read_text()
    assert remove(environment={"XDG_CONFIG_HOME": str(tmp_path)}) == []


def test_says_the_one_command_that_an_administrator_has_left(tmp_path: Path, program: Program) -> None:
    program("systemctl", "exit 1")  # as where there is no session
    done = install(tmp_path, environment={"HOME": str(tmp_path)}, device=tmp_path / "uhid")
    assert done.unit == tmp_path / ".config/systemd/user" / UNIT
    assert not done.is_running
    ours, _, as_root = done.command_left.partition(" | sudo ")
    assert ours.endswith("--udev-rule")
    assert "/etc/udev/rules.d/70-" in as_root
    assert "python" not in as_root


def test_refuses_where_the_unit_cannot_be_written(tmp_path: Path, program: Program) -> None:
    (tmp_path / "systemd").touch()
    with pytest.raises(InstallationError, match="cannot be written"):
        install(tmp_path, environment={"XDG_CONFIG_HOME": str(tmp_path)})


def test_the_unit_names_paths_as_systemd_reads_them(tmp_path: Path) -> None:
    directory = tmp_path / 'a "100%" $HOME'
    assert f'"{tmp_path}/a \\"100%%\\" $$HOME"' in unit(directory)
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze")
    path = tmp_path / UNIT
    path.write_text(unit(directory))
    done = subprocess.run([analyze, "verify", "--man=no", str(path)], capture_output=True, text=True)
    assert UNIT not in done.stderr, done.stderr


def test_starts_the_program_that_is_installed(tmp_path: Path) -> None:
    done = subprocess.run(
        [*command_line(tmp_path), "--udev-rule"], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert 'KERNEL=="uhid"' in done.stdout, done.stderr


def test_the_command_installs_and_removes(tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    program("systemctl", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def run(*words: str) -> str:
        return subprocess.run(
            ostiary(tmp_path / "data", "security-key", *words), capture_output=True, text=True, timeout=60, check=True
        ).stdout

    assert f"Wrote {tmp_path / 'systemd/user' / UNIT}" in run("--install")
    assert f"Removed {tmp_path / 'systemd/user' / UNIT}" in run("--remove")
    assert "nothing to remove" in run("--remove")


# --- noticing


def test_opens_a_question_in_the_browser(tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = program("my-browser", "")
    monkeypatch.setenv("BROWSER", "my-browser")
    draw_attention("http://127.0.0.1:1/prompt/x", False)
    assert until(lambda: calls.exists() and calls.read_text()) == "http://127.0.0.1:1/prompt/x\n"


def test_learns_of_the_desktop_that_came_up_later(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    told = "DISPLAY=:7\nPATH=/nowhere\nXAUTHORITY=$'/a b'"
    program("systemctl", f"/bin/cat <<'X'\n{told}\nX")
    for name in ("DISPLAY", "XAUTHORITY"):
        monkeypatch.setenv(name, "")  # put back behind the test
    opened: list[tuple[str, str, str]] = []

    def open_url(url: str) -> bool:
        opened.append((url, os.environ["DISPLAY"], os.environ["XAUTHORITY"]))
        return True

    # what it starts for a desktop it does not wait for
    monkeypatch.setattr(webbrowser, "open", open_url)
    draw_attention("http://127.0.0.1:1/prompt/x", False)
    assert until(lambda: opened) == [("http://127.0.0.1:1/prompt/x", ":7", "")]
    assert os.environ["PATH"] != "/nowhere"


@pytest.mark.parametrize("has_notifications", [True, False])
def test_tells_the_desktop_of_a_question_on_a_page_that_is_open(
    program: Program, monkeypatch: pytest.MonkeyPatch, has_notifications: bool
) -> None:
    opened = program("my-browser", "")
    monkeypatch.setenv("BROWSER", "my-browser")
    calls = program("notify-send", "" if has_notifications else "exit 1")
    draw_attention("http://127.0.0.1:1/prompt/x", True)
    assert "security key" in until(lambda: calls.exists() and calls.read_text())
    if has_notifications:
        until(lambda: all(one.name != "attention" for one in threading.enumerate()))
    else:
        until(opened.exists)
    assert opened.exists() is not has_notifications


def test_says_it_where_there_is_no_desktop(program: Program, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []

    def heard() -> bool:
        said.append(capfd.readouterr().err)
        return "ostiary authenticator" in "".join(said)

    draw_attention("http://127.0.0.1:1/prompt/x?key=secret", False)
    until(heard)
    assert "secret" not in "".join(said)


def test_a_page_that_is_open_shows_the_question_itself() -> None:
    opened: list[str] = []

    class Links:
        def start_link(self) -> str:
            return ""

        def prompt_link(self, prompt_id: str) -> str:
            return f"http://127.0.0.1/prompt/{prompt_id}"

    service = AuthenticatorService(memory_key_store(), make_engine=lambda keys, verifier: None)  # type: ignore[arg-type]
    service.serve_pages_at(Links())
    assert not service.open_window("1")  # nobody said how
    service.show_pages_by(opened.append)
    assert service.open_window("2")
    watching = threading.Event()

    async def watch() -> None:
        with service.subscribe() as topics:
            watching.set()
            async for _ in topics:
                pass

    with on_a_loop(watch()):
        assert watching.wait(5)
        assert service.has_open_page
        assert not service.open_window("3")
    assert not service.has_open_page
    assert opened == ["http://127.0.0.1/prompt/2"]
    service.close()
