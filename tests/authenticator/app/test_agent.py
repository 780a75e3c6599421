"""The agent's socket: who may open it, frames good and bad, waiting for the person, cancelling."""

import hashlib
import json
import os
import socket
import stat
import struct
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fido2 import cbor

from ostiary.authenticator.app import agent as agents
from ostiary.authenticator.app.agent import MOST_REQUESTS, Agent
from ostiary.authenticator.app.agent_client import AgentClient, AgentEngine, AgentError, NotRunning
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.ports import Exchange
from tests.authenticator.app.conftest import PIN, beside, on_a_loop, until

ORIGIN = "https://login.contoso.example"


@pytest.fixture
def path(ready: AuthenticatorService, directory: Path) -> Iterator[Path]:
    agent = Agent(ready, directory)
    started = threading.Event()

    async def serve() -> None:
        import asyncio

        await agent.start()
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ready.prompts.close()
            await agent.close()

    with on_a_loop(serve()):
        assert started.wait(5)
        yield agent.path


@pytest.fixture
def client(path: Path) -> Iterator[AgentClient]:
    with AgentClient(path) as client:
        yield client


class Raw:
    """A peer that says what it likes."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(5)
        self.socket.connect(str(path))

    def say(self, message: Any) -> None:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.socket.sendall(struct.pack("<I", len(body)) + body)

    def hear(self) -> Any:
        head = self.exactly(4)
        return json.loads(self.exactly(struct.unpack("<I", head)[0])) if head else None

    def exactly(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            part = self.socket.recv(size - len(received))
            if not part:
                return b""
            received += part
        return received

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def creation_options(user: bytes = b"ada") -> dict[str, Any]:
    return {
        "rp": {"id": "contoso.example", "name": "Contoso"},
        "user": {"id": encoded(user), "name": "ada@contoso.example", "displayName": "Ada"},
        "challenge": encoded(b"challenge-of-a-test"),
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
    }


def encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def asks(client: AgentClient, **members: Any) -> dict[str, Any]:
    params = {"options": creation_options(), "origin": ORIGIN, "sameOriginWithAncestors": True, "source": "A test"}
    answer = client.call("webauthn.create", {**params, **members})
    assert isinstance(answer, dict)
    return answer


def test_is_for_its_user_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_ISSOCK(path.stat().st_mode)


def test_refuses_another_user(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    with Raw(path) as raw:
        assert raw.hear() is None


def test_says_how_it_is(client: AgentClient) -> None:
    status = client.call("status")
    assert (status["is_pin_set"], status["is_locked"]) == (True, False)


def test_makes_and_uses_a_passkey_once_the_person_agreed(ready: AuthenticatorService, client: AgentClient) -> None:
    with beside(lambda: asks(client)) as made:
        prompt = until(ready.prompt)
        assert (prompt.rp_id, prompt.source) == ("contoso.example", "A test")
        ready.approve_prompt(prompt.id, pin=PIN)
    passkey = made[0]["response"]["id"]
    assert [one.id for one in ready.passkeys()] == [passkey]
    params = {
        "options": {"challenge": encoded(b"c" * 16), "rpId": "contoso.example", "userVerification": "required"},
        "origin": ORIGIN,
        "sameOriginWithAncestors": True,
    }
    with beside(lambda: client.call("webauthn.get", params)) as used:
        ready.approve_prompt(until(ready.prompt).id, pin=PIN)
    assert used[0]["response"]["id"] == passkey


def test_asks_for_a_first_pin_before_a_passkey(ready: AuthenticatorService, client: AgentClient) -> None:
    ready.reset()
    with beside(lambda: asks(client)) as made:
        first = until(ready.prompt)
        assert first.needs_new_pin
        ready.approve_prompt(first.id, new_pin=PIN)
        second = until(lambda: (now := ready.prompt()) is not None and now.id != first.id and now)
        assert (second.purpose, second.needs_pin) == ("register", True)
        ready.approve_prompt(second.id, pin=PIN)
    assert "response" in made[0]


def test_tells_of_the_question_before_the_answer(ready: AuthenticatorService, client: AgentClient) -> None:
    notices: list[Any] = []
    params = {"options": creation_options(), "origin": ORIGIN, "sameOriginWithAncestors": True}
    with beside(lambda: client.call("webauthn.create", params, on_notice=notices.append)) as answers:
        prompt = until(ready.prompt)
        until(lambda: len(notices) == 2)
        ready.decline_prompt(prompt.id)
    assert [one["event"] for one in notices] == ["waiting", "prompt"]
    assert notices[1]["prompt"] == prompt.id
    assert answers[0].name == "NotAllowedError"


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"origin": "https://other.example"}, "SecurityError"),
        ({"origin": None}, "SecurityError"),
        ({"options": None}, "TypeError"),
        ({"options": {**creation_options(), "challenge": 7}}, "TypeError"),
    ],
)
def test_refuses_a_page_that_may_not_ask(client: AgentClient, members: dict[str, Any], name: str) -> None:
    with pytest.raises(AgentError) as refused:
        asks(client, **members)
    assert refused.value.name in (name, "NotAllowedError")


def test_what_is_not_said_to_be_the_same_origin_is_another(ready: AuthenticatorService, client: AgentClient) -> None:
    with beside(lambda: asks(client, sameOriginWithAncestors=None)) as answers:
        until(lambda: ready.prompt() or answers)
        if ready.prompt() is not None:
            ready.approve_prompt(until(ready.prompt).id, pin=PIN)
    if isinstance(answers[0], dict):
        from base64 import urlsafe_b64decode

        data = json.loads(urlsafe_b64decode(answers[0]["response"]["response"]["clientDataJSON"] + "=="))
        assert data["crossOrigin"] is True
    else:
        assert answers[0].name == "NotAllowedError"


def test_cancelling_takes_the_question_back(ready: AuthenticatorService, client: AgentClient) -> None:
    cancelled = threading.Event()
    params = {"options": creation_options(), "origin": ORIGIN, "sameOriginWithAncestors": True}
    with beside(lambda: client.call("webauthn.create", params, cancelled=cancelled)) as answers:
        until(ready.prompt)
        cancelled.set()
    assert answers[0].name in ("AbortError", "NotAllowedError")
    until(lambda: ready.prompt() is None)


def test_a_relay_that_goes_takes_its_questions_along(ready: AuthenticatorService, path: Path) -> None:
    with Raw(path) as raw:
        params = {"options": creation_options(), "origin": ORIGIN, "sameOriginWithAncestors": True}
        raw.say({"id": 1, "op": "webauthn.create", "params": params})
        until(ready.prompt)
    until(lambda: ready.prompt() is None)


@pytest.mark.parametrize(
    "bad", [b"", b"{", b"[]", b"7", b"\xff\xff", b"null", b"[" * 100_000, b'{"id": 1'], ids=lambda bad: repr(bad[:9])
)
def test_what_is_no_frame_ends_the_connection(path: Path, bad: bytes) -> None:
    with Raw(path) as raw:
        raw.say(bad)
        assert raw.hear()["error"]["reason"] == "request_invalid"
        assert raw.hear() is None
    with AgentClient(path) as client:
        assert client.call("status")


def test_refuses_a_length_nobody_needs(path: Path) -> None:
    with Raw(path) as raw:
        raw.socket.sendall(b"\xff\xff\xff\x7f")
        assert raw.hear()["error"]["reason"] == "request_invalid"
        assert raw.hear() is None


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"id": "1", "op": "status"},
        {"id": True, "op": "status"},
        {"id": 1},
        {"id": 1, "op": 7},
        {"id": 1, "op": "x" * 100},
        {"id": 1, "op": "status", "params": []},
        {"id": 1, "op": "passkeys.show", "params": {"id": 7}},
        {"id": 1, "op": "ctap2", "params": {"request": "ä"}},
        {"id": 1, "op": "ctap2"},
        {"id": 1, "op": "settings", "params": {"lock_minutes": "5"}},
        {"id": 1, "op": "accounts.set-up", "params": {"kinds": ["other"]}},
        {"id": 1, "op": "reset", "params": {"pin": 7}},
    ],
)
def test_refuses_a_request_that_is_none_and_goes_on(path: Path, request_: dict[str, Any]) -> None:
    with Raw(path) as raw:
        raw.say(request_)
        assert raw.hear()["error"]["reason"] == "request_invalid"
        raw.say({"id": 2, "op": "status"})
        assert raw.hear()["id"] == 2


def test_refuses_an_operation_it_does_not_know(client: AgentClient) -> None:
    with pytest.raises(AgentError) as refused:
        client.call("passkeys.export")
    assert refused.value.reason == "operation_unknown"


def test_cancelling_what_is_not_under_way_does_nothing(path: Path) -> None:
    with Raw(path) as raw:
        for number in (7, "7", None, [1]):
            raw.say({"cancel": number})
        raw.say({"id": 1, "op": "status"})
        assert raw.hear()["id"] == 1


def test_refuses_more_than_a_relay_may_ask_at_once(ready: AuthenticatorService, path: Path) -> None:
    with Raw(path) as raw:
        params = {"options": creation_options(), "origin": ORIGIN, "sameOriginWithAncestors": True}
        for number in range(MOST_REQUESTS + 1):
            raw.say({"id": number, "op": "webauthn.create", "params": params})
        while "event" in (answer := raw.hear()):
            pass
        assert (answer["id"], answer["error"]["reason"]) == (MOST_REQUESTS, "busy")


def test_refuses_a_number_that_is_under_way(ready: AuthenticatorService, path: Path) -> None:
    with Raw(path) as raw:
        request = {"id": 1, "op": "ctap2", "params": {"request": "Cw"}}
        raw.say(request)
        until(ready.prompt)
        raw.say(request)
        while "event" in (answer := raw.hear()):
            pass
        assert answer["error"]["reason"] == "request_invalid"


def test_no_program_agrees_in_the_persons_place(ready: AuthenticatorService, client: AgentClient) -> None:
    with beside(lambda: client.call("ctap2", {"request": "Cw"})) as answers:  # authenticatorSelection
        prompt = until(ready.prompt)
        with pytest.raises(AgentError) as refused:
            client.call("prompt.approve", {"id": prompt.id})
        assert refused.value.reason == "pin_needed"
        client.call("prompt.approve", {"id": prompt.id, "pin": PIN})
    assert answers == [{"response": "AA"}]


def test_is_an_engine_to_other_processes(ready: AuthenticatorService, path: Path) -> None:
    engine = AgentEngine(path, source="USB security key")
    info = cbor.decode(engine.ctap2(b"\x04")[1:])
    assert isinstance(info, dict)
    assert "FIDO_2_1" in info[1]
    exchange = Exchange()
    waiting = threading.Event()
    exchange.on_waiting = waiting.set
    with beside(lambda: engine.ctap2(b"\x0b", exchange)) as answers:
        assert waiting.wait(5)
        assert until(ready.prompt).source == "USB security key"
        exchange.cancelled.set()
    assert answers == [b"\x2d"]
    engine.close()


def test_a_request_over_the_socket_is_the_engines_own(ready: AuthenticatorService, path: Path) -> None:
    engine = AgentEngine(path, source="NFC card")
    client_data = hashlib.sha256(b"data").digest()
    request = b"\x01" + cbor.encode(
        {
            1: client_data,
            2: {"id": "contoso.example", "name": "Contoso"},
            3: {"id": b"ada", "name": "ada", "displayName": "Ada"},
            4: [{"alg": -7, "type": "public-key"}],
            7: {"rk": True, "uv": True},
        }
    )
    with beside(lambda: engine.ctap2(request)) as answers:
        ready.approve_prompt(until(ready.prompt).id, pin=PIN)
    assert answers[0][0] == 0
    assert ready.state().passkeys == 1
    engine.close()


def test_says_that_nobody_is_there(directory: Path) -> None:
    with pytest.raises(NotRunning):
        AgentClient(directory / "agent.sock")
    assert AgentEngine(directory / "agent.sock", source="x").ctap2(b"\x04") == b"\x7f"


def test_a_socket_left_behind_makes_room(ready: AuthenticatorService, directory: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(directory / "agent.sock"))
    left.close()  # as after a kill -9
    listener = agents._listener(directory / "agent.sock")
    listener.close()


def test_whoever_waits_hears_that_the_app_went(ready: AuthenticatorService, directory: Path) -> None:
    agent = Agent(ready, directory)
    started = threading.Event()

    async def serve() -> None:
        import asyncio

        await agent.start()
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await agent.close()

    with on_a_loop(serve()):
        assert started.wait(5)
        client = AgentClient(agent.path)
        thread = threading.Thread(target=lambda: answers.append(_failure(client)))
        answers: list[str] = []
        thread.start()
        until(ready.prompt)
    thread.join(5)
    assert answers == ["not_running"]
    assert not agent.path.exists()
    with pytest.raises(AgentError):
        client.call("status")
    client.close()


def _failure(client: AgentClient) -> str:
    try:
        client.call("ctap2", {"request": "Cw"})
    except AgentError as error:
        return error.reason
    return ""


# --- deleting everything


def test_resets_with_the_pin(client: AgentClient, ready: AuthenticatorService) -> None:
    with pytest.raises(AgentError) as refused:
        client.call("reset", {"pin": "000000"})
    assert refused.value.reason == "pin_wrong"
    assert ready.state().is_pin_set
    client.call("reset", {"pin": PIN})
    assert not ready.state().is_pin_set


def test_refuses_a_reset_without_the_pin_where_nobody_can_be_asked(
    client: AgentClient, ready: AuthenticatorService
) -> None:
    for params in ({}, {"is_sure": True}, {"pin": ""}):
        with pytest.raises(AgentError) as refused:
            client.call("reset", params)
        assert refused.value.reason == "pin_needed"
    assert ready.state().is_pin_set


@pytest.mark.parametrize("is_agreed", [True, False])
def test_a_reset_without_the_pin_asks_the_person_on_a_page(
    client: AgentClient, path: Path, ready: AuthenticatorService, is_agreed: bool
) -> None:
    opened = shows_pages(ready)
    with beside(lambda: client.call("reset")) as answers:
        prompt = until(ready.prompt)
        assert prompt.purpose == "reset"
        assert opened == [f"http://127.0.0.1/prompt/{prompt.id}"]
        (ready.approve_prompt if is_agreed else ready.decline_prompt)(prompt.id)
    assert ready.state().is_pin_set is not is_agreed
    assert answers[0] is None if is_agreed else answers[0].reason == "declined"


@pytest.mark.parametrize("given", [{}, {"new_pin": "123456"}, {"pin": "", "new_pin": "123456"}, {"pin": "000000"}])
def test_no_program_agrees_to_a_reset_in_the_persons_place(
    client: AgentClient, path: Path, ready: AuthenticatorService, given: dict[str, str]
) -> None:
    shows_pages(ready)
    with beside(lambda: client.call("reset")) as answers, AgentClient(path) as other:
        prompt = until(ready.prompt)
        with pytest.raises(AgentError) as refused:
            other.call("prompt.approve", {"id": prompt.id, **given})
        assert refused.value.reason in ("pin_needed", "pin_wrong")
        other.call("prompt.decline", {"id": prompt.id})
    assert answers[0].reason == "declined"
    assert ready.state().is_pin_set


def shows_pages(service: AuthenticatorService) -> list[str]:
    """What it opens."""

    class Links:
        def start_link(self) -> str:
            return "http://127.0.0.1/?token=1"

        def prompt_link(self, prompt_id: str) -> str:
            return f"http://127.0.0.1/prompt/{prompt_id}"

    opened: list[str] = []
    service.serve_pages_at(Links())
    service.show_pages_by(opened.append)
    return opened
