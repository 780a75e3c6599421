"""The connection of an Authenticator: who may hold one, what it is told, and what ends it."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from ostiary.passkeys import base64url
from ostiary.web import authenticator_connection
from tests.organisation import ORIGIN, Organisation
from tests.server.approvals.owners import Owner, number_on, owner, register
from tests.software_device import PATH, SoftwareDevice

__all__ = ["owner"]


def ending(session: WebSocketTestSession) -> tuple[str, int]:
    """Why and with which code the server ended it."""
    told = session.receive_json()
    assert told["type"] == "refused", told
    with pytest.raises(WebSocketDisconnect) as closed:
        session.receive_json()
    return told["reason"], closed.value.code


def test_a_device_that_signs_the_challenge_is_ready(owner: Owner) -> None:
    with owner.connected() as connection:
        assert connection.ready == {"type": "ready"}


def test_each_challenge_is_another(org: Organisation) -> None:
    nonces = set()
    for _ in range(3):
        with org.client.websocket_connect(PATH) as session:
            nonces.add(session.receive_json()["nonce"])
    assert len(nonces) == 3
    assert all(len(base64url.decode(nonce)) == 32 for nonce in nonces)


@pytest.mark.parametrize(
    "instead",
    [
        {"device": "01a1fb1b-eaec-73dd-859c-67a9e9f30f0c"},
        {"signature": base64url.encode(bytes(64))},
        {"signature": base64url.encode(bytes(63))},
        {"signature": base64url.encode(b"\xff" * 64)},
        {"origin": "https://login.evil.example"},
    ],
)
def test_refuses_a_device_that_is_unknown_or_signs_otherwise(owner: Owner, instead: dict[str, Any]) -> None:
    with owner.organisation.client.websocket_connect(PATH) as session:
        session.send_json(owner.device.hello(session.receive_json(), **instead))
        assert ending(session) == ("device_unknown", 4401)


def test_refuses_a_greeting_replayed(owner: Owner) -> None:
    client = owner.organisation.client
    with client.websocket_connect(PATH) as session:
        hello = owner.device.hello(session.receive_json())
        session.send_json(hello)
        assert session.receive_json() == {"type": "ready"}
    with client.websocket_connect(PATH) as session:
        session.receive_json()
        session.send_json(hello)
        assert ending(session) == ("device_unknown", 4401)


def test_refuses_another_devices_key(owner: Owner) -> None:
    impostor = SoftwareDevice(ORIGIN, id=owner.device.id)
    with owner.organisation.client.websocket_connect(PATH) as session:
        session.send_json(impostor.hello(session.receive_json()))
        assert ending(session) == ("device_unknown", 4401)


def test_a_disabled_person_is_told_so_and_the_device_stays(owner: Owner) -> None:
    owner.organisation.disable("lin")
    with owner.organisation.client.websocket_connect(PATH) as session:
        session.send_json(owner.device.hello(session.receive_json()))
        assert ending(session) == ("account_disabled", 4403)


def test_nobody_else_is_told_that_an_account_is_disabled(owner: Owner) -> None:
    owner.organisation.disable("lin")
    impostor = SoftwareDevice(ORIGIN, id=owner.device.id)
    with owner.organisation.client.websocket_connect(PATH) as session:
        session.send_json(impostor.hello(session.receive_json()))
        assert ending(session) == ("device_unknown", 4401)


def test_a_newer_connection_replaces_the_older(owner: Owner) -> None:
    with owner.connected() as older, owner.connected() as newer:
        assert newer.ready == {"type": "ready"}
        assert ending(older.session) == ("replaced", 4409)


def test_two_devices_of_one_person_both_hear(owner: Owner) -> None:
    other = SoftwareDevice(ORIGIN)
    register(owner.organisation, "lin", other, "Desktop")
    desktop = Owner(owner.organisation, "lin", other)
    with owner.connected() as one, desktop.connected() as two:
        browser = owner.typed_password()
        number = number_on(browser.get("/sign-in").text)
        approval = one.receive()
        assert two.receive() == approval
        assert two.answer(approval, number) == "approved"
        assert one.receive() == {"type": "none", "id": approval["id"], "why": "answered"}


def test_refuses_a_page_of_another_site(owner: Owner) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        owner.organisation.client.websocket_connect(PATH, headers={"origin": "https://evil.example"}),
    ):
        pass


def test_refuses_a_websocket_anywhere_else(org: Organisation) -> None:
    for path in ("/sign-in", "/", "/security-info", "/v1.0/elsewhere", "/static/js/base.js"):
        with pytest.raises(WebSocketDisconnect), org.client.websocket_connect(path):
            pass


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "message_invalid"),
        ("no json", "message_invalid"),
        ("[]", "message_invalid"),
        ("{}", "message_invalid"),
        ('{"type":"hello"}', "message_invalid"),
        ('{"type":"hello","device":"a\\u0000","signature":"AA"}', "message_invalid"),
        ('{"type":"hello","device":"a","signature":"A"}', "message_invalid"),
        ('{"type":"answer"}', "message_invalid"),
        ("[" * 4000, "message_invalid"),
        ('{"type":"hello","device":NaN}', "message_invalid"),
        ('"' + "a" * 5000 + '"', "message_too_large"),
    ],
)
def test_refuses_a_greeting_that_is_none(org: Organisation, text: str, reason: str) -> None:
    with org.client.websocket_connect(PATH) as session:
        session.receive_json()
        session.send_text(text)
        assert ending(session) == (reason, 4400)


def test_refuses_bytes(owner: Owner) -> None:
    with owner.connected() as connection:
        connection.session.send_bytes(b"{}")
        assert ending(connection.session) == ("message_invalid", 4400)


@pytest.mark.parametrize(
    "instead",
    [
        {"type": "something"},
        {"id": 1},
        {"id": ""},
        {"id": "é"},
        {"decision": "maybe"},
        {"decision": None},
        {"number": 42},
        {"is_verified": "yes"},
        {"is_verified": None},
        {"signature": None},
        {"signature": "=="},
    ],
)
def test_refuses_an_answer_that_is_malformed(owner: Owner, instead: dict[str, Any]) -> None:
    with owner.connected() as connection:
        connection.send(owner.device.answer({"id": "x", "nonce": "AAAA"}, "42") | instead)
        assert ending(connection.session) == ("message_invalid", 4400)


def test_an_answer_to_nothing_is_answered(owner: Owner) -> None:
    with owner.connected() as connection:
        assert connection.answer({"id": "x", "nonce": "AAAA"}, "42") == "unknown"


def test_refuses_too_many_messages(owner: Owner) -> None:
    with owner.connected() as connection:
        for _ in range(authenticator_connection.MOST_MESSAGES - 1):  # the greeting was one
            assert connection.answer({"id": "x", "nonce": "AAAA"}, "42") == "unknown"
        connection.send(owner.device.answer({"id": "x", "nonce": "AAAA"}, "42"))
        assert ending(connection.session) == ("too_many_messages", 4429)


@pytest.mark.parametrize("most", ["MOST_STRANGERS", "MOST_STRANGERS_OF_A_NETWORK"])
def test_refuses_a_crowd_that_does_not_greet(org: Organisation, monkeypatch: pytest.MonkeyPatch, most: str) -> None:
    monkeypatch.setattr(authenticator_connection, most, 1)
    with org.client.websocket_connect(PATH) as first:
        first.receive_json()
        with org.client.websocket_connect(PATH) as second:
            assert ending(second) == ("busy", 1013)


def test_refuses_one_that_never_greets(org: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticator_connection, "_GREETING_WITHIN", 0.05)
    with org.client.websocket_connect(PATH) as session:
        session.receive_json()
        assert ending(session) == ("greeting_overdue", 4408)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["type", "id", "device", "decision", "number", "is_verified", "signature", "x"])


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200) | st.dictionaries(NAMES, JSON, max_size=7).map(json.dumps))
def test_any_text_is_an_answer_or_ends_the_connection(text: str) -> None:
    try:
        message = authenticator_connection.parse_message(text)
        answer = authenticator_connection.parse_answer(message, "device")
    except authenticator_connection.End:
        return
    assert answer.id
