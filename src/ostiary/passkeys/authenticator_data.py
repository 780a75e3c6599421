"""Authenticator data: what the authenticator says of itself, the user and the credential (WebAuthn L3 §6.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag
from types import MappingProxyType
from typing import Final

from ostiary.passkeys import cbor
from ostiary.passkeys.aaguid import Aaguid
from ostiary.passkeys.cbor import CborValue
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason


class Flags(IntFlag):
    """The flags byte. Bits 1 and 5 are reserved and ignored: an authenticator of tomorrow may set them."""

    UP = 0x01
    UV = 0x04
    BE = 0x08
    BS = 0x10
    AT = 0x40
    ED = 0x80


# Plain integers for the hot path: every operation on an IntFlag builds an object.
_UP, _UV, _BE, _BS, _AT, _ED = (int(flag) for flag in Flags)

_HEAD_LENGTH: Final = 37
_ATTESTED_HEAD_LENGTH: Final = 18
_NO_EXTENSIONS: Final[Mapping[str, CborValue]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestedCredentialData:
    """The new credential (WebAuthn L3 §6.5.1): the model that made it, its ID and its COSE_Key as sent."""

    aaguid: Aaguid
    credential_id: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True)
class AuthenticatorData:
    """Authenticator data, taken apart. Nothing is judged yet but the form."""

    rp_id_hash: bytes
    flags: int
    sign_count: int
    attested_credential: AttestedCredentialData | None
    extensions: Mapping[str, CborValue]

    @property
    def user_present(self) -> bool:
        return self.flags & _UP != 0

    @property
    def user_verified(self) -> bool:
        return self.flags & _UV != 0

    @property
    def backup_eligible(self) -> bool:
        return self.flags & _BE != 0

    @property
    def backup_state(self) -> bool:
        return self.flags & _BS != 0


def parse_authenticator_data(data: bytes) -> AuthenticatorData:
    """Take ``data`` apart, to the last byte.

    Raises ``CeremonyError``: ``malformed_authenticator_data`` when a part is missing, cut off or left over, and
    ``malformed_cbor`` when the credential public key or the extensions are not well-formed.
    """
    length = len(data)
    if length < _HEAD_LENGTH:
        raise _malformed(f"{length} bytes")
    flags = data[32]
    sign_count = int.from_bytes(data[33:_HEAD_LENGTH], "big")
    if not flags & (_AT | _ED):
        if length != _HEAD_LENGTH:
            raise _malformed(f"{length - _HEAD_LENGTH} bytes that no flag announces")
        return AuthenticatorData(data[:32], flags, sign_count, None, _NO_EXTENSIONS)

    at = _HEAD_LENGTH
    attested = None
    extensions = _NO_EXTENSIONS
    if flags & _AT:
        attested, at = _parse_attested_credential(data, at)
    if flags & _ED:
        extensions, at = _parse_extensions(data, at)
    if at != length:
        raise _malformed(f"{length - at} bytes left over")
    return AuthenticatorData(data[:32], flags, sign_count, attested, extensions)


def _parse_attested_credential(data: bytes, at: int) -> tuple[AttestedCredentialData, int]:
    key_at = at + _ATTESTED_HEAD_LENGTH + int.from_bytes(data[at + 16 : at + _ATTESTED_HEAD_LENGTH], "big")
    if key_at >= len(data):
        raise _malformed("the attested credential is cut off")
    # The key tells its own length, so it is decoded once here; what it says is read by the `cose` module.
    _, end = cbor.decode_prefix(data, key_at)
    attested = AttestedCredentialData(
        aaguid=Aaguid(data[at : at + 16]),
        credential_id=data[at + _ATTESTED_HEAD_LENGTH : key_at],
        public_key=data[key_at:end],
    )
    return attested, end


def _parse_extensions(data: bytes, at: int) -> tuple[Mapping[str, CborValue], int]:
    value, end = cbor.decode_prefix(data, at)
    if not isinstance(value, dict):
        raise _malformed("the extensions are not a map")
    extensions: dict[str, CborValue] = {}
    for identifier, output in value.items():
        if not isinstance(identifier, str):
            raise _malformed("an extension identifier is not text")
        extensions[identifier] = output
    return MappingProxyType(extensions), end


def _malformed(detail: str) -> CeremonyError:
    return CeremonyError(CeremonyReason.MALFORMED_AUTHENTICATOR_DATA, detail)
