"""credProtect, credBlob, hmac-secret, largeBlobKey and minPinLength (CTAP 2.1 §12)."""

import hashlib
import hmac
from typing import Any

import pytest

from ostiary.authenticator.engine.token import Permission
from tests.authenticator.engine.platform import (
    CONFIG,
    GET_ASSERTION,
    PIN,
    PROTOCOLS,
    RP_ID,
    Platform,
    Registered,
    Status,
)

SALT, OTHER_SALT = hashlib.sha256(b"one").digest(), hashlib.sha256(b"two").digest()


@pytest.mark.parametrize(
    ("level", "without_list", "with_list"),
    [
        (1, Status.SUCCESS, Status.SUCCESS),
        (2, Status.NO_CREDENTIALS, Status.SUCCESS),
        (3, Status.NO_CREDENTIALS, Status.NO_CREDENTIALS),
    ],
)
def test_cred_protect_hides_a_credential_from_those_who_did_not_verify(
    level: int, without_list: Status, with_list: Status
) -> None:
    platform = Platform(pin=PIN)
    made = platform.register(extensions={"credProtect": level})
    assert made.data.extensions == {"credProtect": level}
    for options in ({"up": True}, {"up": False}):
        assert platform.status(GET_ASSERTION, platform.assertion(**options)) == without_list
        fields = platform.assertion(**options) | {3: [made.descriptor]}
        assert platform.status(GET_ASSERTION, fields) == with_list
    assert platform.status(GET_ASSERTION, platform.assertion(uv=True)) == Status.SUCCESS


def test_a_credential_nobody_protects_says_nothing_of_it() -> None:
    platform = Platform()
    assert platform.register().data.extensions == {}
    assert platform.keys.credentials()[0].cred_protect == 1


@pytest.mark.parametrize(("size", "is_kept"), [(0, True), (32, True), (33, False)])
def test_cred_blob_is_kept_when_it_is_short(size: int, is_kept: bool) -> None:
    platform = Platform()
    blob = b"b" * size
    assert platform.register(extensions={"credBlob": blob}).data.extensions == {"credBlob": is_kept}
    data = Registered.verify(
        platform.register(extensions={"credBlob": blob}),
        platform.send(GET_ASSERTION, platform.assertion(uv=True) | {4: {"credBlob": True}}),
    )
    assert data.extensions == {"credBlob": blob if is_kept else b""}


def salted(platform: Platform, salts: bytes, *, version: bool = True) -> dict[int, Any]:
    public, platform.secret = platform.shared_secret()
    encrypted = platform.protocol.encrypt(platform.secret, salts)
    fields = {1: public, 2: encrypted, 3: platform.protocol.authenticate(platform.secret, encrypted)}
    return fields | {4: platform.protocol.VERSION} if version else fields


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=("one", "two"))
def test_hmac_secret_is_the_same_for_the_same_salt_and_another_with_verification(protocol: Any) -> None:
    platform = Platform(pin=PIN, protocol=protocol)
    made = platform.register(extensions={"hmac-secret": True})
    assert made.data.extensions == {"hmac-secret": True}

    def secrets(salts: bytes, **options: bool) -> bytes:
        fields = platform.assertion(**options) | {
            4: {"hmac-secret": salted(platform, salts, version=protocol.VERSION != 1)}
        }
        data = made.verify(platform.send(GET_ASSERTION, fields))
        return protocol.decrypt(platform.secret, data.extensions["hmac-secret"])  # type: ignore[no-any-return]

    both = secrets(SALT + OTHER_SALT, uv=True)
    assert len(both) == 64
    assert secrets(SALT, uv=True) == both[:32]
    assert secrets(OTHER_SALT, uv=True) == both[32:]
    assert secrets(SALT, up=True) not in (both[:32], both[32:])
    cred_random = platform.keys.hmac_secret(made.id, is_verified=True)
    assert both[:32] == hmac.digest(cred_random, SALT, "sha256")


def test_hmac_secret_of_another_credential_is_another() -> None:
    platform = Platform()
    outputs = set()
    for made in (platform.register(b"ada"), platform.register(b"grace")):
        fields = platform.assertion(uv=True) | {3: [made.descriptor], 4: {"hmac-secret": salted(platform, SALT)}}
        data = made.verify(platform.send(GET_ASSERTION, fields))
        outputs.add(platform.protocol.decrypt(platform.secret, data.extensions["hmac-secret"]))
    assert len(outputs) == 2


def test_hmac_secret_can_be_had_at_creation() -> None:
    platform = Platform()
    made = platform.register(extensions={"hmac-secret": True, "hmac-secret-mc": salted(platform, SALT)})
    output = platform.protocol.decrypt(platform.secret, made.data.extensions["hmac-secret-mc"])
    cred_random = platform.keys.hmac_secret(made.id, is_verified=True)
    assert output == hmac.digest(cred_random, SALT, "sha256")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({3: bytes(32)}, Status.PIN_AUTH_INVALID),
        ({3: b""}, Status.PIN_AUTH_INVALID),
        ({2: bytes(48)}, Status.PIN_AUTH_INVALID),
        ({4: 3}, Status.INVALID_PARAMETER),
        ({4: "2"}, Status.CBOR_UNEXPECTED_TYPE),
        ({2: 1}, Status.CBOR_UNEXPECTED_TYPE),
        ({1: {1: 2, -1: 1, -2: bytes(32), -3: bytes(32)}}, Status.INVALID_PARAMETER),
    ],
)
def test_hmac_secret_refuses(change: dict[int, Any], status: Status) -> None:
    platform = Platform()
    platform.register()
    fields = platform.assertion() | {4: {"hmac-secret": salted(platform, SALT) | change}}
    assert platform.status(GET_ASSERTION, fields) == status


@pytest.mark.parametrize("size", [0, 16, 48, 80])
def test_hmac_secret_refuses_salts_of_another_length(size: int) -> None:
    platform = Platform()
    platform.register()
    fields = platform.assertion() | {4: {"hmac-secret": salted(platform, bytes(size))}}
    assert platform.status(GET_ASSERTION, fields) == Status.INVALID_LENGTH


def test_hmac_secret_refuses_where_nobody_is_present() -> None:
    platform = Platform()
    platform.register()
    fields = platform.assertion(up=False) | {4: {"hmac-secret": salted(platform, SALT)}}
    assert platform.status(GET_ASSERTION, fields) == Status.UNSUPPORTED_OPTION


def test_large_blob_key_is_given_to_those_who_ask() -> None:
    platform = Platform()
    made = platform.register(extensions={"largeBlobKey": True})
    key = made.answer[5]
    assert len(key) == 32
    assert made.data.extensions == {}
    assert platform.send(GET_ASSERTION, platform.assertion() | {4: {"largeBlobKey": True}})[7] == key
    assert 7 not in platform.send(GET_ASSERTION, platform.assertion())
    platform.register(b"grace", rp_id="other.example")
    other = platform.assertion("other.example") | {4: {"largeBlobKey": True}}
    assert 7 not in platform.send(GET_ASSERTION, other)


def test_large_blob_key_refuses_credentials_that_are_not_discoverable() -> None:
    platform = Platform()
    fields = platform.creation(rk=False) | {6: {"largeBlobKey": True}}
    assert platform.status(0x01, fields) == Status.INVALID_OPTION


def test_min_pin_length_is_told_to_those_it_was_configured_for() -> None:
    platform = Platform(pin=PIN)
    assert platform.register(extensions={"minPinLength": True}).data.extensions == {}
    token = platform.token(Permission.AUTHENTICATOR_CONFIGURATION)
    platform.send(CONFIG, platform.configuration(token, 0x03, {1: 6, 2: [RP_ID]}))
    assert platform.register(extensions={"minPinLength": True}).data.extensions == {"minPinLength": 6}
    assert platform.register(extensions={"minPinLength": False}).data.extensions == {}
    other = platform.register(rp_id="other.example", extensions={"minPinLength": True})
    assert other.data.extensions == {}


def test_what_nobody_here_knows_is_ignored() -> None:
    platform = Platform()
    made = platform.register(extensions={"example.unknown": {}, "uvm": True})
    assert made.data.extensions == {}
    answer = platform.send(GET_ASSERTION, platform.assertion() | {4: {"example.unknown": 1}})
    made.verify(answer)
