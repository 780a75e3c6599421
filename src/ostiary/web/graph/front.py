"""What every request to the API meets first: identifiers, the limits of a body, and an answer whatever happens.

Pure ASGI. The body is read whole before anybody looks at it: it is small, or refused.
"""

import re
from typing import Final
from uuid import uuid4

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ostiary.identity.reasons import Refusal
from ostiary.web.graph.call import SCOPE_KEY, Call
from ostiary.web.graph.errors import CLIENT_REQUEST_ID, REQUEST_ID, answer_refusal
from ostiary.web.refusals import RequestReason
from ostiary.web.site import Site

_CLIENT_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
log = structlog.get_logger()


class Front:
    def __init__(self, site: Site, app: ASGIApp) -> None:
        self._site = site
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = Call(self._site, scope, receive, is_page=False)
        sent_id = call.header(b"client-request-id")
        scope[SCOPE_KEY] = call
        scope[REQUEST_ID] = str(uuid4())
        scope[CLIENT_REQUEST_ID] = sent_id if _CLIENT_REQUEST_ID.fullmatch(sent_id) else scope[REQUEST_ID]
        is_started = False

        async def send_named(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"request-id", scope[REQUEST_ID].encode()),
                    (b"client-request-id", scope[CLIENT_REQUEST_ID].encode()),
                ]
            await send(message)

        try:
            body = await _accepted_body(call)
            await self._app(scope, _replay(body, receive), send_named)
        except ClientDisconnect:
            return
        except Refusal as refusal:
            response = await answer_refusal(call, refusal)
            await response(scope, receive, send_named)
        except Exception as error:
            # the resources' own answer to it was sent already, if it came from them: the framework raises it once more
            if not is_started:
                log.exception("request failed", path=call.path, verb=call.verb)
                failure = Refusal(RequestReason.INTERNAL_ERROR, detail=type(error).__name__)
                response = await answer_refusal(call, failure)
                await response(scope, receive, send_named)


async def _accepted_body(call: Call) -> bytes:
    """Raises `Refusal`: from another site, too large, or no JSON."""
    if call.scope.get("cross_site", False):
        raise Refusal(RequestReason.CROSS_SITE_REQUEST)
    if any("\x00" in part for part in (call.path, call.scope["query_string"].decode("latin-1"))):
        raise Refusal(RequestReason.PAGE_UNKNOWN)
    body = await call.body()
    media_type = call.header(b"content-type").partition(";")[0].strip().lower()
    if body and media_type != "application/json":
        raise Refusal(RequestReason.MEDIA_TYPE_UNSUPPORTED)
    return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """What was read, once more; then whatever comes."""
    is_given = False

    async def receive_again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
