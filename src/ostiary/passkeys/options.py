"""What a relying party asks the browser for (WebAuthn L3 §5.1: PublicKeyCredentialCreationOptionsJSON and
PublicKeyCredentialRequestOptionsJSON), as JSON for ``parseCreationOptionsFromJSON`` and its sibling.

Passkeys are what is asked for, always: discoverable, and with user verification.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ostiary.passkeys import base64url
from ostiary.passkeys.signatures import DEFAULT_ALGORITHMS

MAX_ALLOW_CREDENTIALS: Final = 64
"""Clients and authenticators walk through the list one by one, and some refuse a longer one (CTAP 2.2 §6.4,
maxCredentialCountInList). Callers put the likeliest first."""

MIN_CHALLENGE: Final = 16
"""WebAuthn L3 §13.4.3."""

DEFAULT_TIMEOUT_MS: Final = 300_000
"""WebAuthn L3 §15.1: the lower end of what accessibility asks for."""


class Hint(StrEnum):
    """WebAuthn L3 §5.8.7: where the relying party believes the authenticator to be."""

    CLIENT_DEVICE = "client-device"
    HYBRID = "hybrid"
    SECURITY_KEY = "security-key"


class AttestationConveyance(StrEnum):
    """WebAuthn L3 §5.4.7."""

    NONE = "none"
    INDIRECT = "indirect"
    DIRECT = "direct"
    ENTERPRISE = "enterprise"


class UserVerification(StrEnum):
    """WebAuthn L3 §5.8.6."""

    REQUIRED = "required"
    PREFERRED = "preferred"
    DISCOURAGED = "discouraged"


@dataclass(frozen=True, slots=True)
class CredentialDescriptor:
    """A credential by its ID, and how it was said to be reached (WebAuthn L3 §5.8.3)."""

    credential_id: bytes
    transports: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        descriptor: dict[str, Any] = {"type": "public-key", "id": base64url.encode(self.credential_id)}
        if self.transports:
            descriptor["transports"] = list(self.transports)
        return descriptor


# WebAuthn L3 §5.8.7: browsers that do not know hints yet are told by the attachment.
_ATTACHMENTS: Final = {
    Hint.CLIENT_DEVICE: "platform",
    Hint.HYBRID: "cross-platform",
    Hint.SECURITY_KEY: "cross-platform",
}


def creation_options(
    *,
    challenge: bytes,
    rp_id: str,
    rp_name: str,
    user_handle: bytes,
    user_name: str,
    user_display_name: str,
    algorithms: Sequence[int] = DEFAULT_ALGORITHMS,
    exclude_credentials: Iterable[CredentialDescriptor] = (),
    attestation: AttestationConveyance = AttestationConveyance.NONE,
    user_verification: UserVerification = UserVerification.REQUIRED,
    hints: Sequence[Hint] = (),
    timeout_ms: int = DEFAULT_TIMEOUT_MS,
) -> dict[str, Any]:
    """Options for ``navigator.credentials.create()``.

    ``user_handle`` is random and says nothing about the person (WebAuthn L3 §14.6.1). ``exclude_credentials`` are all
    that the account has. With hints that agree on an attachment, that attachment is asked for too.
    """
    _check_challenge(challenge)
    if not 1 <= len(user_handle) <= 64:
        raise ValueError("a user handle has 1 to 64 bytes")
    selection: dict[str, Any] = {
        "residentKey": "required",
        # WebAuthn L3 §5.4.4: said twice, for browsers of level 1.
        "requireResidentKey": True,
        "userVerification": user_verification.value,
    }
    attachments = {_ATTACHMENTS[hint] for hint in hints}
    if len(attachments) == 1:
        selection["authenticatorAttachment"] = attachments.pop()
    options: dict[str, Any] = {
        "rp": {"id": rp_id, "name": rp_name},
        "user": {"id": base64url.encode(user_handle), "name": user_name, "displayName": user_display_name},
        "challenge": base64url.encode(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in algorithms],
        "timeout": timeout_ms,
        "excludeCredentials": [descriptor.to_json() for descriptor in exclude_credentials],
        "authenticatorSelection": selection,
        "attestation": attestation.value,
        "extensions": {"credProps": True},
    }
    if hints:
        options["hints"] = [hint.value for hint in hints]
    return options


def request_options(
    *,
    challenge: bytes,
    rp_id: str,
    allow_credentials: Iterable[CredentialDescriptor] | None = None,
    user_verification: UserVerification = UserVerification.REQUIRED,
    hints: Sequence[Hint] = (),
    timeout_ms: int = DEFAULT_TIMEOUT_MS,
) -> dict[str, Any]:
    """Options for ``navigator.credentials.get()``.

    ``allow_credentials=None`` asks for any passkey of this relying party; a list asks for one of these, and only the
    first ``MAX_ALLOW_CREDENTIALS`` are sent. An empty list raises ``ValueError``: it would mean *none*, and a browser
    would read it as *any*.
    """
    _check_challenge(challenge)
    options: dict[str, Any] = {
        "challenge": base64url.encode(challenge),
        "rpId": rp_id,
        "timeout": timeout_ms,
        "userVerification": user_verification.value,
        "allowCredentials": [],
    }
    if allow_credentials is not None:
        allowed = [descriptor.to_json() for descriptor in allow_credentials]
        if not allowed:
            raise ValueError("an empty allow-list would let any credential in")
        options["allowCredentials"] = allowed[:MAX_ALLOW_CREDENTIALS]
    if hints:
        options["hints"] = [hint.value for hint in hints]
    return options


def _check_challenge(challenge: bytes) -> None:
    if len(challenge) < MIN_CHALLENGE:
        raise ValueError(f"a challenge has {MIN_CHALLENGE} bytes or more")
