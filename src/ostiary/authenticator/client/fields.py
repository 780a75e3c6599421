"""Reading members of JSON options, strictly: a member is of its type, or the options are refused by name."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ostiary.authenticator.client import base64url
from ostiary.authenticator.client.errors import ClientError, ClientReason, invalid

JSON: TypeAlias = Mapping[str, Any]


def as_object(value: object, name: str) -> JSON:
    if not isinstance(value, Mapping):
        raise invalid(f"{name} is not an object.")
    return value


def object_at(members: JSON, name: str) -> JSON:
    """Empty when absent."""
    value = members.get(name)
    return {} if value is None else as_object(value, name)


def list_at(members: JSON, name: str) -> Sequence[Any]:
    value = members.get(name)
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise invalid(f"{name} is not a list.")
    return value


def text_at(members: JSON, name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise invalid(f"{name} is missing or not a string.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise invalid(f"{name} is not Unicode text.") from error
    return value


def optional_text_at(members: JSON, name: str) -> str | None:
    return None if members.get(name) is None else text_at(members, name)


def flag_at(members: JSON, name: str) -> bool:
    value = members.get(name, False)
    if not isinstance(value, bool):
        raise invalid(f"{name} is neither true nor false.")
    return value


def octets(value: object, name: str) -> bytes:
    try:
        if isinstance(value, str):
            return base64url.decode(value)
    except ValueError as error:
        # as PublicKeyCredential.parse...FromJSON does (WebAuthn L3 §5.1.8)
        raise ClientError("EncodingError", ClientReason.ENCODING_INVALID, f"{name} is not base64url.") from error
    raise invalid(f"{name} is missing or not a string.")


def octets_at(members: JSON, name: str) -> bytes:
    return octets(members.get(name), name)


def choice_at(members: JSON, name: str, known: frozenset[str], default: str) -> str:
    """Values nobody knows are as good as absent (WebAuthn L3 §2.1.1)."""
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(f"{name} is not a string.")
    return value if value in known else default
