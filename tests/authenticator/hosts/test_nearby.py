"""What a computer at the other end of a tunnel may ask of the engine, and what it may not."""

import asyncio
from typing import Any

import pytest

from ostiary.authenticator import AutomaticVerifier, Engine
from ostiary.authenticator.engine import cbor
from ostiary.authenticator.engine.status import Status
from ostiary.authenticator.hosts.nearby import NearbyEngine
from ostiary.authenticator.keys import memory_key_store

MAKE: dict[int, Any] = {
    1: bytes(32),
    2: {"id": "contoso.example", "name": "Contoso"},
    3: {"id": b"ada", "name": "ada", "displayName": "Ada"},
    4: [{"alg": -7, "type": "public-key"}],
    7: {"rk": True},
}
GET: dict[int, Any] = {1: "contoso.example", 2: bytes(32)}


class Phone:
    def __init__(self) -> None:
        self.keys = memory_key_store(pin="2580")
        self.person = AutomaticVerifier(can_choose=True)
        self.nearby = NearbyEngine(Engine(keys=self.keys, verifier=self.person))

    def asked(self, command: int, fields: dict[int, Any] | None = None) -> tuple[int, Any]:
        request = bytes([command]) + (cbor.encode(fields) if fields is not None else b"")
        answer = asyncio.run(self.nearby.answer(request))
        return answer[0], cbor.decode(answer, 1) if len(answer) > 1 else None


@pytest.fixture
def phone() -> Phone:
    return Phone()


def test_tells_what_a_phone_tells(phone: Phone) -> None:
    info = cbor.decode(phone.nearby.get_info)
    assert info[4] == {"rk": True, "uv": True} and info[9] == ["internal", "hybrid"]
    assert 6 not in info  # no PIN protocols: the person is verified here


def test_always_verifies_the_person(phone: Phone) -> None:
    status, made = phone.asked(0x01, MAKE)
    assert status == 0 and made[2][32] & 0x04
    status, signed = phone.asked(0x02, GET)
    assert status == 0 and signed[2][32] & 0x04
    assert [prompt.needs_verification for prompt in phone.person.prompts] == [True, True]


def test_asks_nobody_silently(phone: Phone) -> None:
    phone.asked(0x01, MAKE)
    phone.person.prompts.clear()
    assert phone.asked(0x02, {**GET, 5: {"up": False}}) == (Status.UNSUPPORTED_OPTION, None)
    assert phone.asked(0x01, {**MAKE, 7: {"rk": True, "up": False}}) == (Status.UNSUPPORTED_OPTION, None)
    assert phone.person.prompts == []


@pytest.mark.parametrize("command", [0x06, 0x07, 0x09, 0x0A, 0x0C, 0x0D, 0x40, 0x41, 0x00, 0xFF])
def test_manages_nothing_from_elsewhere(phone: Phone, command: int) -> None:
    """No PIN to try or set, no reset, no list of passkeys, no configuration, no blobs."""
    for fields in (None, {}, {1: 2, 2: 1}):
        assert phone.asked(command, fields) == (Status.INVALID_COMMAND, None)
    assert phone.keys.pin.retries_left == 8 and phone.person.prompts == []


def test_takes_no_token_of_a_pin(phone: Phone) -> None:
    assert phone.asked(0x01, {**MAKE, 8: bytes(16), 9: 2})[0] == Status.PIN_AUTH_INVALID
    assert phone.asked(0x02, {**GET, 6: bytes(16), 7: 2})[0] == Status.PIN_AUTH_INVALID


@pytest.mark.parametrize("request_", [b"", b"\x01", b"\x01\xff", b"\x02\xa0\x00", b"\x02\x05", b"\x01\xa1\x07\x05"])
def test_refuses_what_is_no_request(phone: Phone, request_: bytes) -> None:
    assert asyncio.run(phone.nearby.answer(request_))[0] != 0
    assert phone.person.prompts == []
