"""Collected client data: what the browser says it was asked to do, by whom (WebAuthn L3 §5.8.1)."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final, Never

from ostiary.passkeys import base64url
from ostiary.passkeys.reasons import CeremonyError, CeremonyReason

MAX_LENGTH: Final = 16_384
"""Client data holds a challenge, one or two origins and what a browser cares to add: a few hundred bytes."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ClientData:
    """The members a relying party judges. Members a browser adds beside them are ignored, as the specification asks."""

    type: str
    challenge: str
    origin: str
    cross_origin: bool
    top_origin: str | None


def parse_client_data(data: bytes) -> ClientData:
    """Read client data strictly: UTF-8, one JSON object, no member twice, every judged member of its type.

    Raises ``CeremonyError(malformed_client_data)``.
    """
    if len(data) > MAX_LENGTH:
        raise _malformed(f"{len(data)} bytes are too many")
    # WebAuthn L3 §7.1, step 5 and §7.2, step 8: a leading byte order mark is dropped.
    text = data.removeprefix(_BYTE_ORDER_MARK)
    try:
        members = _DECODER.decode(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _malformed("not JSON as a browser writes it") from error
    if not isinstance(members, dict):
        raise _malformed("not an object")

    ceremony, challenge, origin = members.get("type"), members.get("challenge"), members.get("origin")
    cross_origin, top_origin = members.get("crossOrigin", False), members.get("topOrigin", "")
    if not (isinstance(ceremony, str) and isinstance(challenge, str) and isinstance(origin, str)):
        raise _malformed("type, challenge or origin is missing or not a string")
    if not isinstance(cross_origin, bool) or not isinstance(top_origin, str):
        raise _malformed("crossOrigin is not a boolean or topOrigin is not a string")
    return ClientData(ceremony, challenge, origin, cross_origin, top_origin if "topOrigin" in members else None)


def read_challenge(data: bytes) -> bytes:
    """The challenge inside client data that nothing has been verified of yet: good for a look-up and nothing else.

    Raises ``CeremonyError(malformed_client_data)``.
    """
    try:
        return base64url.decode(parse_client_data(data).challenge)
    except ValueError as error:
        raise _malformed("the challenge is not base64url") from error


def check_type(client_data: ClientData, expected: str) -> None:
    """WebAuthn L3 §7.1, step 7 and §7.2, step 10."""
    if client_data.type != expected:
        raise CeremonyError(CeremonyReason.TYPE_MISMATCH, f"{client_data.type!a} instead of {expected}")


def check_challenge(client_data: ClientData, challenge: bytes) -> None:
    """WebAuthn L3 §7.1, step 8 and §7.2, step 11."""
    # Compared as spelled, in constant time. A lone surrogate in the claim becomes "?", which base64url does not have.
    claimed = client_data.challenge.encode("utf-8", "replace")
    if not compare_digest(claimed, base64url.encode_to_bytes(challenge)):
        raise CeremonyError(CeremonyReason.CHALLENGE_MISMATCH)


def check_origins(
    client_data: ClientData, origins: Collection[str], *, allow_cross_origin: bool, top_origins: Collection[str]
) -> None:
    """WebAuthn L3 §7.1, steps 9-11 and §7.2, steps 12-14; §13.4.9 on comparing origins: whole, never by part."""
    if client_data.origin not in origins:
        raise CeremonyError(CeremonyReason.ORIGIN_MISMATCH, f"{client_data.origin!a}")
    if client_data.cross_origin and not allow_cross_origin:
        raise CeremonyError(CeremonyReason.CROSS_ORIGIN_REFUSED)
    if client_data.top_origin is None:
        return
    # WebAuthn L3 §5.8.1: a browser names the top origin only when it differs, so the two members go together.
    if not (allow_cross_origin and client_data.cross_origin):
        raise CeremonyError(CeremonyReason.CROSS_ORIGIN_REFUSED, "topOrigin outside a cross-origin call")
    if client_data.top_origin not in top_origins:
        raise CeremonyError(CeremonyReason.TOP_ORIGIN_REFUSED, f"{client_data.top_origin!a}")


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant)


def _malformed(detail: str) -> CeremonyError:
    return CeremonyError(CeremonyReason.MALFORMED_CLIENT_DATA, detail)
