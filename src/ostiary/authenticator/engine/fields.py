"""Reading a request's map: what must be there and of which type (CTAP 2.1 §8.2), and no more.

Keys nobody asks for are ignored, so that a newer platform's additions do no harm.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ostiary.authenticator.engine.status import Refused, Status

MAX_RP_ID_LENGTH: Final = 253
"""As long as a domain name can be."""

MAX_NAME_LENGTH: Final = 256
"""Of a name for show, in bytes; CTAP 2.1 §6.1.2 lets authenticators cut at 64 and more."""

MAX_CREDENTIALS_IN_LIST: Final = 64

Fields = Mapping[int | str, Any]


class Descriptor(NamedTuple):
    """PublicKeyCredentialDescriptor, as much as an authenticator looks at."""

    type: str
    id: bytes


def take(fields: Fields, key: int | str, kind: type[Any]) -> Any:
    """What is under `key`, or `None`. Raises `Refused(CBOR_UNEXPECTED_TYPE)`."""
    value = fields.get(key)
    if type(value) is not kind and (value is not None or key in fields):
        raise Refused(Status.CBOR_UNEXPECTED_TYPE)
    return value


def need(fields: Fields, key: int | str, kind: type[Any]) -> Any:
    """What is under `key`. Raises `Refused(MISSING_PARAMETER)` too."""
    value = fields.get(key)
    if type(value) is not kind:
        raise Refused(Status.CBOR_UNEXPECTED_TYPE if key in fields else Status.MISSING_PARAMETER)
    return value


def need_client_data_hash(fields: Fields, key: int) -> bytes:
    value: bytes = need(fields, key, bytes)
    if len(value) != 32:
        raise Refused(Status.INVALID_LENGTH)
    return value


def need_rp_id(fields: Fields, key: int | str) -> str:
    value: str = need(fields, key, str)
    if not 0 < len(value.encode()) <= MAX_RP_ID_LENGTH:
        raise Refused(Status.INVALID_LENGTH)
    return value


def take_name(fields: Fields, key: str) -> str:
    """A name for people, cut where it is too long, never within a character (WebAuthn L3 §6.4.1)."""
    value: str = take(fields, key, str) or ""
    content = value.encode()
    if len(content) <= MAX_NAME_LENGTH:
        return value
    return content[:MAX_NAME_LENGTH].decode(errors="ignore")


def need_descriptor(fields: Fields, key: int) -> Descriptor:
    return _descriptor(need(fields, key, dict))


def take_descriptors(fields: Fields, key: int) -> list[Descriptor] | None:
    """Raises `Refused(LIMIT_EXCEEDED)` for more than getInfo says."""
    values = take(fields, key, list)
    if values is None:
        return None
    if len(values) > MAX_CREDENTIALS_IN_LIST:
        raise Refused(Status.LIMIT_EXCEEDED)
    return [_descriptor(value) for value in values]


def _descriptor(value: Any) -> Descriptor:
    if type(value) is not dict:
        raise Refused(Status.CBOR_UNEXPECTED_TYPE)
    return Descriptor(need(value, "type", str), need(value, "id", bytes))
