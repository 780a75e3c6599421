"""What this Authenticator signs and says on the connection to its account's server: values in, messages out."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ostiary.authenticator.app.views import ApprovalView

PATH: Final = "/v1.0/ostiary/authenticator/connection"
LARGEST_MESSAGE: Final = 16_384
NONCE_SIZE: Final = 32
_CONNECTION: Final = b"ostiary authenticator connection v1\0"
_APPROVAL: Final = b"ostiary authenticator approval v1\0"
_LONGEST_TEXT: Final = 300
LONGEST_SHOWN: Final = 120_000

Sign = Callable[[bytes], bytes]
"""ES256, DER."""


class BadMessage(Exception):
    """The server said something that is not of this protocol."""


def address_of(origin: str) -> str:
    return f"ws{origin.removeprefix('http')}{PATH}"


def parse(text: str | bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadMessage from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BadMessage
    return message


def hello(challenge: Mapping[str, Any], *, device_id: str, origin: str, sign: Sign) -> str:
    """The signature is for this server alone: another that passes the nonce on gets one it cannot use."""
    if challenge.get("type") != "challenge":
        raise BadMessage
    nonce = _decoded(challenge, "nonce")
    if len(nonce) != NONCE_SIZE:
        raise BadMessage
    signature = _raw(sign(_CONNECTION + origin.encode() + b"\0" + nonce))
    return json.dumps({"type": "hello", "device": device_id, "signature": signature})


def approval(message: Mapping[str, Any], *, account_id: str, organization: str, now: int) -> tuple[ApprovalView, str]:
    """What to show, and the nonce that the answer repeats. However long a server wants to be answered, it is shown for
    two minutes: no server keeps the requests of others from being seen."""
    _decoded(message, "nonce")
    place, expires_at = message.get("place"), message.get("expires_at")
    if not isinstance(expires_at, int) or not isinstance(place, str | None):
        raise BadMessage
    view = ApprovalView(
        id=_text(message, "id"),
        account_id=account_id,
        organization=organization,
        username=_text(message, "username"),
        app=_text(message, "app"),
        address=_text(message, "address"),
        place=place[:_LONGEST_TEXT] if place else None,
        client=_text(message, "client"),
        is_passwordless=message.get("is_passwordless") is True,
        expires_at=min(expires_at, now + LONGEST_SHOWN),
    )
    return view, str(message["nonce"])


def answer(
    *, id: str, nonce: str, decision: str, number: str | None, is_verified: bool, origin: str, sign: Sign
) -> str:
    """Everything that counts is under the signature, the server it is for included."""
    said = {"id": id, "decision": decision, "number": number, "is_verified": is_verified}
    signed = json.dumps(
        {**said, "nonce": nonce, "origin": origin}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    signature = _raw(sign(_APPROVAL + signed.encode()))
    return json.dumps({"type": "answer", **said, "signature": signature})


def _raw(der: bytes) -> str:
    """r and s, 32 bytes each (RFC 7518 §3.4)."""
    r, s = decode_dss_signature(der)
    return urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).rstrip(b"=").decode()


def _text(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise BadMessage
    return value[:_LONGEST_TEXT]


def _decoded(message: Mapping[str, Any], name: str) -> bytes:
    try:
        text = _text(message, name)
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise BadMessage from error
