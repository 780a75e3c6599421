"""The API as one application, mounted at `/v1.0` and `/beta`. FastAPI judges the form of what is sent; what it says of
it, and every answer, is ours."""

from typing import Final

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from ostiary import __version__
from ostiary.identity.reasons import Refusal
from ostiary.web.graph import (
    attestation,
    authenticators,
    codes,
    fido2_methods,
    me,
    methods,
    microsoft_authenticator_methods,
    setup,
    software_oath_methods,
)
from ostiary.web.graph.call import call_of
from ostiary.web.graph.errors import answer_refusal
from ostiary.web.graph.front import Front
from ostiary.web.refusals import RequestReason
from ostiary.web.site import Site

VERSIONS: Final = ("/v1.0", "/beta")
_ROUTERS: Final = (
    me.router,
    methods.router,
    fido2_methods.router,
    microsoft_authenticator_methods.router,
    software_oath_methods.router,
    setup.router,
    authenticators.router,
    codes.router,
    attestation.router,
)
_MOST_DETAILS: Final = 10
_REASONS: Final = {404: RequestReason.PAGE_UNKNOWN, 405: RequestReason.VERB_NOT_ALLOWED}
log = structlog.get_logger()


def build_graph(site: Site) -> ASGIApp:
    app = FastAPI(
        title="Ostiary",
        version=__version__,
        summary="What is ours beside Microsoft Graph's own shapes.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in _ROUTERS:
        app.include_router(router)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _not_routed)
    app.add_exception_handler(Exception, _failed)
    return Front(site, app)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return await answer_refusal(call_of(request), error)


async def _malformed(request: Request, error: Exception) -> Response:
    """What has the wrong form. What was sent is not sent back."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return await answer_refusal(call_of(request), Refusal(RequestReason.MALFORMED_JSON))
    details = [
        {"code": str(one["type"]), "message": str(one["msg"]), "target": ".".join(str(part) for part in one["loc"])}
        for one in found[:_MOST_DETAILS]
    ]
    return await answer_refusal(call_of(request), Refusal(RequestReason.REQUEST_INVALID), details)


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reason = _REASONS.get(error.status_code, RequestReason.MALFORMED_JSON)
    response = await answer_refusal(call_of(request), Refusal(reason))
    if error.headers:
        response.headers.update(error.headers)
    return response


async def _failed(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, verb=request.method, exc_info=error)
    return await answer_refusal(call_of(request), Refusal(RequestReason.INTERNAL_ERROR, detail=type(error).__name__))
