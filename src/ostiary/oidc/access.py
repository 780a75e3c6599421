"""A bearer token at our own API: what it says, and whether what it rests on is still there (RFC 9068 §4, RFC 6750)."""

from collections.abc import Mapping
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError

from ostiary.clock import SECOND
from ostiary.identity.reasons import Reason, Refusal
from ostiary.oidc import grants, keys
from ostiary.oidc.grants import Granted
from ostiary.oidc.scopes import split
from ostiary.storage.database import Transaction

TYPE: Final = "at+jwt"
_TYPES: Final = (TYPE, f"application/{TYPE}")
_LONGEST: Final = 4096


def admit(tx: Transaction, token: str, *, issuer: str, now: int) -> Granted:
    """The grant this token belongs to, with the rights the token carries. Raises `Refusal(TOKEN_INVALID)`."""
    claims = _claims(tx, token, issuer=issuer, now=now)
    if claims["exp"] * SECOND <= now:
        raise Refusal(Reason.TOKEN_INVALID, detail="expired")
    granted = grants.live_grant(tx, claims["sid"], now=now)
    if granted is None:
        raise Refusal(Reason.TOKEN_INVALID, detail="the grant has ended")
    if granted.signed_in.person.id != claims["sub"] or granted.client.id != claims["client_id"]:
        raise Refusal(Reason.TOKEN_INVALID, detail="not of this grant")
    return granted._replace(scopes=granted.scopes & split(claims["scope"]))


def grant_of(tx: Transaction, token: str, *, issuer: str, now: int) -> str | None:
    """The grant of an access token, also of an expired one; None for what is none of ours."""
    try:
        return str(_claims(tx, token, issuer=issuer, now=now)["sid"])
    except Refusal:
        return None


def _claims(tx: Transaction, token: str, *, issuer: str, now: int) -> Mapping[str, Any]:
    if len(token) > _LONGEST:
        raise Refusal(Reason.TOKEN_INVALID, detail="too long")
    try:
        # only our algorithm, with our keys: neither is the token's to choose (RFC 8725 §3.1)
        read = jwt.decode(token, keys.published_keys(tx, now=now), algorithms=[keys.ALGORITHM])
    except (JoseError, ValueError, RecursionError) as error:
        raise Refusal(Reason.TOKEN_INVALID, detail=type(error).__name__) from error
    if str(read.header.get("typ", "")).lower() not in _TYPES:  # RFC 9068 §4: an ID token is no access token
        raise Refusal(Reason.TOKEN_INVALID, detail="typ")
    claims = read.claims
    if claims.get("iss") != issuer or claims.get("aud") != issuer:
        raise Refusal(Reason.TOKEN_INVALID, detail="iss or aud")
    is_whole = isinstance(claims.get("exp"), int) and all(
        isinstance(claims.get(name), str) for name in ("sid", "sub", "client_id", "scope")
    )
    if not is_whole:
        raise Refusal(Reason.TOKEN_INVALID, detail="claims")
    return claims
