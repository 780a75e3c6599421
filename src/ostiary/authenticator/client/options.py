"""What a relying party asks for (WebAuthn L3 §5.4, §5.5), read from the JSON a browser hands on."""

import math
from dataclasses import dataclass, field
from typing import Final

from ostiary.authenticator.client import fields
from ostiary.authenticator.client.errors import ClientError, ClientReason, invalid
from ostiary.authenticator.client.fields import JSON

ES256: Final = -7
RS256: Final = -257
_PUBLIC_KEY: Final = "public-key"
_LONGEST_USER_HANDLE: Final = 64  # WebAuthn L3 §5.4.3
_ATTESTATION: Final = frozenset({"none", "indirect", "direct", "enterprise"})
_REQUIREMENT: Final = frozenset({"required", "preferred", "discouraged"})
_ATTACHMENTS: Final = frozenset({"platform", "cross-platform"})
_ATTACHMENT_OF_HINT: Final = {
    "client-device": "platform",
    "security-key": "cross-platform",
    "hybrid": "cross-platform",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationOptions:
    """`attachments`: what kinds of authenticator are welcome; empty for any."""

    rp_id: str | None
    rp_name: str
    user_handle: bytes
    user_name: str
    user_display_name: str
    challenge: bytes
    algorithms: tuple[int, ...]
    timeout: float | None
    exclude: tuple[bytes, ...]
    attachments: frozenset[str]
    resident_key: str
    user_verification: str
    attestation: str
    extensions: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """`allow`: None when any passkey of the relying party will do. Hints are not here: where a passkey is, is known."""

    rp_id: str | None
    challenge: bytes
    timeout: float | None
    allow: tuple[bytes, ...] | None
    user_verification: str
    extensions: JSON = field(default_factory=dict)


def read_creation_options(options: object) -> CreationOptions:
    """Raises `ClientError`."""
    members = fields.as_object(options, "publicKey")
    rp, user = fields.object_at(members, "rp"), fields.object_at(members, "user")
    handle = fields.octets_at(user, "id")
    if not 1 <= len(handle) <= _LONGEST_USER_HANDLE:
        raise invalid(f"user.id has {len(handle)} bytes; it is to have 1 to {_LONGEST_USER_HANDLE}.")
    selection = fields.object_at(members, "authenticatorSelection")
    # WebAuthn L3 §5.4.4: the older member decides when the newer one is absent
    older = "required" if fields.flag_at(selection, "requireResidentKey") else "discouraged"
    return CreationOptions(
        rp_id=fields.optional_text_at(rp, "id"),
        rp_name=fields.text_at(rp, "name"),
        user_handle=handle,
        user_name=fields.text_at(user, "name"),
        user_display_name=fields.text_at(user, "displayName"),
        challenge=fields.octets_at(members, "challenge"),
        algorithms=_algorithms(members),
        timeout=_timeout(members),
        exclude=_descriptors(members, "excludeCredentials") or (),
        attachments=_attachments(members, selection),
        resident_key=fields.choice_at(selection, "residentKey", _REQUIREMENT, older),
        user_verification=fields.choice_at(selection, "userVerification", _REQUIREMENT, "preferred"),
        attestation=fields.choice_at(members, "attestation", _ATTESTATION, "none"),
        extensions=fields.object_at(members, "extensions"),
    )


def read_request_options(options: object) -> RequestOptions:
    """Raises `ClientError`."""
    members = fields.as_object(options, "publicKey")
    return RequestOptions(
        rp_id=fields.optional_text_at(members, "rpId"),
        challenge=fields.octets_at(members, "challenge"),
        timeout=_timeout(members),
        allow=_descriptors(members, "allowCredentials"),
        user_verification=fields.choice_at(members, "userVerification", _REQUIREMENT, "preferred"),
        extensions=fields.object_at(members, "extensions"),
    )


def _algorithms(members: JSON) -> tuple[int, ...]:
    """WebAuthn L3 §5.1.3, step 10: an empty list has a meaning, a list of nothing we know is an error."""
    if not isinstance(members.get("pubKeyCredParams"), list):
        raise invalid("pubKeyCredParams is missing or not a list.")
    parameters = [fields.as_object(one, "pubKeyCredParams") for one in fields.list_at(members, "pubKeyCredParams")]
    if not parameters:
        return ES256, RS256
    algorithms = [_algorithm(one) for one in parameters if fields.text_at(one, "type") == _PUBLIC_KEY]
    if not algorithms:
        raise ClientError(
            "NotSupportedError", ClientReason.ALGORITHM_UNSUPPORTED, "None of the kinds of credential is known."
        )
    return tuple(dict.fromkeys(algorithms))


def _algorithm(parameters: JSON) -> int:
    algorithm = parameters.get("alg")
    if not isinstance(algorithm, int) or isinstance(algorithm, bool) or not -(2**31) <= algorithm < 2**31:
        raise invalid("pubKeyCredParams names an algorithm that is not a number.")
    return algorithm


def _timeout(members: JSON) -> float | None:
    value = members.get("timeout")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise invalid("timeout is not a number of milliseconds.")
    return float(value)


def _descriptors(members: JSON, name: str) -> tuple[bytes, ...] | None:
    """None for an absent or empty list. One that names only kinds nobody knows is not the same as an empty one: nothing
    matches it. Transports are the relying party's guess, and nothing to us: every credential here is on this device."""
    found = [fields.as_object(one, name) for one in fields.list_at(members, name)]
    if not found:
        return None
    ids = [fields.octets_at(one, "id") for one in found if fields.text_at(one, "type") == _PUBLIC_KEY]
    return tuple(dict.fromkeys(ids))


def _attachments(members: JSON, selection: JSON) -> frozenset[str]:
    """WebAuthn L3 §5.8.7: where hints contradict the attachment, hints win."""
    hints = [_ATTACHMENT_OF_HINT.get(one) for one in fields.list_at(members, "hints") if isinstance(one, str)]
    wanted = frozenset(one for one in hints if one is not None)
    if wanted:
        return wanted
    attachment = fields.choice_at(selection, "authenticatorAttachment", _ATTACHMENTS, "")
    return frozenset({attachment}) if attachment else frozenset()
