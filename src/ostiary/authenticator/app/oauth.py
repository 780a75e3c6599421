"""Signing in as a native app: RFC 8252 with PKCE (RFC 7636), the answer's issuer (RFC 9207) and an ID token that is
verified (OpenID Connect Core §3.1.3.7). Values in, values out; the browser and the redirect are `sign_ins`."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.phrases import N_
from ostiary.authenticator.app.server_client import Answer, ServerClient

CLIENT_ID: Final = "ostiary-authenticator"
SCOPE: Final = "openid profile offline_access UserAuthenticationMethod.ReadWrite"
ALGORITHMS: Final = ("ES256",)
LEEWAY: Final = 60
"""Seconds two clocks may differ."""


class Metadata(NamedTuple):
    """What is used of OpenID Connect Discovery §3; every endpoint as a path on the issuer's own origin."""

    issuer: str
    authorize: str
    token: str
    keys: str
    revoke: str | None
    names_issuer: bool


class Request(NamedTuple):
    """An authorization request under way: what the answer must match."""

    metadata: Metadata
    redirect_uri: str
    state: str
    nonce: str
    verifier: str
    url: str


class Tokens(NamedTuple):
    access_token: str
    expires_in: int
    refresh_token: str | None


class Person(NamedTuple):
    subject: str
    username: str
    name: str


def discover(client: ServerClient) -> Metadata:
    answer = client.get("/.well-known/openid-configuration")
    found = answer.body
    if not answer.is_ok or not isinstance(found, dict):
        raise AppError(AppReason.SERVER_ANSWER_INVALID)
    if found.get("issuer") != client.origin:  # RFC 8414 §3.3
        raise AppError(AppReason.SERVER_ANSWER_INVALID, N_("The server calls itself by another address."))
    revoke = found.get("revocation_endpoint")
    return Metadata(
        issuer=client.origin,
        authorize=client.own_path(found.get("authorization_endpoint")),
        token=client.own_path(found.get("token_endpoint")),
        keys=client.own_path(found.get("jwks_uri")),
        revoke=client.own_path(revoke) if revoke else None,
        names_issuer=found.get("authorization_response_iss_parameter_supported") is True,
    )


def request(metadata: Metadata, *, redirect_uri: str, login_hint: str = "") -> Request:
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    parameters = {
        "client_id": CLIENT_ID,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if login_hint:
        parameters["login_hint"] = login_hint
    url = f"{metadata.issuer}{metadata.authorize}?{urlencode(parameters)}"
    return Request(metadata, redirect_uri, state, nonce, verifier, url)


def read_redirect(asked: Request, parameters: Mapping[str, str]) -> str:
    """The code. The state was matched by who received it."""
    issuer = parameters.get("iss")
    if (issuer is None and asked.metadata.names_issuer) or issuer not in (None, asked.metadata.issuer):
        raise AppError(AppReason.SIGN_IN_INVALID)
    if "error" in parameters:
        if parameters["error"] == "access_denied":
            raise AppError(AppReason.SIGN_IN_REFUSED, N_("You did not allow it. No account was added."))
        raise AppError(AppReason.SIGN_IN_REFUSED, server_reason=parameters["error"][:100])
    code = parameters.get("code")
    if not code:
        raise AppError(AppReason.SIGN_IN_INVALID)
    return code


def redeem(client: ServerClient, asked: Request, code: str, *, now: int) -> tuple[Tokens, Person]:
    answer = client.post_form(
        asked.metadata.token,
        {
            "grant_type": "authorization_code",
            "client_id": CLIENT_ID,
            "code": code,
            "redirect_uri": asked.redirect_uri,
            "code_verifier": asked.verifier,
        },
    )
    tokens = _tokens(answer)
    id_token = answer.body.get("id_token")
    keys = client.get(asked.metadata.keys)
    if not isinstance(id_token, str) or not keys.is_ok or not isinstance(keys.body, dict):
        raise AppError(AppReason.SIGN_IN_INVALID)
    return tokens, verify_id_token(id_token, keys=keys.body, issuer=asked.metadata.issuer, nonce=asked.nonce, now=now)


def verify_id_token(id_token: str, *, keys: Mapping[str, Any], issuer: str, nonce: str, now: int) -> Person:
    """OpenID Connect Core §3.1.3.7. `now` in epoch milliseconds. Raises SIGN_IN_INVALID."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    registry = jwt.JWTClaimsRegistry(
        now=now // 1000,
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        claims = jwt.decode(id_token, KeySet.import_key_set(dict(keys)), algorithms=list(ALGORITHMS)).claims  # type: ignore[arg-type]
        registry.validate(claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise AppError(AppReason.SIGN_IN_INVALID) from error
    # one audience, ourselves: a token that others may use as well proves nothing to us
    if claims.get("aud") not in (CLIENT_ID, [CLIENT_ID]) or not isinstance(claims["sub"], str):
        raise AppError(AppReason.SIGN_IN_INVALID)
    username = claims.get("preferred_username")
    name = claims.get("name")
    if not isinstance(username, str) or not username:
        raise AppError(AppReason.SIGN_IN_INVALID)
    return Person(claims["sub"], username, name if isinstance(name, str) else username)


def refresh(client: ServerClient, metadata: Metadata, refresh_token: str) -> Tokens:
    """Raises SIGN_IN_NEEDED when the server no longer takes it (RFC 6749 §5.2 `invalid_grant`)."""
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": refresh_token}
    answer = client.post_form(metadata.token, form)
    if isinstance(answer.body, dict) and answer.body.get("error") == "invalid_grant":
        raise AppError(AppReason.SIGN_IN_NEEDED, server_reason="invalid_grant")
    return _tokens(answer)


def revoke(client: ServerClient, metadata: Metadata, refresh_token: str) -> None:
    """RFC 7009; whatever it answers, the token is forgotten here."""
    if metadata.revoke:
        form = {"client_id": CLIENT_ID, "token": refresh_token, "token_type_hint": "refresh_token"}
        client.post_form(metadata.revoke, form)


def _tokens(answer: Answer) -> Tokens:
    body = answer.body
    if not isinstance(body, dict):
        raise AppError(AppReason.SERVER_ANSWER_INVALID)
    if not answer.is_ok:
        raise AppError(AppReason.SIGN_IN_REFUSED, server_reason=str(body.get("error", ""))[:100])
    access, expires_in, refresh_token = body.get("access_token"), body.get("expires_in"), body.get("refresh_token")
    if not isinstance(access, str) or str(body.get("token_type", "")).lower() != "bearer":
        raise AppError(AppReason.SERVER_ANSWER_INVALID)
    if not isinstance(expires_in, int) or not isinstance(refresh_token, str | None):
        raise AppError(AppReason.SERVER_ANSWER_INVALID)
    return Tokens(access, expires_in, refresh_token)
