"""What the browser's ``toJSON()`` sends back, read strictly (WebAuthn L3 §5.1: RegistrationResponseJSON,
AuthenticationResponseJSON).

Only the form is judged here. Members we do not use, such as the copies of the public key that a browser makes for
relying parties that do not parse, are ignored: they are not signed.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from ostiary.passkeys import base64url
from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.attestation.object import AttestationObject, open_attestation_object
from ostiary.passkeys.client_data import read_challenge
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason

TRANSPORTS: Final = ("internal", "hybrid", "usb", "nfc", "ble", "smart-card")
"""WebAuthn L3 §5.8.4."""

ATTACHMENTS: Final = ("platform", "cross-platform")

MAX_BYTES: Final = 65_536
"""For any one byte string of a response; client data and CBOR have limits of their own below it."""

MAX_USER_HANDLE: Final = 64
"""WebAuthn L3 §5.4.3."""

_MAX_TRANSPORTS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class _Response:
    credential_id: bytes
    client_data_json: bytes
    authenticator_attachment: str | None
    client_extension_results: dict[str, Any] = field(hash=False)

    @property
    def challenge(self) -> bytes:
        """The challenge the client data claims, to look up what was expected. Nothing is verified yet.

        Raises ``CeremonyError(malformed_client_data)``.
        """
        return read_challenge(self.client_data_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationResponse(_Response):
    """The answer of ``navigator.credentials.create()``."""

    attestation_object: bytes
    transports: tuple[str, ...]

    @property
    def aaguid(self) -> Aaguid:
        """The AAGUID the response claims, to look up what is known about the model. Nothing is verified yet.

        Raises ``CeremonyError``: ``malformed_cbor`` or ``malformed_authenticator_data``.
        """
        return self.claimed_attestation.aaguid

    @property
    def claimed_attestation(self) -> AttestationObject:
        """The attestation object, taken apart. Raises ``CeremonyError(malformed_cbor)``."""
        return open_attestation_object(self.attestation_object)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationResponse(_Response):
    """The answer of ``navigator.credentials.get()``."""

    authenticator_data: bytes
    signature: bytes
    user_handle: bytes | None


def parse_registration_response(data: object) -> RegistrationResponse:
    """From decoded JSON. Raises ``CeremonyError(malformed_response)``."""
    outer, inner = _open(data)
    return RegistrationResponse(
        credential_id=_credential_id(outer),
        client_data_json=_bytes(inner, "clientDataJSON"),
        attestation_object=_bytes(inner, "attestationObject"),
        transports=_transports(inner.get("transports")),
        authenticator_attachment=_attachment(outer.get("authenticatorAttachment")),
        client_extension_results=_extension_results(outer),
    )


def parse_authentication_response(data: object) -> AuthenticationResponse:
    """From decoded JSON. Raises ``CeremonyError(malformed_response)``."""
    outer, inner = _open(data)
    return AuthenticationResponse(
        credential_id=_credential_id(outer),
        client_data_json=_bytes(inner, "clientDataJSON"),
        authenticator_data=_bytes(inner, "authenticatorData"),
        signature=_bytes(inner, "signature"),
        user_handle=_user_handle(inner),
        authenticator_attachment=_attachment(outer.get("authenticatorAttachment")),
        client_extension_results=_extension_results(outer),
    )


def _open(data: object) -> tuple[dict[str, Any], dict[str, Any]]:
    if not isinstance(data, dict):
        raise _malformed("not an object")
    inner = data.get("response")
    if not isinstance(inner, dict):
        raise _malformed("response is not an object")
    if data.get("type") != "public-key":
        raise _malformed("type is not public-key")
    return data, inner


def _bytes(members: dict[str, Any], name: str, limit: int = MAX_BYTES) -> bytes:
    """A member that must be there, spelled in base64url, and not empty."""
    text = members.get(name)
    # Four characters spell three bytes: too long a text is refused before it is decoded.
    if not isinstance(text, str) or not 0 < len(text) <= limit * 4 // 3 + 1:
        raise _malformed(f"{name} is missing, empty, too long or not a string")
    try:
        return base64url.decode(text)
    except ValueError as error:
        raise _malformed(f"{name} is not base64url") from error


def _credential_id(outer: dict[str, Any]) -> bytes:
    # WebAuthn L3 §5.1: `id` is the base64url spelling of `rawId`, and in JSON both are.
    if outer.get("id") != outer.get("rawId"):
        raise _malformed("id and rawId differ")
    return _bytes(outer, "rawId")


def _user_handle(inner: dict[str, Any]) -> bytes | None:
    # Absent in toJSON(), null in the polyfills that came before it.
    return None if inner.get("userHandle") is None else _bytes(inner, "userHandle", MAX_USER_HANDLE)


def _transports(value: object) -> tuple[str, ...]:
    """As given, in their order, without repetition; words we do not know are dropped (WebAuthn L3 §5.8.4)."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _MAX_TRANSPORTS or not all(isinstance(item, str) for item in value):
        raise _malformed("transports is not a short list of strings")
    return tuple(dict.fromkeys(item for item in value if item in TRANSPORTS))


def _attachment(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise _malformed("authenticatorAttachment is not a string")
    # WebAuthn L3 §5.1: an unknown value is to be treated as absent.
    return value if value in ATTACHMENTS else None


def _extension_results(outer: dict[str, Any]) -> dict[str, Any]:
    results = outer.get("clientExtensionResults", {})
    if not isinstance(results, dict):
        raise _malformed("clientExtensionResults is not an object")
    return results


def _malformed(detail: str) -> CeremonyError:
    return CeremonyError(CeremonyReason.MALFORMED_RESPONSE, detail)
