"""The `prf` extension (WebAuthn L3 §10.1.4) on CTAP's `hmac-secret` (CTAP 2.1 §12.5): secrets a passkey holds for its
relying party, read under a key agreed for one request."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from fido2.cose import CoseKey
from fido2.ctap2.pin import PinProtocol, PinProtocolV1, PinProtocolV2

from ostiary.authenticator.client import base64url, fields
from ostiary.authenticator.client.ctap import CLIENT_PIN, Authenticator
from ostiary.authenticator.client.errors import ClientError, ClientReason, not_allowed
from ostiary.authenticator.client.fields import JSON

HMAC_SECRET: Final = "hmac-secret"
HMAC_SECRET_MC: Final = "hmac-secret-mc"
_CONTEXT: Final = b"WebAuthn PRF\x00"
_GET_KEY_AGREEMENT: Final = 0x02
_LENGTH: Final = 32


class Salts(NamedTuple):
    first: bytes
    second: bytes | None


def read_values(values: JSON, name: str) -> Salts:
    """A page's values, hashed into a range of their own: what programs beside the browser use as salts, no page can
    ask for."""
    second = values.get("second")
    return Salts(
        _salt(fields.octets(values.get("first"), f"{name}.first")),
        None if second is None else _salt(fields.octets(second, f"{name}.second")),
    )


def values_at(prf: JSON, name: str) -> Salts | None:
    return None if prf.get(name) is None else read_values(fields.object_at(prf, name), f"prf.{name}")


def values_by_credential(prf: JSON, allowed: tuple[bytes, ...] | None) -> Mapping[bytes, Salts]:
    """WebAuthn L3 §10.1.4, client extension processing (authentication), steps 1 and 2."""
    by_credential = fields.object_at(prf, "evalByCredential")
    if by_credential and allowed is None:
        raise ClientError(
            "NotSupportedError", ClientReason.EXTENSION_INVALID, "prf.evalByCredential needs allowCredentials."
        )
    found = {}
    for key, values in by_credential.items():
        try:
            credential_id = base64url.decode(key)
        except ValueError:
            credential_id = b""
        if not credential_id or credential_id not in (allowed or ()):
            raise ClientError(
                "SyntaxError",
                ClientReason.EXTENSION_INVALID,
                "prf.evalByCredential names a credential that is not in allowCredentials.",
            )
        found[credential_id] = read_values(fields.as_object(values, "prf.evalByCredential"), "prf.evalByCredential")
    return found


class Agreement:
    """A secret shared with the authenticator for one request (CTAP 2.1 §6.5.4, getKeyAgreement)."""

    def __init__(self, authenticator: Authenticator) -> None:
        protocols: dict[int, PinProtocol] = {2: PinProtocolV2(), 1: PinProtocolV1()}
        usable = [number for number in protocols if number in authenticator.pin_protocols]
        if not usable:
            raise not_allowed(ClientReason.EXTENSION_UNSUPPORTED)
        self._number = usable[0]
        self._protocol = protocols[self._number]
        answer = authenticator.send(CLIENT_PIN, {1: self._number, 2: _GET_KEY_AGREEMENT})
        self._public_key, self._secret = self._protocol.encapsulate(CoseKey.parse(answer[1]))

    def input(self, salts: Salts) -> dict[int, Any]:
        encrypted = self._protocol.encrypt(self._secret, salts.first + (salts.second or b""))
        tag = self._protocol.authenticate(self._secret, encrypted)
        return {1: dict(self._public_key), 2: encrypted, 3: tag, 4: self._number}

    def results(self, output: bytes) -> dict[str, str]:
        plain = self._protocol.decrypt(self._secret, output)
        parts = [plain[:_LENGTH], plain[_LENGTH:]]
        return {name: base64url.encode(part) for name, part in zip(("first", "second"), parts, strict=True) if part}


def _salt(value: bytes) -> bytes:
    return hashlib.sha256(_CONTEXT + value).digest()
