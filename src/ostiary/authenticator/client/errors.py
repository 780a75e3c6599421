"""How a ceremony ends without a credential.

A page learns a DOMException: its name and a message. Both are chosen so that "no such passkey", "declined" and "took
too long" cannot be told apart (WebAuthn L3 §14.5.1 and §14.5.2). What really happened is the `reason`: it is for our
own windows, and never given to the page.
"""

from enum import StrEnum
from typing import Final


class ClientReason(StrEnum):
    OPTIONS_INVALID = "options_invalid"
    ENCODING_INVALID = "encoding_invalid"
    CALLER_UNKNOWN = "caller_unknown"
    ORIGIN_INSECURE = "origin_insecure"
    RP_ID_INVALID = "rp_id_invalid"
    RP_ID_MISMATCH = "rp_id_mismatch"
    MEDIATION_UNSUPPORTED = "mediation_unsupported"
    OTHER_DEVICE_WANTED = "other_device_wanted"
    """The relying party asks for a security key or a phone."""
    ALGORITHM_UNSUPPORTED = "algorithm_unsupported"
    EXTENSION_INVALID = "extension_invalid"
    EXTENSION_UNSUPPORTED = "extension_unsupported"
    VERIFICATION_UNAVAILABLE = "verification_unavailable"
    ALREADY_REGISTERED = "already_registered"
    NO_PASSKEY = "no_passkey"
    DECLINED = "declined"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    PIN_BLOCKED = "pin_blocked"
    STORE_FULL = "store_full"
    TOO_LARGE = "too_large"
    AUTHENTICATOR_FAILED = "authenticator_failed"


NOT_ALLOWED: Final = "The operation either timed out or was not allowed."
"""What a page is told of whatever a person, or the lack of a passkey, decided."""


class ClientError(Exception):
    """`name` is a DOMException's (or `TypeError`, which is none but is thrown all the same)."""

    def __init__(self, name: str, reason: ClientReason, message: str = NOT_ALLOWED, *, detail: str = "") -> None:
        super().__init__(f"{name}: {message}{f' ({detail})' if detail else ''}")
        self.name = name
        self.reason = reason
        self.message = message
        self.detail = detail


def not_allowed(reason: ClientReason, message: str = NOT_ALLOWED, *, detail: str = "") -> ClientError:
    return ClientError("NotAllowedError", reason, message, detail=detail)


def invalid(message: str) -> ClientError:
    """Options of the wrong shape: what WebIDL throws before a ceremony begins."""
    return ClientError("TypeError", ClientReason.OPTIONS_INVALID, message)


def security(reason: ClientReason, message: str) -> ClientError:
    return ClientError("SecurityError", reason, message)
