"""What changes is told to open pages at once, over one stream of server-sent events; no page asks in a loop."""

from starlette.responses import Response

from ostiary.authenticator.app.views import Topic
from ostiary.authenticator.app.web.visit import Visit


async def events(visit: Visit) -> Response:
    return visit.streams.response(visit.service, set(Topic))


async def window_events(visit: Visit) -> Response:
    """A window of one question is told of questions alone."""
    if not visit.is_signed_in and not visit.access.is_window_of(visit.cookies, visit.parameter("id")):
        return Response(status_code=403)
    return visit.streams.response(visit.service, {Topic.PROMPT, Topic.APPROVALS})
