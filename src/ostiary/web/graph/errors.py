"""Refusals in Graph's shape, with what is ours inside `innerError`: the stable reason, the cure, the reference."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response

from ostiary.clock import SECOND, as_datetime
from ostiary.identity.assurance import CHANGE_METHODS_BY_API
from ostiary.identity.reasons import Reason, Refusal
from ostiary.oidc.claims import ACR_VALUES
from ostiary.web.answers import Told, tell
from ostiary.web.graph.call import Call

REQUEST_ID: Final = "ostiary.request-id"
CLIENT_REQUEST_ID: Final = "ostiary.client-request-id"
_CODES: Final[Mapping[int, str]] = {
    # programs compare these; more exact is only `innerError.reason`
    400: "badRequest",
    401: "InvalidAuthenticationToken",
    403: "accessDenied",
    404: "resourceNotFound",
    405: "methodNotAllowed",
    409: "conflict",
    410: "resourceNotFound",
    413: "requestEntityTooLarge",
    415: "unsupportedMediaType",
    429: "TooManyRequests",
    500: "generalException",
    503: "serviceUnavailable",
}
_OF_TOKEN: Final = {Reason.TOKEN_MISSING, Reason.TOKEN_INVALID, Reason.FRESH_MFA_REQUIRED}
_GONE: Final = {Reason.SIGN_IN_REQUIRED, Reason.SIGN_IN_EXPIRED}


async def answer_refusal(call: Call, refusal: Refusal, details: Sequence[Mapping[str, str]] = ()) -> Response:
    if refusal.reason in _GONE:  # the session the grant has ended while it was used
        refusal = Refusal(Reason.TOKEN_INVALID, person_id=refusal.person_id, detail=refusal.reason.value)
    told = await tell(call, refusal, call.event)
    status = _status(refusal, told)
    headers: dict[str, str] = {}
    challenge = _challenge(call, refusal)
    if challenge is not None:
        headers["www-authenticate"] = challenge
    if told.retry_after is not None:
        headers["retry-after"] = str(told.retry_after)
    body = json.dumps({"error": _error(call, told, status, details)}, ensure_ascii=False)
    return Response(body, status, headers, media_type="application/json")


def _status(refusal: Refusal, told: Told) -> int:
    """A 401 says that another token is needed: so for a stale proof (RFC 9470 §3), and not for a wrong code."""
    if refusal.reason in _OF_TOKEN:
        return 401
    return 400 if told.status == 401 else told.status


def _error(call: Call, told: Told, status: int, details: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    problem = told.problem
    error: dict[str, Any] = {"code": _CODES.get(status, "generalException"), "message": problem.title}
    if problem.field is not None:
        error["target"] = problem.field
    if details:
        error["details"] = list(details)
    inner = {
        "date": as_datetime(call.now).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": call.scope[REQUEST_ID],
        "client-request-id": call.scope[CLIENT_REQUEST_ID],
        "reason": problem.code,
        "next": problem.next,
    }
    if problem.reference is not None:
        inner["reference"] = problem.reference
    return {**error, "innerError": inner}


def _challenge(call: Call, refusal: Refusal) -> str | None:
    """RFC 6750 §3, and RFC 9470 §3 where what is missing is a fresh proof."""
    realm = 'Bearer realm="ostiary"'
    match refusal.reason:
        case Reason.TOKEN_MISSING:
            return realm
        case Reason.TOKEN_INVALID:
            return f'{realm}, error="invalid_token", error_description="The access token is not valid"'
        case Reason.SCOPE_MISSING:
            return f'{realm}, error="insufficient_scope", scope="{" ".join(sorted(call.needed))}"'
        case Reason.FRESH_MFA_REQUIRED:
            age = (CHANGE_METHODS_BY_API.max_age or 0) // SECOND
            return (
                f'{realm}, error="insufficient_user_authentication", '
                'error_description="More recent multi-factor authentication is needed", '
                f'max_age="{age}", acr_values="{" ".join(ACR_VALUES)}"'
            )
    return None
