"""What another computer may ask for at all, and what it cannot have without its person being asked here."""

import asyncio
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.ctap import CtapError
from fido2.webauthn import AuthenticatorData

from ostiary.authenticator import AutomaticVerifier, Decision, Engine, Outcome
from ostiary.authenticator.hosts.nearby import NearbyEngine, as_from_nearby
from ostiary.authenticator.keys import memory_key_store
from ostiary.authenticator.ports import NewCredential
from tests.authenticator.app.conftest import beside

from .conftest import RP_ID

ERR = CtapError.ERR
HASH = bytes(32)


@pytest.fixture
def verifier() -> AutomaticVerifier:
    return AutomaticVerifier(decide=lambda prompt, exchange: Decision(outcome=Outcome.DECLINED))


@pytest.fixture
def phone(verifier: AutomaticVerifier) -> tuple[NearbyEngine, bytes]:
    keys = memory_key_store()
    made = keys.add(NewCredential(RP_ID, "Contoso", b"ada", "ada@contoso.example", "Ada", -7, 0))
    return NearbyEngine(Engine(keys=keys, verifier=verifier)), made.id


def ask(phone: NearbyEngine, command: int, fields: dict[int, Any] | None = None) -> bytes:
    request = bytes([command]) + (cbor.encode(fields) if fields is not None else b"")
    with beside(lambda: asyncio.run(phone.answer(request))) as answers:  # a loop of its own, whatever runs here
        pass
    assert isinstance(answers[0], bytes), answers
    return answers[0]


def listed(credential_id: bytes) -> list[dict[str, Any]]:
    return [{"id": credential_id, "type": "public-key"}]


@pytest.mark.parametrize("command", [0x06, 0x07, 0x09, 0x0A, 0x0C, 0x0D, 0x41, 0xFF])
def test_nothing_is_managed_from_afar(phone: tuple[NearbyEngine, bytes], command: int) -> None:
    """PIN, reset, fingerprints, lists of passkeys, blobs, configuration."""
    assert ask(phone[0], command, {1: 1})[0] == ERR.INVALID_COMMAND


def test_a_silent_request_yields_nothing_of_use(phone: tuple[NearbyEngine, bytes], verifier: AutomaticVerifier) -> None:
    """It learns that a passkey it knows is here, as CTAP has it, and gets no signature over what it sent."""
    engine, credential_id = phone
    fields = {1: RP_ID, 2: HASH, 3: listed(credential_id), 5: {"up": False}}
    first, second = ask(engine, 2, fields), ask(engine, 2, fields)
    assert first[0] == 0 and verifier.prompts == []
    told: Any = cbor.decode(first[1:])
    data = AuthenticatorData(told[2])
    assert not data.is_user_present() and not data.is_user_verified()
    public_key = engine._engine._state.keys.find(credential_id).public_key  # type: ignore[attr-defined]
    with pytest.raises(InvalidSignature):
        CoseKey.parse(cbor.decode(public_key)).verify(told[2] + HASH, told[3])  # type: ignore[arg-type]
    assert first != second
    assert ask(engine, 2, {**fields, 3: listed(bytes(32))})[0] == ERR.NO_CREDENTIALS


def test_a_silent_request_lists_nobody(phone: tuple[NearbyEngine, bytes], verifier: AutomaticVerifier) -> None:
    for fields in ({1: RP_ID, 2: HASH, 5: {"up": False}}, {1: RP_ID, 2: HASH, 3: [], 5: {"up": False}}):
        assert ask(phone[0], 2, fields)[0] == ERR.UNSUPPORTED_OPTION
    assert verifier.prompts == []


def test_the_person_is_always_verified(phone: tuple[NearbyEngine, bytes], verifier: AutomaticVerifier) -> None:
    """Whatever the other computer wanted: a press alone gives nobody away."""
    engine, credential_id = phone
    for options in ({}, {"uv": False}, {"up": True, "uv": False}):
        assert ask(engine, 2, {1: RP_ID, 2: HASH, 3: listed(credential_id), 5: options})[0] == ERR.OPERATION_DENIED
    assert len(verifier.prompts) == 3 and all(one.needs_verification for one in verifier.prompts)


def test_a_pin_is_not_taken_from_afar(phone: tuple[NearbyEngine, bytes], verifier: AutomaticVerifier) -> None:
    for options in ({"up": True}, {"up": False}):
        fields = {1: RP_ID, 2: HASH, 3: listed(phone[1]), 5: options, 6: bytes(16), 7: 2}
        assert ask(phone[0], 2, fields)[0] == ERR.PIN_AUTH_INVALID
    assert verifier.prompts == []


@pytest.mark.parametrize("request_", [b"\x02\xff", b"\x01", b"\x02\xa0", b"\x02\x01", b"\x02\xa1\x05\x01", b""])
def test_what_is_no_request_is_refused(phone: tuple[NearbyEngine, bytes], request_: bytes) -> None:
    with beside(lambda: asyncio.run(phone[0].answer(request_))) as answers:
        pass
    assert isinstance(answers[0], bytes) and answers[0][0] != 0


def test_getinfo_passes() -> None:
    assert as_from_nearby(b"\x04") == b"\x04"
