"""The token endpoint's use cases (RFC 6749 §4.1.3 and §6, RFC 7636 §4.6, RFC 7009, RFC 9068, RFC 9700).

What is refused is answered, not raised: to end a grant whose code or refresh token was shown twice is itself a change
that must be kept.
"""

import hashlib
import hmac
import re
from typing import Final, NamedTuple

from joserfc import jwt

from ostiary.clock import DAY, MINUTE, SECOND
from ostiary.identifiers import new_id, new_token, token_hash
from ostiary.identity import audit
from ostiary.identity.caller import Caller
from ostiary.identity.sealing import Sealer
from ostiary.oidc import access, grants, keys
from ostiary.oidc.claims import authentication_claims, person_claims
from ostiary.oidc.clients import Client
from ostiary.oidc.errors import ErrorCode, OAuthError
from ostiary.oidc.grants import Granted
from ostiary.oidc.scopes import Scope, joined, known_scopes
from ostiary.passkeys.base64url import encode
from ostiary.storage import oauth, sessions
from ostiary.storage.database import Transaction
from ostiary.storage.oauth import RefreshToken

ACCESS_TOKEN_LIFETIME: Final = 60 * MINUTE
REFRESH_IDLE: Final = 30 * DAY
"""A refresh token that is not used for so long is over."""
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1


class Issuer(NamedTuple):
    """Who signs: the server's own address, and what opens its keys."""

    url: str
    sealer: Sealer


class Tokens(NamedTuple):
    access_token: str
    expires_in: int  # seconds
    scope: str
    refresh_token: str | None
    id_token: str | None


def redeem_code(
    tx: Transaction,
    issuer: Issuer,
    client: Client,
    *,
    code: str,
    redirect_uri: str,
    verifier: str,
    caller: Caller,
    now: int,
) -> Tokens | OAuthError:
    """A code works once, for whoever asked for it. Shown again, by anybody, it ends what was issued for it, and so
    does a wrong try: whoever has a code but not its verifier stole it."""
    row = oauth.code_by_hash(tx, token_hash(code))
    held = oauth.hold_grant(tx, row.grant_id) if row is not None else None
    if row is None or held is None:
        return _invalid_grant("the code is unknown")
    if not oauth.use_code(tx, row.code_hash, at=now):
        grants.end_grant(tx, held, audit.Event.APP_SUSPECT, caller=caller, now=now, detail="code used again")
        return _invalid_grant("the code was used before; everything issued for it is revoked")
    granted = grants.live_grant(tx, row.grant_id, now=now)
    fault = None
    if held.grant.client_id != client.id:
        fault = "the code belongs to another client"
    elif redirect_uri != row.redirect_uri:
        fault = "redirect_uri is not the one of the request"
    elif not _is_verified(verifier, row.code_challenge):
        fault = "code_verifier does not belong to the code_challenge of the request"
    if fault is not None:
        grants.end_grant(tx, held, audit.Event.APP_SUSPECT, caller=caller, now=now, detail=fault)
        return _invalid_grant(fault)
    if granted is None or row.expires_at <= now:
        return _invalid_grant("the code has expired")
    is_kept = Scope.OFFLINE_ACCESS in granted.scopes
    grants.keep_grant(tx, granted, lifetime=grants.LIFETIME if is_kept else ACCESS_TOKEN_LIFETIME, now=now)
    return _issue(tx, issuer, granted.id, None, nonce=row.nonce, now=now)


def refresh(
    tx: Transaction,
    issuer: Issuer,
    client: Client,
    *,
    refresh_token: str,
    scope: str | None,
    caller: Caller,
    now: int,
) -> Tokens | OAuthError:
    """Each refresh token works once (RFC 9700 §4.14.2). One shown again was copied: who has the copy cannot be told,
    so the grant ends."""
    row = oauth.refresh_token_by_hash(tx, token_hash(refresh_token))
    held = oauth.hold_grant(tx, row.grant_id) if row is not None else None
    if row is None or held is None or row.expires_at <= now:
        return _invalid_grant("the refresh token is unknown, revoked or expired")
    if held.grant.client_id != client.id:
        return _invalid_grant("the refresh token belongs to another client")
    granted = grants.live_grant(tx, row.grant_id, now=now)
    if granted is None:
        return _invalid_grant("the grant has ended")
    narrowed = None
    if scope is not None and row.used_at is None:
        narrowed = known_scopes(scope.split(" "))
        if not narrowed or not granted.scopes.issuperset(narrowed):
            return OAuthError(ErrorCode.INVALID_SCOPE, "scope must be part of what was granted")
    if not oauth.use_refresh_token(tx, row.token_hash, at=now):
        grants.end_grant(tx, held, audit.Event.APP_SUSPECT, caller=caller, now=now, detail="refresh token used again")
        return _invalid_grant("the refresh token was used before; the grant has ended")
    sessions.set_seen(tx, granted.signed_in.session.id, now)
    return _issue(tx, issuer, granted.id, narrowed, nonce=None, now=now)


def revoke(
    tx: Transaction, issuer: Issuer, client: Client, *, token: str, caller: Caller, now: int
) -> OAuthError | None:
    """RFC 7009: ends the grant a refresh token or access token belongs to. One nobody knows is revoked already."""
    row = oauth.refresh_token_by_hash(tx, token_hash(token))
    grant_id = row.grant_id if row is not None else access.grant_of(tx, token, issuer=issuer.url, now=now)
    held = oauth.held_grant(tx, grant_id) if grant_id is not None else None
    if held is None:
        return None
    if held.grant.client_id != client.id:
        return _invalid_grant("the token belongs to another client")
    grants.end_grant(tx, held, audit.Event.APP_DISCONNECT, caller=caller, now=now)
    return None


def _issue(
    tx: Transaction, issuer: Issuer, grant_id: str, narrowed: tuple[Scope, ...] | None, *, nonce: str | None, now: int
) -> Tokens:
    granted = grants.live_grant(tx, grant_id, now=now)  # as it lasts from now on
    assert granted is not None
    ends = granted.signed_in.session.expires_at
    scopes = granted.scopes if narrowed is None else frozenset(narrowed)
    scope = joined(one for one in Scope if one in scopes)
    lifetime = min(ACCESS_TOKEN_LIFETIME, ends - now)
    access_token = _access_token(tx, issuer, granted, scope, lifetime=lifetime, now=now)
    refresh_token = None
    if Scope.OFFLINE_ACCESS in granted.scopes:
        refresh_token = new_token()
        row = RefreshToken(token_hash(refresh_token), granted.id, min(now + REFRESH_IDLE, ends), None)
        oauth.insert_refresh_token(tx, row)
    id_token = None
    if Scope.OPENID in scopes:
        id_token = _id_token(tx, issuer, granted, access_token, nonce, lifetime=lifetime, now=now)
    return Tokens(access_token, lifetime // SECOND, scope, refresh_token, id_token)


def _access_token(tx: Transaction, issuer: Issuer, granted: Granted, scope: str, *, lifetime: int, now: int) -> str:
    """RFC 9068 §2. `sid` is the grant, looked up at every use."""
    claims = {
        **_common(issuer, granted, lifetime=lifetime, now=now),
        "aud": issuer.url,
        "sub": granted.signed_in.person.id,
        "client_id": granted.client.id,
        "jti": new_id(),
        "scope": scope,
    }
    return _signed(tx, issuer, access.TYPE, claims, now=now)


def _id_token(
    tx: Transaction,
    issuer: Issuer,
    granted: Granted,
    access_token: str,
    nonce: str | None,
    *,
    lifetime: int,
    now: int,
) -> str:
    """OpenID Connect Core §2, and §3.1.3.6 for `at_hash`."""
    claims = {
        **_common(issuer, granted, lifetime=lifetime, now=now),
        **person_claims(granted.signed_in.person, granted.scopes),
        "aud": granted.client.id,
        "at_hash": encode(hashlib.sha256(access_token.encode()).digest()[:16]),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return _signed(tx, issuer, "JWT", claims, now=now)


def _common(issuer: Issuer, granted: Granted, *, lifetime: int, now: int) -> dict[str, object]:
    return {
        "iss": issuer.url,
        "iat": now // SECOND,
        "exp": (now + lifetime) // SECOND,
        "sid": granted.id,
        **authentication_claims(granted.signed_in.proofs),
    }


def _signed(tx: Transaction, issuer: Issuer, type: str, claims: dict[str, object], *, now: int) -> str:
    key = keys.signing_key(tx, issuer.sealer, now=now)
    header = {"alg": keys.ALGORITHM, "typ": type, "kid": key.kid}
    return jwt.encode(header, claims, key, algorithms=[keys.ALGORITHM])


def _is_verified(verifier: str, challenge: str) -> bool:
    """RFC 7636 §4.6, S256."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(encode(hashlib.sha256(verifier.encode()).digest()), challenge)


def _invalid_grant(description: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_GRANT, description)
