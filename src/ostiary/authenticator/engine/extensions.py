"""Extensions (CTAP 2.1 §12): credProtect, hmac-secret (and CTAP 2.2's hmac-secret-mc), minPinLength, credBlob,
largeBlobKey. What is asked for is read before anybody is asked; what comes of it is computed after."""

import hmac
from dataclasses import dataclass
from typing import Any, Final

from ostiary.authenticator.engine.fields import Fields, need, take
from ostiary.authenticator.engine.pin_protocols import PinProtocol
from ostiary.authenticator.engine.state import State
from ostiary.authenticator.engine.status import Refused, Status
from ostiary.authenticator.ports import Credential

SUPPORTED: Final = ("credBlob", "credProtect", "hmac-secret", "hmac-secret-mc", "largeBlobKey", "minPinLength")

MAX_CRED_BLOB_LENGTH: Final = 32
"""§12.2 asks for at least as many."""

USER_VERIFICATION_OPTIONAL: Final = 1
USER_VERIFICATION_OPTIONAL_WITH_LIST: Final = 2
USER_VERIFICATION_REQUIRED: Final = 3


@dataclass(slots=True)
class Salts:
    """hmac-secret's input, already authenticated."""

    protocol: PinProtocol
    secret: bytes
    salts: bytes


@dataclass(slots=True)
class Creation:
    """What makeCredential is to do."""

    cred_protect: int | None = None
    cred_blob: bytes | None = None
    has_cred_blob: bool = False
    wants_hmac_secret: bool = False
    salts: Salts | None = None
    wants_large_blob_key: bool = False
    wants_min_pin_length: bool = False


@dataclass(slots=True)
class Assertion:
    """What getAssertion is to do."""

    wants_cred_blob: bool = False
    salts: Salts | None = None
    wants_large_blob_key: bool = False


NOTHING_ASSERTED: Final = Assertion()


def read_creation(state: State, inputs: Fields, *, is_discoverable: bool) -> Creation:
    wanted = Creation()
    wanted.cred_protect = take(inputs, "credProtect", int)
    if wanted.cred_protect not in (None, 1, 2, 3):
        raise Refused(Status.INVALID_OPTION)
    blob: bytes | None = take(inputs, "credBlob", bytes)
    wanted.has_cred_blob = blob is not None
    if blob is not None and len(blob) <= MAX_CRED_BLOB_LENGTH:
        wanted.cred_blob = blob
    wanted.wants_hmac_secret = bool(take(inputs, "hmac-secret", bool))
    # CTAP 2.2 §12.8: with hmac-secret only
    if "hmac-secret-mc" in inputs:
        if not wanted.wants_hmac_secret:
            raise Refused(Status.INVALID_OPTION)
        wanted.salts = _read_salts(state, need(inputs, "hmac-secret-mc", dict))
    wanted.wants_large_blob_key = _read_large_blob_key(inputs)
    if wanted.wants_large_blob_key and not is_discoverable:
        raise Refused(Status.INVALID_OPTION)
    wanted.wants_min_pin_length = bool(take(inputs, "minPinLength", bool))
    return wanted


def read_assertion(state: State, inputs: Fields, *, up: bool) -> Assertion:
    if not inputs:
        return NOTHING_ASSERTED
    wanted = Assertion()
    wanted.wants_cred_blob = bool(take(inputs, "credBlob", bool))
    wanted.wants_large_blob_key = _read_large_blob_key(inputs)
    if "hmac-secret" in inputs:
        # §12.5: a secret is worth a person's presence
        if not up:
            raise Refused(Status.UNSUPPORTED_OPTION)
        wanted.salts = _read_salts(state, need(inputs, "hmac-secret", dict))
    return wanted


def _read_large_blob_key(inputs: Fields) -> bool:
    # §12.3: true, or not at all
    wanted: bool | None = take(inputs, "largeBlobKey", bool)
    if wanted is False:
        raise Refused(Status.INVALID_OPTION)
    return wanted is True


def _read_salts(state: State, fields: Fields) -> Salts:
    peer, encrypted, signature = need(fields, 1, dict), need(fields, 2, bytes), need(fields, 3, bytes)
    version = take(fields, 4, int)
    protocol = state.protocol(1 if version is None else version)
    secret = protocol.decapsulate(peer)
    if not protocol.verify(secret, encrypted, signature):
        raise Refused(Status.PIN_AUTH_INVALID)
    try:
        salts = protocol.decrypt(secret, encrypted)
    except ValueError:
        raise Refused(Status.INVALID_LENGTH) from None
    if len(salts) not in (32, 64):
        raise Refused(Status.INVALID_LENGTH)
    return Salts(protocol, secret, salts)


def creation_outputs(
    state: State, wanted: Creation, credential: Credential, *, is_verified: bool
) -> dict[int | str, Any]:
    """What goes into authenticator data, signed."""
    outputs: dict[int | str, Any] = {}
    if wanted.cred_protect is not None:
        outputs["credProtect"] = credential.cred_protect
    if wanted.has_cred_blob:
        outputs["credBlob"] = wanted.cred_blob is not None
    if wanted.wants_hmac_secret:
        outputs["hmac-secret"] = True
    if wanted.salts is not None:
        outputs["hmac-secret-mc"] = _hmac_secret(state, wanted.salts, credential, is_verified=is_verified)
    configuration = state.keys.configuration
    if wanted.wants_min_pin_length and credential.rp_id in configuration.minimum_pin_length_rp_ids:
        outputs["minPinLength"] = state.keys.pin.minimum_length
    return outputs


def assertion_outputs(
    state: State, wanted: Assertion, credential: Credential, *, is_verified: bool
) -> dict[int | str, Any]:
    outputs: dict[int | str, Any] = {}
    if wanted.wants_cred_blob:
        outputs["credBlob"] = credential.cred_blob or b""
    if wanted.salts is not None:
        outputs["hmac-secret"] = _hmac_secret(state, wanted.salts, credential, is_verified=is_verified)
    return outputs


def _hmac_secret(state: State, asked: Salts, credential: Credential, *, is_verified: bool) -> bytes:
    """§12.5: each salt under CredRandomWithUV or CredRandomWithoutUV."""
    cred_random = state.keys.hmac_secret(credential.id, is_verified=is_verified)
    salts = (asked.salts[:32], asked.salts[32:])
    return asked.protocol.encrypt(
        asked.secret, b"".join(hmac.digest(cred_random, salt, "sha256") for salt in salts if salt)
    )
