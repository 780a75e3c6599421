"""USB and NFC as thin relays: the library's client at one end, the real app in a process of its own at the other."""

import os
import re
import subprocess
import threading
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx2 as httpx
import pytest
from fido2.ctap import CtapError
from fido2.ctap2.base import Ctap2

from ostiary.authenticator.app.agent_client import AgentEngine, NotRunning
from ostiary.authenticator.hosts.security_key import USB, relay
from tests.authenticator.hosts.app_process import PIN, AppProcess, end_by_socket, ostiary, person_before, until
from tests.authenticator.hosts.library import plugged_in, register_and_sign_in


@pytest.fixture
def app(tmp_path: Path) -> Iterator[AppProcess]:
    """With a PIN, and locked again."""
    process = AppProcess(tmp_path / "data")
    process.start()
    process.ask("pin.set", {"pin": PIN})
    process.ask("lock")
    yield process
    process.stop()


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the person's browser writes which addresses it was given."""
    written = tmp_path / "opened"
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" >> {written}\n')
    program.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(program))
    monkeypatch.setattr(webbrowser, "_tryorder", None)  # it looks at the environment once
    return written


@pytest.fixture
def engine(app: AppProcess, opened: Path) -> Iterator[AgentEngine]:
    engine = relay(app.directory, source=USB, start_app=app.start)
    yield engine
    engine.close()


def test_registers_and_signs_in_at_the_app(app: AppProcess, engine: AgentEngine) -> None:
    with plugged_in(engine.ctap2) as device, person_before(app) as asked:
        register_and_sign_in(device)
    assert {one["source"] for one in asked} == {USB}
    assert {one["rp_id"] for one in asked if one["rp_id"]} == {"login.contoso.example"}
    assert [one["rp_id"] for one in app.ask("passkeys")] == ["login.contoso.example"]


def test_says_that_it_is_reached_by_usb(app: AppProcess, engine: AgentEngine) -> None:
    with plugged_in(engine.ctap2) as device:
        assert Ctap2(device).info.transports == ["internal", "nfc", "usb"]


def test_opens_the_question_which_the_person_answers_there(app: AppProcess, engine: AgentEngine, opened: Path) -> None:
    told: list[int] = []
    with plugged_in(engine.ctap2) as device:
        thread = threading.Thread(target=lambda: Ctap2(device).selection(on_keepalive=told.append))
        thread.start()
        url = until(lambda: opened.exists() and opened.read_text().strip())
        with httpx.Client() as browser:
            entered = browser.get(url)
            window = urljoin(url, entered.headers["location"])
            cookie = {"cookie": entered.headers["set-cookie"].partition(";")[0]}
            page = browser.get(window, headers=cookie)
            assert "USB security key" in page.text
            same = {"origin": re.sub(r"(//[^/]+).*", r"\1", url), "sec-fetch-site": "same-origin"}
            answered = browser.post(window, headers={**cookie, **same}, data={"answer": "approve", "pin": PIN})
        assert answered.status_code == 200, answered.text
        thread.join(10)
    assert told[-1] == 2  # UPNEEDED: the person is waited for
    assert app.ask("prompt") is None


def test_takes_the_question_back_when_the_host_cancels(app: AppProcess, engine: AgentEngine) -> None:
    with plugged_in(engine.ctap2) as device:
        cancelled = threading.Event()
        refused: list[CtapError] = []

        def ask() -> None:
            try:
                Ctap2(device).selection(event=cancelled)
            except CtapError as error:
                refused.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        app.prompt()
        cancelled.set()
        thread.join(10)
        until(lambda: app.ask("prompt") is None)
    assert [one.code for one in refused] == [CtapError.ERR.KEEPALIVE_CANCEL]


def test_the_app_dies_in_the_middle_and_the_next_request_starts_it(app: AppProcess, engine: AgentEngine) -> None:
    with plugged_in(engine.ctap2) as device:
        ctap = Ctap2(device)

        def die_when_asked() -> None:
            app.prompt()
            app.kill()

        thread = threading.Thread(target=die_when_asked)
        thread.start()
        with pytest.raises(CtapError) as refused:
            ctap.selection()
        thread.join(10)
        assert refused.value.code == CtapError.ERR.OTHER
        with person_before(app):
            register_and_sign_in(device)
    assert app.starts == 2


def test_answers_with_an_error_while_there_is_no_app_to_start(app: AppProcess, opened: Path) -> None:
    def fail() -> None:
        raise NotRunning

    engine = relay(app.directory, source=USB, start_app=fail)
    with plugged_in(engine.ctap2) as device:
        ctap = Ctap2(device)
        app.stop()
        with pytest.raises(CtapError) as refused:
            ctap.get_info()
        assert refused.value.code == CtapError.ERR.OTHER
        app.start()
        assert ctap.get_info().options["uv"]
    engine.close()


def test_the_app_ends_quietly_while_a_relay_is_connected(app: AppProcess, engine: AgentEngine) -> None:
    assert engine.ctap2(b"\x04")[0] == 0
    app.stop()
    assert "Traceback" not in app.log.read_text()


# --- the commands


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    if Path("/dev/uhid").exists():
        pytest.skip("this kernel offers virtual USB devices")
    done = subprocess.run(ostiary(tmp_path, "security-key"), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "sudo modprobe uhid" in done.stderr
    done = subprocess.run(ostiary(tmp_path, "nfc-card"), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "vsmartcard-vpcd" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("pcscd")
def test_the_nfc_command_starts_the_app_when_a_program_wants_it(tmp_path: Path) -> None:
    from fido2.pcsc import CtapPcscDevice

    app = AppProcess(tmp_path)  # started by the command
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    with subprocess.Popen(ostiary(tmp_path, "nfc-card"), stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert "lies on the virtual card reader" in process.stdout.readline()
        assert not app.path.exists()
        devices: list[CtapPcscDevice] = []

        def find() -> bool:
            devices.extend(CtapPcscDevice.list_devices())
            return bool(devices)

        until(find)
        assert app.path.exists()
        app.ask("pin.set", {"pin": PIN})
        with person_before(app) as asked:
            register_and_sign_in(devices[0])
        assert {one["source"] for one in asked} == {"NFC card"}
        devices.pop().close()
        end_by_socket(app.path)
        process.terminate()
        process.wait(10)
    time.sleep(0.1)
