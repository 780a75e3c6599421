"""What an operator's machinery asks: alive, ready, how it goes."""

import ipaddress

from starlette.responses import PlainTextResponse, Response

from ostiary.hybrid.tunnel.exchange import metrics_text
from ostiary.identity.reasons import Refusal
from ostiary.storage import organizations, outbox
from ostiary.web.answers import answer_json
from ostiary.web.refusals import RequestReason
from ostiary.web.visit import Visit


async def health(visit: Visit) -> Response:
    """`GET /healthz`: the process answers."""
    return PlainTextResponse("ok\n")


async def readiness(visit: Visit) -> Response:
    """`GET /readyz`: the database answers and is set up."""
    try:
        organization = await visit.read(organizations.the_organization)
    except Exception:
        return answer_json(visit, {"ready": False, "why": "the database does not answer"}, 503)
    if organization is None:
        return answer_json(visit, {"ready": False, "why": "no organisation: ostiary admin init"}, 503)
    return answer_json(visit, {"ready": True})


async def metrics(visit: Visit) -> Response:
    """`GET /metrics`, for this machine only: how much is refused, and why, is nobody else's business."""
    try:
        is_local = ipaddress.ip_address(visit.caller.address).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        raise Refusal(RequestReason.PAGE_UNKNOWN)
    shown = visit.site.metrics
    counts = await visit.read(outbox.count_mail)
    shown.mail_waiting.set(counts.waiting)
    shown.mail_given_up.set(counts.given_up)
    text = shown.exposition()
    if visit.site.tunnels is not None:
        text += metrics_text(visit.site.tunnels).encode()
    return Response(text, media_type="text/plain; version=0.0.4")
