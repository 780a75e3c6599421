"""Whatever bytes come in, a CTAP status goes out: no exception, no fault, no answer that is not canonical CBOR."""

import random
from typing import Any, Final

import pytest
from fido2 import cbor
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.authenticator import AutomaticVerifier, Engine
from ostiary.authenticator.engine import cbor as ours
from ostiary.authenticator.engine.token import Permission
from tests.authenticator.engine.platform import (
    CLIENT_PIN,
    CONFIG,
    CREDENTIAL_MANAGEMENT,
    GET_ASSERTION,
    HASH,
    LARGE_BLOBS,
    MAKE_CREDENTIAL,
    PIN,
    RP_ID,
    Platform,
    Status,
)

COMMANDS: Final = (
    MAKE_CREDENTIAL,
    GET_ASSERTION,
    0x04,
    CLIENT_PIN,
    0x07,
    0x08,
    CREDENTIAL_MANAGEMENT,
    0x0B,
    LARGE_BLOBS,
    CONFIG,
)
KNOWN: Final = {int(status) for status in Status}
MUTATIONS: Final = 20_000


def judge(engine: Engine, request: bytes) -> int:
    """The status, after everything that must hold of any answer. A fault raises in `on_fault`."""
    answer = engine.ctap2(request)
    assert answer[0] in KNOWN
    assert answer[0] != Status.OTHER
    if answer[0] != Status.SUCCESS:
        assert len(answer) == 1
    elif len(answer) > 1:
        content = answer[1:]
        assert ours.encode(ours.decode(content)) == content
    return answer[0]


def valid_requests(platform: Platform) -> list[bytes]:
    """One of every kind, most with tokens that are good for a while."""
    made = platform.register(extensions={"largeBlobKey": True})
    every = (
        Permission.MAKE_CREDENTIAL
        | Permission.GET_ASSERTION
        | Permission.CREDENTIAL_MANAGEMENT
        | Permission.LARGE_BLOB_WRITE
        | Permission.AUTHENTICATOR_CONFIGURATION
    )
    public, secret = platform.shared_secret()
    encrypted = platform.protocol.encrypt(secret, bytes(64))
    salts = {1: public, 2: encrypted, 3: platform.protocol.authenticate(secret, encrypted), 4: 2}
    token = platform.token(every, RP_ID)
    array = platform.keys.large_blobs
    rp_id_hash = made.data.rp_id_hash
    requests: list[tuple[int, dict[int, Any]]] = [
        (MAKE_CREDENTIAL, platform.creation() | {5: [made.descriptor], 6: {"credBlob": b"b", "credProtect": 2}}),
        (MAKE_CREDENTIAL, platform.signed(token, platform.creation(rk=True), HASH, key=8, protocol_key=9)),
        (
            MAKE_CREDENTIAL,
            platform.creation() | {6: {"hmac-secret": True, "hmac-secret-mc": salts, "largeBlobKey": True}},
        ),
        (GET_ASSERTION, platform.assertion(uv=True) | {3: [made.descriptor], 4: {"hmac-secret": salts}}),
        (GET_ASSERTION, platform.signed(token, platform.assertion(up=False), HASH, key=6, protocol_key=7)),
        (GET_ASSERTION, platform.assertion() | {4: {"credBlob": True, "largeBlobKey": True}}),
        (CLIENT_PIN, {1: 2, 2: 0x02}),
        (CLIENT_PIN, {2: 0x01}),
        (CLIENT_PIN, {2: 0x07}),
        (CLIENT_PIN, {1: 2, 2: 0x06, 3: public, 9: 4}),
        (CLIENT_PIN, platform.pin_fields(0x05)),
        (CLIENT_PIN, platform.pin_fields(0x09) | {9: 3, 10: RP_ID}),
        (CLIENT_PIN, platform.new_pin_fields(PIN, old=PIN)),
        (CREDENTIAL_MANAGEMENT, platform.management(token, 0x01)),
        (CREDENTIAL_MANAGEMENT, platform.management(token, 0x04, {1: rp_id_hash})),
        (CREDENTIAL_MANAGEMENT, {1: 0x05}),
        (CREDENTIAL_MANAGEMENT, platform.management(token, 0x07, {2: made.descriptor, 3: {"id": b"ada", "name": "a"}})),
        (CONFIG, platform.configuration(token, 0x03, {1: 6, 2: [RP_ID], 3: False})),
        (LARGE_BLOBS, {1: 100, 3: 0}),
        (LARGE_BLOBS, platform.writing(token, array, 0, len(array))),
    ]
    return [bytes((number,)) + cbor.encode(fields) for number, fields in requests]


def mutated(rng: random.Random, request: bytes) -> bytes:
    data = bytearray(request)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data))
        match rng.randrange(6):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                del data[at:]
            case 3:
                data[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 4:
                del data[at : at + rng.randrange(1, 9)]
            case _:
                data[at : at + 1] = rng.choice(
                    (b"\xf6", b"\xa0", b"\x80", b"\x40", b"\x60", b"\xf5", b"\x20", b"\x1b" + b"\xff" * 8)
                )
        if not data:
            data.append(rng.randrange(256))
    return bytes(data)


def substituted(rng: random.Random, request: bytes) -> bytes:
    """Right in form, with something of another type or value somewhere inside."""
    fields = cbor.decode(request[1:])
    assert isinstance(fields, dict)
    at: Any = fields
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            break
        key = rng.choice(keys)
        if isinstance(at[key], dict | list) and rng.random() < 0.7:
            at = at[key]
            continue
        at[key] = rng.choice(
            [0, 1, -1, 2**64 - 1, -(2**64), b"", bytes(32), bytes(300), "", "x" * 300, True, [], {}, [[]], {1: 2}]
        )
        break
    return request[:1] + cbor.encode(fields)


@pytest.mark.parametrize("mutate", [mutated, substituted])
@pytest.mark.parametrize("can_choose", [False, True])
def test_changed_requests_get_a_status(mutate: Any, can_choose: bool) -> None:
    rng = random.Random(20260)
    seen: set[int] = set()
    platform = Platform(pin=PIN, verifier=AutomaticVerifier(can_choose=can_choose))
    requests = valid_requests(platform)
    for _ in range(MUTATIONS // 4):
        seen.add(judge(platform.engine, mutate(rng, rng.choice(requests))))
        if platform.keys.pin.retries_left < 4:  # another one, whose PIN can be tried
            platform = Platform(pin=PIN, verifier=AutomaticVerifier(can_choose=can_choose))
            requests = valid_requests(platform)
    assert seen >= {
        Status.SUCCESS,
        Status.CBOR_UNEXPECTED_TYPE,
        Status.MISSING_PARAMETER,
        Status.INVALID_PARAMETER,
        Status.PIN_AUTH_INVALID,
    }
    if mutate is mutated:
        assert {Status.INVALID_CBOR, Status.INVALID_COMMAND} <= seen


def test_the_requests_that_are_changed_are_right() -> None:
    platform = Platform(pin=PIN)
    statuses = [platform.engine.ctap2(request)[0] for request in valid_requests(platform)]
    # the first finds its own credential in the exclude list; the token is bound, spent and replaced on the way
    assert statuses[0] == Status.CREDENTIAL_EXCLUDED
    assert statuses.count(Status.SUCCESS) >= 10


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(COMMANDS), st.binary(max_size=80))
def test_random_bytes_get_a_status(command: int, content: bytes) -> None:
    judge(EMPTY.engine, bytes((command,)) + content)


items: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.integers(-70, 70), st.binary(max_size=70), st.sampled_from(["", RP_ID, "public-key"]), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.integers(-3, 12), st.sampled_from(["id", "type", "alg", "rk", "up", "uv"])), inner, max_size=4
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(COMMANDS), st.dictionaries(st.integers(0, 12), items, max_size=8))
def test_random_maps_get_a_status(command: int, fields: dict[int, Any]) -> None:
    judge(EMPTY.engine, bytes((command,)) + cbor.encode(fields))


EMPTY: Final = Platform(pin=PIN)
