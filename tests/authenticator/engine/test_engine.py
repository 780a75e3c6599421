"""getInfo, selection, reset, and what holds for every request: one at a time, cancelled, waited for."""

import threading
from typing import Any

import pytest

from ostiary.authenticator import AutomaticVerifier, Decision, Engine, Exchange, Outcome, Prompt, Purpose
from ostiary.authenticator.engine.token import Permission
from ostiary.authenticator.keys import memory_key_store
from ostiary.authenticator.models import SEALED_FILE
from tests.authenticator.engine.platform import (
    CREDENTIAL_MANAGEMENT,
    GET_ASSERTION,
    GET_INFO,
    MAKE_CREDENTIAL,
    PIN,
    RESET,
    SELECTION,
    Platform,
    Status,
)

# --- getInfo, §6.4


def test_says_what_it_is() -> None:
    info = Platform(pin=PIN).send(GET_INFO)
    assert info[1] == ["FIDO_2_0", "FIDO_2_1"]
    assert info[2] == ["credBlob", "credProtect", "hmac-secret", "hmac-secret-mc", "largeBlobKey", "minPinLength"]
    assert info[3] == SEALED_FILE
    assert info[4] == {
        "plat": False,
        "rk": True,
        "up": True,
        "uv": True,
        "uvAcfg": True,
        "clientPin": True,
        "pinUvAuthToken": True,
        "largeBlobs": True,
        "alwaysUv": False,
        "credMgmt": True,
        "authnrCfg": True,
        "setMinPINLength": True,
        "makeCredUvNotRqd": True,
    }
    assert info[6] == [2, 1]
    assert info[0x0A] == [{"alg": -7, "type": "public-key"}, {"alg": -8, "type": "public-key"}]
    assert info[0x14] == 1000


def test_offers_the_transports_of_the_hosts_it_is_plugged_into() -> None:
    keys = memory_key_store()
    platform = Platform(keys=keys)
    assert platform.send(GET_INFO)[9] == ["internal"]
    platform.engine = Engine(keys=keys, verifier=AutomaticVerifier(), transports=("usb", "nfc"))
    assert platform.send(GET_INFO)[9] == ["usb", "nfc"]


@pytest.mark.parametrize(
    ("pin", "is_locked", "can_verify", "uv"),
    [
        (None, False, True, True),
        (PIN, False, True, True),
        (PIN, True, True, True),
        (PIN, False, False, None),
        (None, False, False, None),
    ],
)
def test_says_whether_it_verifies_people_itself(
    pin: str | None, is_locked: bool, can_verify: bool, uv: bool | None
) -> None:
    platform = Platform(pin=pin, verifier=AutomaticVerifier(can_verify=can_verify))
    if is_locked:
        platform.keys.lock()
    options = platform.send(GET_INFO)[4]
    assert options.get("uv") is uv
    assert options.get("uvAcfg") is (True if can_verify else None)


# --- selection, §6.9, and reset, §6.6


@pytest.mark.parametrize(("number", "purpose"), [(SELECTION, Purpose.SELECT), (RESET, Purpose.RESET)])
@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.APPROVED, Status.SUCCESS),
        (Outcome.DECLINED, Status.OPERATION_DENIED),
        (Outcome.TIMED_OUT, Status.USER_ACTION_TIMEOUT),
        (Outcome.CANCELLED, Status.KEEPALIVE_CANCEL),
    ],
)
def test_asks_the_person(number: int, purpose: Purpose, outcome: Outcome, status: Status) -> None:
    platform = Platform()
    platform.register()
    platform.verifier.decide = lambda prompt, exchange: Decision(outcome=outcome)
    assert platform.status(number) == status
    assert platform.verifier.prompts[-1].purpose is purpose
    assert bool(platform.keys.credentials()) != (number == RESET and outcome is Outcome.APPROVED)


def test_a_reset_leaves_nothing() -> None:
    platform = Platform(pin=PIN)
    made = platform.register()
    token = platform.token(Permission.CREDENTIAL_MANAGEMENT)
    assert platform.status(RESET) == Status.SUCCESS
    assert platform.status(GET_ASSERTION, platform.assertion() | {3: [made.descriptor]}) == Status.NO_CREDENTIALS
    assert platform.send(GET_INFO)[4]["clientPin"] is False
    fields = platform.management(token, 0x01)
    assert platform.status(CREDENTIAL_MANAGEMENT, fields) == Status.PIN_AUTH_INVALID


def test_a_reset_helps_when_the_pin_is_forgotten() -> None:
    platform = Platform(pin=PIN)
    for _ in range(3):
        platform.status(0x06, platform.pin_fields(0x05, "wrong"))
    assert platform.status(RESET) == Status.SUCCESS
    platform.send(0x06, platform.new_pin_fields("654321"))
    assert platform.status(0x06, platform.pin_fields(0x05, "654321")) == Status.SUCCESS


@pytest.mark.parametrize(
    ("can_choose", "seconds", "status"),
    [(False, 10, Status.SUCCESS), (False, 11, Status.NOT_ALLOWED), (True, 3600, Status.SUCCESS)],
)
def test_without_a_screen_a_reset_comes_soon_after_starting(can_choose: bool, seconds: int, status: Status) -> None:
    platform = Platform(verifier=AutomaticVerifier(can_choose=can_choose))
    platform.clock.pass_seconds(seconds)
    assert platform.status(RESET) == status


# --- one at a time, cancelled, waited for


class Waiting(AutomaticVerifier):
    """Lets go of nobody until told to, or until the request is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = threading.Event()
        self.answer = threading.Event()

    def ask(self, prompt: Prompt, exchange: Exchange) -> Decision:
        self.is_asked.set()
        while not self.answer.wait(0.001):
            if exchange.cancelled.is_set():
                return Decision(outcome=Outcome.CANCELLED)
        return super().ask(prompt, exchange)


def test_another_request_meanwhile_is_told_that_it_is_busy_and_disturbs_nothing() -> None:
    verifier = Waiting()
    platform = Platform(verifier=verifier)
    answers: list[int] = []
    first = threading.Thread(target=lambda: answers.append(platform.status(MAKE_CREDENTIAL, platform.creation())))
    first.start()
    assert verifier.is_asked.wait(5)
    for request in (b"\x04", b"\x0b", b"", b"\x99"):
        assert platform.engine.ctap2(request) == bytes((Status.CHANNEL_BUSY,))
    verifier.answer.set()
    first.join(5)
    assert answers == [Status.SUCCESS]
    assert platform.status(GET_INFO) == Status.SUCCESS


def test_who_sent_a_request_can_cancel_it() -> None:
    verifier = Waiting()
    platform = Platform(verifier=verifier)
    exchange = Exchange()
    answers: list[int] = []
    fields = platform.creation()
    first = threading.Thread(target=lambda: answers.append(platform.status(MAKE_CREDENTIAL, fields, exchange)))
    first.start()
    assert verifier.is_asked.wait(5)
    exchange.cancelled.set()
    first.join(5)
    assert answers == [Status.KEEPALIVE_CANCEL]
    assert not platform.keys.credentials()


def test_nobody_is_asked_for_a_request_that_was_cancelled_already() -> None:
    platform = Platform()
    exchange = Exchange()
    exchange.cancelled.set()
    assert platform.status(MAKE_CREDENTIAL, platform.creation(), exchange) == Status.KEEPALIVE_CANCEL
    assert platform.verifier.prompts == []


def test_who_sent_a_request_is_told_that_the_person_is_waited_for_and_the_person_who_sent_it() -> None:
    platform = Platform()
    waits: list[Any] = []
    exchange = Exchange(source="USB security key", on_waiting=lambda: waits.append(len(platform.verifier.prompts)))
    assert platform.status(MAKE_CREDENTIAL, platform.creation(), exchange) == Status.SUCCESS
    assert waits == [0]  # before the question
    assert platform.verifier.prompts[0].source == "USB security key"
    assert platform.status(GET_INFO, exchange=exchange) == Status.SUCCESS
    assert len(waits) == 1
