"""From a route to a face: who may enter, and what becomes of a refusal. Closed unless a route says otherwise."""

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from typing import NamedTuple

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ostiary.identity.audit import Event
from ostiary.identity.reasons import Refusal
from ostiary.web.answers import answer_refusal
from ostiary.web.refusals import RequestReason
from ostiary.web.site import Site
from ostiary.web.visit import Visit

Handler = Callable[[Visit], Awaitable[Response]]
log = structlog.get_logger()


class Access(Enum):
    ANYONE = auto()
    SECURITY_INFO = auto()
    """A session that may open Security info."""
    ADMIN = auto()
    """An administrator's. What they may do there, every use case asks for itself."""
    ADMIN_FRESH = auto()
    """An administrator's, proven a moment ago: whatever writes, and forms one would not like to fill in twice."""


class Face(NamedTuple):
    """What answers one verb of a route, who may ask, and as what a refusal is recorded. `parent`: the page a button
    stands on, to come back to from a step-up."""

    handle: Handler
    access: Access = Access.SECURITY_INFO
    event: Event = Event.SIGN_IN
    parent: str | None = None


class Endpoint:
    """The ASGI application of one route."""

    def __init__(self, site: Site, faces: Mapping[str, Face]) -> None:
        self._site = site
        self._faces = faces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = Visit(self._site, scope, receive, is_page="GET" in self._faces)
        verb = "GET" if scope["method"] == "HEAD" else scope["method"]
        face = self._faces.get(verb, _NO_SUCH_VERB)
        try:
            response = await self._answer(visit, face)
        except ClientDisconnect:
            return
        if face is _NO_SUCH_VERB:
            response.headers["allow"] = ", ".join(self._faces)  # RFC 9110 §15.5.6
        await response(scope, receive, send)

    async def _answer(self, visit: Visit, face: Face) -> Response:
        try:
            if visit.scope["cross_site"]:
                raise Refusal(RequestReason.CROSS_SITE_REQUEST)
            if face.parent is not None:
                visit.parent_path = face.parent.format_map(visit.parameters)
            if face.access is Access.SECURITY_INFO:
                await visit.admit_to_security_info()
            elif face.access is not Access.ANYONE:
                await visit.admit_to_admin_centre(is_fresh=face.access is Access.ADMIN_FRESH)
            return await face.handle(visit)
        except Refusal as refusal:
            return await answer_refusal(visit, refusal, face.event)
        except ClientDisconnect:
            raise
        except Exception as error:
            # whatever it was, a person gets words and a reference, and the log the rest
            log.exception("request failed", path=visit.path, verb=visit.verb)
            failure = Refusal(RequestReason.INTERNAL_ERROR, detail=type(error).__name__)
            return await answer_refusal(visit, failure, face.event)


async def _refuse_verb(visit: Visit) -> Response:
    raise Refusal(RequestReason.VERB_NOT_ALLOWED)


async def page_unknown(visit: Visit) -> Response:
    if visit.wants_page:
        await visit.find_session()  # so that the page looks like the person's own, and leads back to theirs
    raise Refusal(RequestReason.PAGE_UNKNOWN)


_NO_SUCH_VERB = Face(_refuse_verb, Access.ANYONE)
