"""authenticatorGetInfo (CTAP 2.1 §6.4)."""

from typing import Final

from ostiary.authenticator.engine import extensions
from ostiary.authenticator.engine.fields import MAX_CREDENTIALS_IN_LIST
from ostiary.authenticator.engine.state import Answer, State

VERSIONS: Final = ["FIDO_2_0", "FIDO_2_1"]

FIRMWARE_VERSION: Final = 1

MAX_CREDENTIAL_ID_LENGTH: Final = 128
"""Room for every key store's; what is longer is nobody's here."""

MAX_LARGE_BLOBS: Final = 8192
"""maxSerializedLargeBlobArray; 1024 at least (§6.10)."""

MAX_RP_IDS_FOR_MIN_PIN_LENGTH: Final = 8

MAX_PIN_BYTES: Final = 63


def options(state: State) -> dict[int | str, bool]:
    """§6.4, option IDs. Those that say how a missing feature is set up are absent with it."""
    always_uv = state.keys.configuration.always_uv
    values: dict[int | str, bool] = {
        "plat": False,
        "rk": True,
        "up": True,
        "clientPin": state.keys.pin.is_set,
        "pinUvAuthToken": True,
        "largeBlobs": True,
        "alwaysUv": always_uv,
        "credMgmt": True,
        "authnrCfg": True,
        "setMinPINLength": True,
        # SHOULD be true, and MUST NOT be with alwaysUv
        "makeCredUvNotRqd": not always_uv,
    }
    if state.verifier.can_verify:
        values["uv"] = state.has_uv
        values["uvAcfg"] = True
    return values


def get_info(state: State) -> Answer:
    keys = state.keys
    pin = keys.pin
    return {
        0x01: VERSIONS,
        0x02: list(extensions.SUPPORTED),
        0x03: keys.aaguid,
        0x04: options(state),
        0x05: state.max_message_size,
        0x06: list(state.protocols),
        0x07: MAX_CREDENTIALS_IN_LIST,
        0x08: MAX_CREDENTIAL_ID_LENGTH,
        0x09: list(state.transports),
        0x0A: [{"alg": algorithm, "type": "public-key"} for algorithm in keys.algorithms],
        0x0B: MAX_LARGE_BLOBS,
        0x0C: pin.must_change,
        0x0D: pin.minimum_length,
        0x0E: FIRMWARE_VERSION,
        0x0F: extensions.MAX_CRED_BLOB_LENGTH,
        0x10: MAX_RP_IDS_FOR_MIN_PIN_LENGTH,
        0x14: keys.remaining,
    }
