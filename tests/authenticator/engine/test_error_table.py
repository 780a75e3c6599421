"""Every command's refusals: a request right but for one thing, and the status the specification names for it."""

from typing import Any

import pytest
from fido2 import cbor

from ostiary.authenticator import AutomaticVerifier, Engine
from ostiary.authenticator.engine.token import Permission
from ostiary.authenticator.keys import memory_key_store
from tests.authenticator.engine.platform import (
    CLIENT_PIN,
    CONFIG,
    CREDENTIAL_MANAGEMENT,
    ES256,
    GET_ASSERTION,
    GET_INFO,
    GET_NEXT_ASSERTION,
    LARGE_BLOBS,
    MAKE_CREDENTIAL,
    PIN,
    RESET,
    RP_ID,
    SELECTION,
    Platform,
    Status,
)

ABSENT = object()
Path = tuple[int | str, ...]


def changed(fields: Any, path: Path, value: object) -> Any:
    """`fields`, but for what is under `path`."""
    if not path:
        return value
    copy = dict(fields) if isinstance(fields, dict) else dict(enumerate(fields))
    if len(path) == 1 and value is ABSENT:
        copy.pop(path[0], None)
    else:
        copy[path[0]] = changed(copy.get(path[0], {}), path[1:], value)
    return copy if isinstance(fields, dict) else [copy[at] for at in sorted(copy)]


# --- the message itself


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"", Status.INVALID_LENGTH),
        (b"\x00", Status.INVALID_COMMAND),
        (b"\x03", Status.INVALID_COMMAND),
        (b"\x05", Status.INVALID_COMMAND),
        (b"\x09\xa0", Status.INVALID_COMMAND),
        (b"\x40\xa0", Status.INVALID_COMMAND),
        (b"\x41\xa0", Status.INVALID_COMMAND),
        (b"\xff", Status.INVALID_COMMAND),
        (bytes((GET_INFO, 0xA0)), Status.INVALID_LENGTH),
        (bytes((SELECTION, 0x00)), Status.INVALID_LENGTH),
        (bytes((RESET, 0x00)), Status.INVALID_LENGTH),
        (bytes((GET_NEXT_ASSERTION, 0x00)), Status.INVALID_LENGTH),
        (bytes((GET_NEXT_ASSERTION,)), Status.NOT_ALLOWED),
        (bytes((MAKE_CREDENTIAL,)) + bytes(8000), Status.REQUEST_TOO_LARGE),
    ],
)
def test_refuses_what_is_no_command(request_bytes: bytes, status: Status) -> None:
    assert Platform().engine.ctap2(request_bytes) == bytes((status,))


@pytest.mark.parametrize(
    "number", [MAKE_CREDENTIAL, GET_ASSERTION, CLIENT_PIN, CREDENTIAL_MANAGEMENT, LARGE_BLOBS, CONFIG]
)
@pytest.mark.parametrize(
    ("content", "status"),
    [
        ("", Status.INVALID_CBOR),
        ("a101", Status.INVALID_CBOR),  # cut off
        ("a00000", Status.INVALID_CBOR),  # more after it
        ("bf0102ff", Status.INVALID_CBOR),  # indefinite length
        ("a1180101", Status.INVALID_CBOR),  # a key longer than it need be
        ("a101190001", Status.INVALID_CBOR),  # a value so
        ("a202000100", Status.INVALID_CBOR),  # keys out of order
        ("a201000100", Status.INVALID_CBOR),  # a key twice
        ("a1f500", Status.INVALID_CBOR),  # a boolean for a key
        ("a1800000", Status.INVALID_CBOR),  # an array for a key
        ("a101c000", Status.INVALID_CBOR),  # a tag
        ("a101f97e00", Status.INVALID_CBOR),  # floating point
        ("a101f7", Status.INVALID_CBOR),  # undefined
        ("a10161ff", Status.INVALID_CBOR),  # no UTF-8
        ("a10181818180", Status.INVALID_CBOR),  # nested too deep
        ("a1015b7fffffffffffffff", Status.INVALID_CBOR),  # longer than anything
        ("a1019b7fffffffffffffff", Status.INVALID_CBOR),
        ("bb7fffffffffffffff", Status.INVALID_CBOR),
        ("80", Status.CBOR_UNEXPECTED_TYPE),
        ("00", Status.CBOR_UNEXPECTED_TYPE),
        ("f6", Status.CBOR_UNEXPECTED_TYPE),
        ("4100", Status.CBOR_UNEXPECTED_TYPE),
        ("6161", Status.CBOR_UNEXPECTED_TYPE),
    ],
)
def test_refuses_what_is_not_canonical_cbor(number: int, content: str, status: Status) -> None:
    assert Platform().engine.ctap2(bytes((number,)) + bytes.fromhex(content)) == bytes((status,))


# --- makeCredential, §6.1

MAKE_CREDENTIAL_TABLE: list[tuple[Path, object, Status]] = [
    ((1,), ABSENT, Status.MISSING_PARAMETER),
    ((1,), "text", Status.CBOR_UNEXPECTED_TYPE),
    ((1,), bytes(31), Status.INVALID_LENGTH),
    ((2,), ABSENT, Status.MISSING_PARAMETER),
    ((2,), "text", Status.CBOR_UNEXPECTED_TYPE),
    ((2, "id"), ABSENT, Status.MISSING_PARAMETER),
    ((2, "id"), b"bytes", Status.CBOR_UNEXPECTED_TYPE),
    ((2, "id"), "", Status.INVALID_LENGTH),
    ((2, "id"), "a" * 254, Status.INVALID_LENGTH),
    ((2, "name"), 1, Status.CBOR_UNEXPECTED_TYPE),
    ((3,), ABSENT, Status.MISSING_PARAMETER),
    ((3,), [], Status.CBOR_UNEXPECTED_TYPE),
    ((3, "id"), ABSENT, Status.MISSING_PARAMETER),
    ((3, "id"), "text", Status.CBOR_UNEXPECTED_TYPE),
    ((3, "id"), b"", Status.INVALID_LENGTH),
    ((3, "id"), bytes(65), Status.INVALID_LENGTH),
    ((3, "name"), b"bytes", Status.CBOR_UNEXPECTED_TYPE),
    ((3, "displayName"), b"bytes", Status.CBOR_UNEXPECTED_TYPE),
    ((4,), ABSENT, Status.MISSING_PARAMETER),
    ((4,), {}, Status.CBOR_UNEXPECTED_TYPE),
    ((4,), [], Status.UNSUPPORTED_ALGORITHM),
    ((4,), [1], Status.CBOR_UNEXPECTED_TYPE),
    ((4,), [{"alg": -7}], Status.MISSING_PARAMETER),
    ((4,), [{"type": "public-key"}], Status.MISSING_PARAMETER),
    ((4,), [{"alg": "ES256", "type": "public-key"}], Status.CBOR_UNEXPECTED_TYPE),
    ((4,), [{"alg": -7, "type": 1}], Status.CBOR_UNEXPECTED_TYPE),
    ((4,), [ES256, {"alg": -7}], Status.MISSING_PARAMETER),
    ((4,), [{"alg": -257, "type": "public-key"}], Status.UNSUPPORTED_ALGORITHM),
    ((4,), [{"alg": -7, "type": "secret-key"}], Status.UNSUPPORTED_ALGORITHM),
    ((5,), {}, Status.CBOR_UNEXPECTED_TYPE),
    ((5,), [b"id"], Status.CBOR_UNEXPECTED_TYPE),
    ((5,), [{"type": "public-key"}], Status.MISSING_PARAMETER),
    ((5,), [{"id": b"id"}], Status.MISSING_PARAMETER),
    ((5,), [{"id": "id", "type": "public-key"}], Status.CBOR_UNEXPECTED_TYPE),
    ((5,), [{"id": b"id", "type": b"public-key"}], Status.CBOR_UNEXPECTED_TYPE),
    ((5,), [{"id": b"id", "type": "public-key"}] * 65, Status.LIMIT_EXCEEDED),
    ((6,), [], Status.CBOR_UNEXPECTED_TYPE),
    ((6,), {"credProtect": 0}, Status.INVALID_OPTION),
    ((6,), {"credProtect": 4}, Status.INVALID_OPTION),
    ((6,), {"credProtect": True}, Status.CBOR_UNEXPECTED_TYPE),
    ((6,), {"credBlob": "text"}, Status.CBOR_UNEXPECTED_TYPE),
    ((6,), {"hmac-secret": 1}, Status.CBOR_UNEXPECTED_TYPE),
    ((6,), {"hmac-secret-mc": {}}, Status.INVALID_OPTION),
    ((6,), {"hmac-secret": True, "hmac-secret-mc": {}}, Status.MISSING_PARAMETER),
    ((6,), {"largeBlobKey": False}, Status.INVALID_OPTION),
    ((6,), {"largeBlobKey": 1}, Status.CBOR_UNEXPECTED_TYPE),
    ((6,), {"minPinLength": 1}, Status.CBOR_UNEXPECTED_TYPE),
    ((7,), [], Status.CBOR_UNEXPECTED_TYPE),
    ((7, "rk"), 1, Status.CBOR_UNEXPECTED_TYPE),
    ((7, "uv"), "true", Status.CBOR_UNEXPECTED_TYPE),
    ((7, "up"), 0, Status.CBOR_UNEXPECTED_TYPE),
    ((7, "up"), False, Status.INVALID_OPTION),
    ((7, "uv"), False, Status.PUAT_REQUIRED),
    ((8,), "text", Status.CBOR_UNEXPECTED_TYPE),
    ((8,), bytes(32), Status.MISSING_PARAMETER),  # without a protocol
    ((8,), b"", Status.PIN_INVALID),  # which authenticator is meant?
    ((0x0A,), 1, Status.INVALID_PARAMETER),
    ((0x0A,), "text", Status.CBOR_UNEXPECTED_TYPE),
]


@pytest.mark.parametrize(("path", "value", "status"), MAKE_CREDENTIAL_TABLE)
def test_make_credential_refuses(path: Path, value: object, status: Status) -> None:
    platform = Platform(pin=PIN)
    fields = platform.creation()
    assert platform.status(MAKE_CREDENTIAL, changed(fields, path, value)) == status
    assert not platform.keys.credentials()
    assert platform.status(MAKE_CREDENTIAL, fields) == Status.SUCCESS


@pytest.mark.parametrize(
    ("protocol", "status"),
    [
        (3, Status.INVALID_PARAMETER),
        (0, Status.INVALID_PARAMETER),
        ("2", Status.CBOR_UNEXPECTED_TYPE),
        (1, Status.PIN_AUTH_INVALID),
        (2, Status.PIN_AUTH_INVALID),
    ],
)
@pytest.mark.parametrize(("number", "signature_key"), [(MAKE_CREDENTIAL, 8), (GET_ASSERTION, 6)])
def test_refuses_a_token_that_was_not_given_out(
    number: int, signature_key: int, protocol: object, status: Status
) -> None:
    platform = Platform(pin=PIN)
    platform.register()
    fields = platform.creation() if number == MAKE_CREDENTIAL else platform.assertion()
    assert platform.status(number, fields | {signature_key: bytes(32), signature_key + 1: protocol}) == status


def test_ignores_what_it_does_not_know() -> None:
    platform = Platform(pin=PIN)
    fields: dict[Any, Any] = platform.creation() | {0x55: [1], "text": 1, 6: {"unknown": 1}}
    fields[7] = {"rk": True, "uv": True, "unknown": 1}
    assert platform.status(MAKE_CREDENTIAL, fields) == Status.SUCCESS


# --- getAssertion, §6.2

GET_ASSERTION_TABLE: list[tuple[Path, object, Status]] = [
    ((1,), ABSENT, Status.MISSING_PARAMETER),
    ((1,), b"bytes", Status.CBOR_UNEXPECTED_TYPE),
    ((1,), "", Status.INVALID_LENGTH),
    ((1,), "other.example", Status.NO_CREDENTIALS),
    ((2,), ABSENT, Status.MISSING_PARAMETER),
    ((2,), "text", Status.CBOR_UNEXPECTED_TYPE),
    ((2,), bytes(33), Status.INVALID_LENGTH),
    ((3,), {}, Status.CBOR_UNEXPECTED_TYPE),
    ((3,), [], Status.NO_CREDENTIALS),
    ((3,), [1], Status.CBOR_UNEXPECTED_TYPE),
    ((3,), [{"id": b"id"}], Status.MISSING_PARAMETER),
    ((3,), [{"type": "public-key"}], Status.MISSING_PARAMETER),
    ((3,), [{"id": b"id", "type": "public-key"}], Status.NO_CREDENTIALS),
    ((3,), [{"id": b"id", "type": "public-key"}] * 65, Status.LIMIT_EXCEEDED),
    ((4,), [], Status.CBOR_UNEXPECTED_TYPE),
    ((4,), {"credBlob": b""}, Status.CBOR_UNEXPECTED_TYPE),
    ((4,), {"largeBlobKey": False}, Status.INVALID_OPTION),
    ((4,), {"hmac-secret": True}, Status.CBOR_UNEXPECTED_TYPE),
    ((4,), {"hmac-secret": {}}, Status.MISSING_PARAMETER),
    ((4,), {"hmac-secret": {1: {1: 2}, 2: b"", 3: b""}}, Status.MISSING_PARAMETER),
    ((5,), [], Status.CBOR_UNEXPECTED_TYPE),
    ((5,), {"up": 1}, Status.CBOR_UNEXPECTED_TYPE),
    ((5,), {"uv": 1}, Status.CBOR_UNEXPECTED_TYPE),
    ((5,), {"rk": True}, Status.UNSUPPORTED_OPTION),
    ((5,), {"rk": False}, Status.UNSUPPORTED_OPTION),
    ((6,), 1, Status.CBOR_UNEXPECTED_TYPE),
    ((6,), bytes(32), Status.MISSING_PARAMETER),
    ((6,), b"", Status.PIN_INVALID),
]


@pytest.mark.parametrize(("path", "value", "status"), GET_ASSERTION_TABLE)
def test_get_assertion_refuses(path: Path, value: object, status: Status) -> None:
    platform = Platform(pin=PIN)
    platform.register()
    fields = platform.assertion()
    assert platform.status(GET_ASSERTION, changed(fields, path, value)) == status
    assert platform.status(GET_ASSERTION, fields) == Status.SUCCESS


def test_an_empty_signature_without_a_pin_says_that_none_is_set() -> None:
    platform = Platform()
    assert platform.status(MAKE_CREDENTIAL, platform.creation() | {8: b""}) == Status.PIN_NOT_SET
    assert platform.status(GET_ASSERTION, platform.assertion() | {6: b""}) == Status.PIN_NOT_SET


def test_refuses_built_in_verification_where_there_is_none() -> None:
    platform = Platform(pin=PIN, verifier=AutomaticVerifier(can_verify=False))
    assert platform.status(MAKE_CREDENTIAL, platform.creation()) == Status.INVALID_OPTION
    assert platform.status(GET_ASSERTION, platform.assertion(uv=True)) == Status.INVALID_OPTION


# --- clientPIN, §6.5

CLIENT_PIN_TABLE: list[tuple[str, Path, object, Status]] = [
    ("token", (2,), ABSENT, Status.MISSING_PARAMETER),
    ("token", (2,), "text", Status.CBOR_UNEXPECTED_TYPE),
    ("token", (2,), 0x00, Status.INVALID_SUBCOMMAND),
    ("token", (2,), 0x08, Status.INVALID_SUBCOMMAND),
    ("token", (2,), 0x0A, Status.INVALID_SUBCOMMAND),
    ("token", (1,), ABSENT, Status.MISSING_PARAMETER),
    ("token", (1,), 3, Status.INVALID_PARAMETER),
    ("token", (1,), "2", Status.CBOR_UNEXPECTED_TYPE),
    ("token", (3,), ABSENT, Status.MISSING_PARAMETER),
    ("token", (3,), b"bytes", Status.CBOR_UNEXPECTED_TYPE),
    ("token", (3,), {}, Status.MISSING_PARAMETER),
    ("token", (3, -2), bytes(32), Status.INVALID_PARAMETER),  # not on the curve
    ("token", (3, -2), bytes(31), Status.INVALID_PARAMETER),
    ("token", (3, -2), 1, Status.CBOR_UNEXPECTED_TYPE),
    ("token", (3, -3), ABSENT, Status.MISSING_PARAMETER),
    ("token", (3, 1), 3, Status.INVALID_PARAMETER),
    ("token", (3, -1), 2, Status.INVALID_PARAMETER),
    ("token", (6,), ABSENT, Status.MISSING_PARAMETER),
    ("token", (6,), "text", Status.CBOR_UNEXPECTED_TYPE),
    ("token", (6,), bytes(32), Status.PIN_INVALID),
    ("token", (6,), b"", Status.PIN_INVALID),
    ("token", (6,), bytes(33), Status.PIN_INVALID),
    ("token", (9,), ABSENT, Status.MISSING_PARAMETER),
    ("token", (9,), 0, Status.INVALID_PARAMETER),
    ("token", (9,), -1, Status.INVALID_PARAMETER),
    ("token", (9,), "all", Status.CBOR_UNEXPECTED_TYPE),
    ("token", (9,), 0x08, Status.UNAUTHORIZED_PERMISSION),
    ("token", (9,), 0x0F, Status.UNAUTHORIZED_PERMISSION),
    ("token", (10,), ABSENT, Status.MISSING_PARAMETER),
    ("token", (10,), b"bytes", Status.CBOR_UNEXPECTED_TYPE),
    ("legacy token", (9,), 1, Status.INVALID_PARAMETER),
    ("legacy token", (10,), RP_ID, Status.INVALID_PARAMETER),
    ("legacy token", (6,), ABSENT, Status.MISSING_PARAMETER),
    ("token by uv", (1,), ABSENT, Status.MISSING_PARAMETER),
    ("token by uv", (3,), ABSENT, Status.MISSING_PARAMETER),
    ("token by uv", (9,), ABSENT, Status.MISSING_PARAMETER),
    ("token by uv", (9,), 0, Status.INVALID_PARAMETER),
    ("token by uv", (9,), 0x08, Status.UNAUTHORIZED_PERMISSION),
    ("token by uv", (10,), ABSENT, Status.MISSING_PARAMETER),
    ("key agreement", (1,), ABSENT, Status.MISSING_PARAMETER),
    ("key agreement", (1,), 0, Status.INVALID_PARAMETER),
    ("change", (1,), ABSENT, Status.MISSING_PARAMETER),
    ("change", (3,), ABSENT, Status.MISSING_PARAMETER),
    ("change", (4,), ABSENT, Status.MISSING_PARAMETER),
    ("change", (5,), ABSENT, Status.MISSING_PARAMETER),
    ("change", (6,), ABSENT, Status.MISSING_PARAMETER),
    ("change", (4,), bytes(32), Status.PIN_AUTH_INVALID),
    ("change", (4,), b"", Status.PIN_AUTH_INVALID),
    ("change", (5,), bytes(80), Status.PIN_AUTH_INVALID),
    ("change", (3, -2), bytes(32), Status.INVALID_PARAMETER),
    ("set", (), {1: 2, 2: 3}, Status.MISSING_PARAMETER),
    ("set", (), {1: 3, 2: 3}, Status.INVALID_PARAMETER),
]


def client_pin_request(platform: Platform, name: str) -> dict[int, Any]:
    match name:
        case "token":
            return platform.pin_fields(0x09) | {9: int(Permission.GET_ASSERTION), 10: RP_ID}
        case "legacy token":
            return platform.pin_fields(0x05)
        case "token by uv":
            public, _ = platform.shared_secret()
            return {1: platform.protocol.VERSION, 2: 0x06, 3: public, 9: int(Permission.GET_ASSERTION), 10: RP_ID}
        case "key agreement":
            return {1: 2, 2: 0x02}
        case "change":
            return platform.new_pin_fields("654321", old=PIN)
        case _:
            return {}


@pytest.mark.parametrize(("name", "path", "value", "status"), CLIENT_PIN_TABLE)
def test_client_pin_refuses(name: str, path: Path, value: object, status: Status) -> None:
    platform = Platform(pin=PIN)
    fields = client_pin_request(platform, name)
    assert platform.status(CLIENT_PIN, changed(fields, path, value)) == status
    if name != "set":
        assert platform.status(CLIENT_PIN, client_pin_request(platform, name)) == Status.SUCCESS


# --- credential management, §6.8


@pytest.mark.parametrize(
    ("number", "parameters", "status"),
    [
        (0x00, None, Status.INVALID_SUBCOMMAND),
        (0x08, None, Status.INVALID_SUBCOMMAND),
        (0x03, None, Status.NOT_ALLOWED),
        (0x05, None, Status.NOT_ALLOWED),
        (0x02, None, Status.NO_CREDENTIALS),
        (0x04, None, Status.MISSING_PARAMETER),
        (0x04, {1: "text"}, Status.CBOR_UNEXPECTED_TYPE),
        (0x04, {1: bytes(32)}, Status.NO_CREDENTIALS),
        (0x06, None, Status.MISSING_PARAMETER),
        (0x06, {2: b"id"}, Status.CBOR_UNEXPECTED_TYPE),
        (0x06, {2: {"id": b"id"}}, Status.MISSING_PARAMETER),
        (0x06, {2: {"id": b"id", "type": "public-key"}}, Status.NO_CREDENTIALS),
        (0x07, {2: {"id": b"id", "type": "public-key"}}, Status.MISSING_PARAMETER),
        (0x07, {2: {"id": b"id", "type": "public-key"}, 3: {}}, Status.MISSING_PARAMETER),
        (0x07, {2: {"id": b"id", "type": "public-key"}, 3: {"id": b"ada"}}, Status.NO_CREDENTIALS),
    ],
)
def test_credential_management_refuses(number: int, parameters: dict[int, Any] | None, status: Status) -> None:
    platform = Platform(pin=PIN)
    token = platform.token(Permission.CREDENTIAL_MANAGEMENT)
    assert platform.status(CREDENTIAL_MANAGEMENT, platform.management(token, number, parameters)) == status


@pytest.mark.parametrize("number", [0x01, 0x02, 0x04, 0x06, 0x07])
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, Status.PUAT_REQUIRED),
        ({3: 2}, Status.PUAT_REQUIRED),
        ({4: bytes(32)}, Status.MISSING_PARAMETER),
        ({4: "text"}, Status.CBOR_UNEXPECTED_TYPE),
        ({3: 9, 4: bytes(32)}, Status.INVALID_PARAMETER),
        ({3: 2, 4: bytes(32)}, Status.PIN_AUTH_INVALID),
        ({2: b"", 3: 2, 4: bytes(32)}, Status.CBOR_UNEXPECTED_TYPE),
    ],
)
def test_credential_management_refuses_without_a_token(number: int, fields: dict[int, Any], status: Status) -> None:
    assert Platform(pin=PIN).status(CREDENTIAL_MANAGEMENT, {1: number} | fields) == status


def test_credential_management_and_configuration_refuse_without_a_subcommand() -> None:
    platform = Platform(pin=PIN)
    for number in (CREDENTIAL_MANAGEMENT, CONFIG):
        assert platform.status(number, {}) == Status.MISSING_PARAMETER
        assert platform.status(number, {1: "text"}) == Status.CBOR_UNEXPECTED_TYPE


# --- configuration, §6.11


@pytest.mark.parametrize(
    ("number", "parameters", "status"),
    [
        (0x00, None, Status.INVALID_SUBCOMMAND),
        (0x01, None, Status.INVALID_SUBCOMMAND),  # enterprise attestation
        (0x04, None, Status.INVALID_SUBCOMMAND),
        (0xFF, None, Status.INVALID_SUBCOMMAND),
        (0x03, {1: "text"}, Status.CBOR_UNEXPECTED_TYPE),
        (0x03, {1: 3}, Status.PIN_POLICY_VIOLATION),
        (0x03, {1: 64}, Status.PIN_POLICY_VIOLATION),
        (0x03, {2: "text"}, Status.CBOR_UNEXPECTED_TYPE),
        (0x03, {2: [1]}, Status.CBOR_UNEXPECTED_TYPE),
        (0x03, {2: [RP_ID] * 9}, Status.KEY_STORE_FULL),
        (0x03, {3: 1}, Status.CBOR_UNEXPECTED_TYPE),
    ],
)
def test_configuration_refuses(number: int, parameters: dict[int, Any] | None, status: Status) -> None:
    platform = Platform(pin=PIN)
    before = platform.keys.configuration
    token = platform.token(Permission.AUTHENTICATOR_CONFIGURATION)
    assert platform.status(CONFIG, platform.configuration(token, number, parameters)) == status
    assert platform.keys.configuration == before


@pytest.mark.parametrize("number", [0x02, 0x03])
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, Status.PUAT_REQUIRED),
        ({4: bytes(32)}, Status.MISSING_PARAMETER),
        ({3: 9, 4: bytes(32)}, Status.INVALID_PARAMETER),
        ({3: 2, 4: bytes(32)}, Status.PIN_AUTH_INVALID),
    ],
)
def test_configuration_refuses_without_a_token(number: int, fields: dict[int, Any], status: Status) -> None:
    assert Platform(pin=PIN).status(CONFIG, {1: number} | fields) == status


# --- large blobs, §6.10


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({1: 10}, Status.INVALID_PARAMETER),  # no offset
        ({1: 10, 3: "0"}, Status.CBOR_UNEXPECTED_TYPE),
        ({3: 0}, Status.INVALID_PARAMETER),  # neither
        ({1: 10, 2: b"", 3: 0}, Status.INVALID_PARAMETER),  # both
        ({1: "10", 3: 0}, Status.CBOR_UNEXPECTED_TYPE),
        ({1: 10, 3: 18}, Status.INVALID_PARAMETER),  # beyond
        ({1: 10, 3: -1}, Status.INVALID_PARAMETER),
        ({1: -1, 3: 0}, Status.INVALID_PARAMETER),
        ({1: 7546, 3: 0}, Status.INVALID_LENGTH),
        ({1: 10, 3: 0, 4: 17}, Status.INVALID_PARAMETER),
        ({1: 10, 3: 0, 5: b""}, Status.INVALID_PARAMETER),
        ({1: 10, 3: 0, 6: 2}, Status.INVALID_PARAMETER),
        ({2: "text", 3: 0}, Status.CBOR_UNEXPECTED_TYPE),
        ({2: bytes(7546), 3: 0, 4: 8000}, Status.INVALID_LENGTH),
        ({2: bytes(17), 3: 0}, Status.INVALID_PARAMETER),  # how long?
        ({2: bytes(16), 3: 0, 4: 16}, Status.INVALID_PARAMETER),
        ({2: bytes(17), 3: 0, 4: 8193}, Status.LARGE_BLOB_STORAGE_FULL),
        ({2: bytes(17), 3: 1, 4: 17}, Status.INVALID_PARAMETER),
        ({2: bytes(17), 3: 1}, Status.INVALID_SEQ),
        ({2: bytes(17), 3: 0, 4: 17}, Status.PUAT_REQUIRED),
        ({2: bytes(17), 3: 0, 4: 17, 5: bytes(32)}, Status.MISSING_PARAMETER),
        ({2: bytes(17), 3: 0, 4: 17, 5: bytes(32), 6: 9}, Status.INVALID_PARAMETER),
        ({2: bytes(17), 3: 0, 4: 17, 5: bytes(32), 6: 2}, Status.PIN_AUTH_INVALID),
    ],
)
def test_large_blobs_refuse(fields: dict[int, Any], status: Status) -> None:
    assert Platform(pin=PIN).status(LARGE_BLOBS, fields) == status


# --- and what is never an answer


def test_a_fault_is_told_as_other_and_noted() -> None:
    faults: list[Exception] = []
    broken = memory_key_store()
    broken.next_sign_count = lambda: 1 // 0  # type: ignore[method-assign]
    engine = Engine(keys=broken, verifier=AutomaticVerifier(), on_fault=faults.append)
    request = bytes((MAKE_CREDENTIAL,)) + cbor.encode(Platform().creation())
    assert engine.ctap2(request) == bytes((Status.OTHER,))
    assert [type(fault) for fault in faults] == [ZeroDivisionError]
