"""`/oauth2/v2.0/token` and `/revoke`: programs alone come here, and are answered in JSON (RFC 6749 §5)."""

import json
from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from ostiary.identity import limits
from ostiary.identity.reasons import Reason, Refusal
from ostiary.oidc import tokens
from ostiary.oidc.clients import Client, find_client
from ostiary.oidc.errors import ErrorCode, OAuthError
from ostiary.oidc.tokens import Tokens
from ostiary.web.oidc.issuer import issuer_of
from ostiary.web.refusals import RequestReason
from ostiary.web.visit import Visit
from ostiary.web.wording import WORDING

log = structlog.get_logger()
Form = Mapping[str, str]


async def token(visit: Visit) -> Response:
    """`POST /oauth2/v2.0/token`"""
    return await _answer(visit, _token)


async def revoke(visit: Visit) -> Response:
    """`POST /oauth2/v2.0/revoke` (RFC 7009)"""
    return await _answer(visit, _revoke)


async def _token(visit: Visit, form: Form, client: Client) -> Response:
    match _needed(form, "grant_type"):
        case "authorization_code":
            answer = await visit.write(
                tokens.redeem_code,
                issuer_of(visit.site),
                client,
                code=_needed(form, "code"),
                redirect_uri=_needed(form, "redirect_uri"),
                verifier=_needed(form, "code_verifier"),
                caller=visit.caller,
                now=visit.now,
            )
        case "refresh_token":
            answer = await visit.write(
                tokens.refresh,
                issuer_of(visit.site),
                client,
                refresh_token=_needed(form, "refresh_token"),
                scope=form.get("scope") or None,
                caller=visit.caller,
                now=visit.now,
            )
        case _:
            raise OAuthError(ErrorCode.UNSUPPORTED_GRANT_TYPE, "grant_type must be authorization_code or refresh_token")
    if isinstance(answer, OAuthError):
        raise answer
    return _json(_members(answer), 200)


async def _revoke(visit: Visit, form: Form, client: Client) -> Response:
    error = await visit.write(
        tokens.revoke,
        issuer_of(visit.site),
        client,
        token=_needed(form, "token"),
        caller=visit.caller,
        now=visit.now,
    )
    if error is not None:
        raise error
    return Response(status_code=200)


async def _answer(visit: Visit, handle: Callable[[Visit, Form, Client], Awaitable[Response]]) -> Response:
    """Every error as RFC 6749 §5.2 has it. What fails counts against the address it comes from."""
    address = limits.network(visit.caller)
    try:
        await visit.write(limits.charge, limits.TOKEN_FAILURES_PER_ADDRESS, address, now=visit.now)
        form = await _form(visit)
        response = await handle(visit, form, _client(visit, form))
        await visit.write(limits.forgive, limits.TOKEN_FAILURES_PER_ADDRESS, address)
        return response
    except OAuthError as error:
        return _error(error)
    except Refusal as refusal:
        code = ErrorCode.INVALID_REQUEST
        if refusal.reason is Reason.TOO_MANY_ATTEMPTS:
            code = ErrorCode.TEMPORARILY_UNAVAILABLE
        elif refusal.reason is Reason.SIGN_IN_EXPIRED:  # a pass that carried it is gone
            code = ErrorCode.INVALID_GRANT
        wording = WORDING[refusal.reason.value]
        status = 400 if wording.status == 401 else wording.status
        return _error(OAuthError(code, wording.title), status, retry_after=refusal.retry_after)
    except ClientDisconnect:
        raise
    except Exception:
        log.exception("request failed", path=visit.path)
        return _error(OAuthError(ErrorCode.TEMPORARILY_UNAVAILABLE, "something went wrong on our side"), 503)


async def _form(visit: Visit) -> Form:
    if visit.scope["query_string"]:  # RFC 6749 §2.3.1: never in the address, where logs keep it
        raise OAuthError(ErrorCode.INVALID_REQUEST, "parameters belong in the body")
    try:
        return await visit.form()
    except Refusal as refusal:
        if refusal.reason is RequestReason.MALFORMED_FORM:
            raise OAuthError(ErrorCode.INVALID_REQUEST, "the form cannot be read, or repeats a parameter") from refusal
        raise


def _client(visit: Visit, form: Form) -> Client:
    """A public client says who it is, and proves it by PKCE or its refresh token."""
    client = find_client(form.get("client_id", ""))
    if client is None:
        raise OAuthError(ErrorCode.INVALID_CLIENT, "client_id is missing or unknown")
    if visit.header(b"authorization") or "client_secret" in form or "client_assertion" in form:
        raise OAuthError(ErrorCode.INVALID_CLIENT, "this client is public and has no secret")
    return client


def _needed(form: Form, name: str) -> str:
    value = form.get(name)
    if not value:
        raise OAuthError(ErrorCode.INVALID_REQUEST, f"{name} is missing")
    return value


def _members(answer: Tokens) -> dict[str, object]:
    members = {
        "access_token": answer.access_token,
        "token_type": "Bearer",
        "expires_in": answer.expires_in,
        "scope": answer.scope,
        "refresh_token": answer.refresh_token,
        "id_token": answer.id_token,
    }
    return {name: value for name, value in members.items() if value is not None}


def _error(error: OAuthError, status: int | None = None, *, retry_after: int | None = None) -> Response:
    headers: dict[str, str] = {}
    if status is None:
        status = 401 if error.code is ErrorCode.INVALID_CLIENT else 400
    if error.code is ErrorCode.INVALID_CLIENT:  # RFC 9110 §11.6.1: a 401 says how
        headers["www-authenticate"] = 'Basic realm="ostiary"'
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    return _json({"error": error.code.value, "error_description": error.description}, status, headers)


def _json(members: Mapping[str, object], status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        json.dumps(members),
        status,
        {"cache-control": "no-store", "pragma": "no-cache", **(headers or {})},  # RFC 6749 §5.1
        media_type="application/json",
    )
