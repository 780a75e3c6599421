"""The native messaging host, as a browser starts it: a process with frames on its pipes and an agent behind it."""

import os
import shlex
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from socket import AF_UNIX, SO_PEERCRED, SOCK_STREAM, SOL_SOCKET, socket
from typing import Any

import pytest

from ostiary.authenticator.hosts.browser_installation import built_in_extension_id, install_browser
from ostiary.authenticator.hosts.native_messages import AGENT, LONGEST, NATIVE, FrameError, frame, read_frame
from tests.authenticator.chromium.agent import TestAgent
from tests.authenticator.client.ceremonies import ORIGIN, creation_options, registered, request_options

EXTENSION = built_in_extension_id()
ELSEWHERE = "a" * 32


class Host:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def send(self, message: dict[str, Any]) -> None:
        self.send_raw(frame(message, NATIVE))

    def send_raw(self, octets: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(octets)
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        message = read_frame(self.process.stdout.read, NATIVE)
        assert message is not None
        return message

    def ask(self, op: str, params: dict[str, Any] | None = None, *, id: int = 1) -> dict[str, Any]:
        self.send({"id": id, "op": op, "params": params or {}})
        while "event" in (answer := self.receive()):
            assert answer["id"] == id
        return answer


@contextmanager
def host(data: Path, *, origin: str = f"chrome-extension://{EXTENSION}/", app: str | None = "false") -> Iterator[Host]:
    """What the launcher does, with another app to start."""
    command = [sys.executable, "-P", "-m", "ostiary.authenticator.hosts.chromium", "--data", str(data)]
    command += ["--extension", EXTENSION, *(f"--app={part}" for part in shlex.split(app or "")), origin]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield Host(process)
    finally:
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()
        process.wait(10)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def agent(data: Path) -> Iterator[TestAgent]:
    made = TestAgent(data)
    yield made
    made.close()


def from_the_browser(options: dict[str, Any], **word: Any) -> dict[str, Any]:
    """As Chromium hands on a page's options."""
    override = {"origin": ORIGIN, "sameOriginWithAncestors": True, **word}
    extensions = {**options.get("extensions", {}), "remoteDesktopClientOverride": override}
    return {"options": {**options, "extensions": extensions}, "browser": "Chromium", "requestId": 7}


def test_passes_a_ceremony_on_in_the_app_s_terms(data: Path, agent: TestAgent) -> None:
    options = creation_options(extensions={"credProps": True})
    with host(data) as running:
        response = running.ask("webauthn.create", from_the_browser(options))["result"]["response"]
        registered(options, response)
        assert running.ask("webauthn.get", from_the_browser(request_options()), id=2)["result"]["response"]["id"]
    asked = agent.requests[0]["params"]
    assert asked["origin"] == ORIGIN
    assert asked["sameOriginWithAncestors"] is True
    assert asked["options"]["extensions"] == {"credProps": True}
    assert agent.verifier.prompts[0].source in ("", "Chromium on this computer")
    assert asked["source"] == "Chromium on this computer"


def test_says_how_the_app_is(data: Path, agent: TestAgent) -> None:
    with host(data) as running:
        assert running.ask("status") == {"id": 1, "result": {"isLocked": False}}


def test_passes_refusals_and_notices_on(data: Path, agent: TestAgent) -> None:
    agent.prompt_url = "http://127.0.0.1:1/prompt"
    with host(data) as running:
        running.send({"id": 5, "op": "webauthn.create", "params": from_the_browser(creation_options())})
        assert running.receive() == {"id": 5, "event": "prompt", "url": "http://127.0.0.1:1/prompt"}
        while "event" in (answer := running.receive()):
            pass
        assert answer["id"] == 5
        nothing = running.ask("webauthn.get", from_the_browser(request_options(rpId="login.contoso.example")), id=6)
    assert (nothing["error"]["name"], nothing["error"]["reason"]) == ("NotAllowedError", "no_passkey")


def test_cancels_what_the_page_gave_up(data: Path, agent: TestAgent) -> None:
    agent.person.always = None
    with host(data) as running:
        running.send({"id": 3, "op": "webauthn.create", "params": from_the_browser(creation_options())})
        assert running.receive()["event"] == "waiting"
        running.send({"cancel": 3})
        while "event" in (answer := running.receive()):
            pass
        assert answer["error"]["name"] == "AbortError"
        running.send({"cancel": 3})  # over: nothing comes of it
        running.send({"cancel": "all"})
        assert running.ask("status", id=4)["result"]
    assert agent.cancelled == [3]


def test_what_is_under_way_ends_with_the_browser(data: Path, agent: TestAgent) -> None:
    agent.person.always = None
    with host(data) as running:
        running.send({"id": 3, "op": "webauthn.create", "params": from_the_browser(creation_options())})
        assert running.receive()["event"] == "waiting"
        _, exchange = agent.person.asked.get(timeout=5)
        assert running.process.stdin is not None
        running.process.stdin.close()
        assert running.process.wait(10) == 0
        assert exchange.cancelled.wait(5)


def test_what_is_under_way_ends_with_the_app(data: Path, agent: TestAgent) -> None:
    agent.person.always = None
    with host(data) as running:
        running.send({"id": 3, "op": "webauthn.create", "params": from_the_browser(creation_options())})
        assert running.receive()["event"] == "waiting"
        agent.close()
        while "event" in (answer := running.receive()):
            pass
        assert answer["error"]["reason"] == "app_unavailable"
        assert running.ask("status", id=4)["error"]["reason"] == "app_not_running"


# --- starting the app


APP = """
import sys, time
from pathlib import Path
from tests.authenticator.chromium.agent import TestAgent
print("an app prints what it likes", flush=True)
agent = TestAgent(Path(sys.argv[1]))
(Path(sys.argv[1]) / "started").touch()
time.sleep(5)
"""


def test_starts_the_app_for_a_ceremony_and_not_to_ask_how_it_is(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "app.py"
    program.write_text(APP)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    with host(data, app=shlex.join([sys.executable, str(program), str(data)])) as running:
        assert running.ask("status")["error"]["reason"] == "app_not_running"
        assert not (data / "started").exists()
        options = creation_options()
        registered(options, running.ask("webauthn.create", from_the_browser(options), id=2)["result"]["response"])
    assert (data / "started").exists()
    assert "prints what it likes" in (data / "app.log").read_text()


def test_what_is_given_up_while_the_app_starts_never_reaches_it(data: Path, tmp_path: Path) -> None:
    program = tmp_path / "app.py"
    program.write_text("import sys, time; time.sleep(1); sys.exit(1)")
    with host(data, app=shlex.join([sys.executable, str(program)])) as running:
        running.send({"id": 3, "op": "webauthn.create", "params": from_the_browser(creation_options())})
        running.send({"cancel": 3})
        assert running.receive() == {
            "id": 3,
            "error": {"name": "AbortError", "message": "The request was aborted.", "reason": "cancelled"},
        }
        # the next is answered by itself: nothing more is said of the first
        assert running.ask("webauthn.get", from_the_browser(request_options()), id=4)["error"]["reason"] == (
            "app_unavailable"
        )


def test_the_app_it_starts_is_ours(data: Path) -> None:
    with host(data, app=None) as running:
        answer = running.ask("webauthn.get", from_the_browser(request_options()))
    assert answer["error"]["reason"] == "no_passkey"
    with socket(AF_UNIX, SOCK_STREAM) as connection:
        connection.connect(str(data / "agent.sock"))
        app, _, _ = struct.unpack("3i", connection.getsockopt(SOL_SOCKET, SO_PEERCRED, 12))
    os.kill(app, signal.SIGTERM)  # it outlives the browser, and the test
    for _ in range(100):
        if not (data / "agent.sock").exists():
            return
        time.sleep(0.1)
    raise AssertionError("the app did not end")


# --- what it refuses


@pytest.mark.parametrize(
    "origin",
    [
        "",
        f"chrome-extension://{ELSEWHERE}/",
        f"chrome-extension://{EXTENSION}",
        f"chrome-extension://{EXTENSION}/popup.html",
        f"https://{EXTENSION}/",
        EXTENSION,
    ],
)
def test_refuses_to_work_for_another_extension(data: Path, agent: TestAgent, origin: str) -> None:
    with host(data, origin=origin) as running:
        assert running.process.wait(10) == 2
        assert running.process.stderr is not None
        assert b"not an extension this host works for" in running.process.stderr.read()
    assert agent.requests == []


@pytest.mark.parametrize("op", ["ctap2", "passkeys.delete", "pin.set", "webauthn.", "", None, 7])
def test_refuses_operations_that_are_not_for_browsers(data: Path, agent: TestAgent, op: Any) -> None:
    with host(data) as running:
        assert running.ask(op, {"request": "BA"})["error"]["reason"] == "request_invalid"
    assert agent.requests == []


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"options": {}},
        {"options": request_options()},
        {"options": {**request_options(), "extensions": []}},
        {"options": {**request_options(), "extensions": {"remoteDesktopClientOverride": ORIGIN}}},
        {"options": {**request_options(), "extensions": {"remoteDesktopClientOverride": {"origin": 7}}}},
        {"options": request_options(), "origin": ORIGIN},
        {"options": [], "origin": ORIGIN},
    ],
)
def test_refuses_a_ceremony_whose_page_the_browser_does_not_name(
    data: Path, agent: TestAgent, params: dict[str, Any]
) -> None:
    with host(data) as running:
        answer = running.ask("webauthn.get", params)
    assert (answer["error"]["name"], answer["error"]["reason"]) == ("NotAllowedError", "request_invalid")
    assert agent.requests == []


@pytest.mark.parametrize("word", [{"sameOriginWithAncestors": False}, {"sameOriginWithAncestors": "yes"}])
def test_a_framed_page_is_passed_on_as_one(data: Path, agent: TestAgent, word: dict[str, Any]) -> None:
    with host(data) as running:
        running.ask("webauthn.get", from_the_browser(request_options(), **word))
    assert agent.requests[0]["params"]["sameOriginWithAncestors"] is False


@pytest.mark.parametrize("browser", [None, 7, "", "x" * 41, "Chromium\n", "<b>"])
def test_a_browser_s_name_is_shown_only_when_it_is_one(data: Path, agent: TestAgent, browser: Any) -> None:
    with host(data) as running:
        running.ask("webauthn.get", {**from_the_browser(request_options()), "browser": browser})
    assert agent.requests[0]["params"]["source"] == "A browser on this computer"


@pytest.mark.parametrize(
    "octets",
    [
        NATIVE.pack(0),
        NATIVE.pack(LONGEST + 1),
        NATIVE.pack(2) + b"[]",
        NATIVE.pack(2) + b"{]",
        NATIVE.pack(2) + b"\xff\xff",
        frame({"op": "status"}, NATIVE),
        frame({"id": "one", "op": "status"}, NATIVE),
    ],
)
def test_ends_when_it_is_sent_nonsense(data: Path, agent: TestAgent, octets: bytes) -> None:
    with host(data) as running:
        running.send_raw(octets)
        assert running.process.wait(10) == 1
        assert running.process.stderr is not None
        assert b"not understood" in running.process.stderr.read()


# --- frames


@pytest.mark.parametrize("length", [NATIVE, AGENT])
@pytest.mark.parametrize("cut", [1, 3, 4, 6])
def test_refuses_a_frame_that_ends_early(length: struct.Struct, cut: int) -> None:
    with pytest.raises(FrameError):
        read_frame(BytesIO(frame({"id": 1}, length)[:cut]).read, length)


def test_refuses_to_send_what_a_browser_would_not_take() -> None:
    with pytest.raises(FrameError):
        frame({"text": "x" * LONGEST}, NATIVE)


def test_the_launcher_starts_the_host(data: Path, agent: TestAgent, tmp_path: Path) -> None:
    launcher = install_browser(data, environment={"XDG_CONFIG_HOME": str(tmp_path), "PATH": ""})[0]
    process = subprocess.Popen(
        [launcher, f"chrome-extension://{EXTENSION}/", "--parent-window=0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd="/",
    )
    running = Host(process)
    try:
        assert running.ask("status")["result"]
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        assert process.wait(10) == 0
