"""What faces answer with: pages, JSON, redirects, and refusals as problems (RFC 9457) or as pages."""

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import quote

import structlog
from starlette.responses import Response

from ostiary.identifiers import new_reference
from ostiary.identity import audit, limits
from ostiary.identity.caller import Caller
from ostiary.identity.reasons import Reason, Refusal
from ostiary.storage import people
from ostiary.storage.database import Transaction
from ostiary.web.pages import Drawable, ErrorPage, Problem
from ostiary.web.refusals import RequestReason
from ostiary.web.shells import make_shell
from ostiary.web.visit import Visit, sign_in_path
from ostiary.web.wording import WORDING, words_of

log = structlog.get_logger()
_compact_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_STEP_UPS: dict[StrEnum, Literal["1", "passkey"] | None] = {
    Reason.SIGN_IN_REQUIRED: None,
    Reason.FRESH_MFA_REQUIRED: "1",
    Reason.PHISHING_RESISTANT_REQUIRED: "passkey",
}
_NOT_RECORDED = {
    # a person's ordinary course of things: nothing was attempted, or they are only asked for something first
    Reason.SIGN_IN_REQUIRED,
    Reason.FRESH_MFA_REQUIRED,
    Reason.PHISHING_RESISTANT_REQUIRED,
    RequestReason.PAGE_UNKNOWN,
    RequestReason.VERB_NOT_ALLOWED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """A refusal, recorded and put into the reader's language."""

    status: int
    problem: Problem
    next_path: str | None
    retry_after: int | None

    def problem_at(self, field: str) -> Problem:
        """The problem, under a field of the form that is shown."""
        return replace(self.problem, field=field)


def answer_json(visit: Visit, value: object, status: int = 200) -> Response:
    body = _compact_json(value)
    return _with_cookies(visit, Response(body, status, media_type="application/json"))


def answer_nothing(visit: Visit) -> Response:
    return _with_cookies(visit, Response(status_code=204))


def redirect(visit: Visit, path: str) -> Response:
    """303: whatever this was, what follows is a GET."""
    location = quote(path, safe="/?&=#%:;,@!$'()*+~")
    return _with_cookies(visit, Response(status_code=303, headers={"location": location}))


async def answer_page(visit: Visit, page: Drawable, status: int = 200, *, username: str | None = None) -> Response:
    """`username` is of whoever is signing in: the page looks like their domain's."""
    shell = await make_shell(visit, page, username=username)
    html = visit.site.renderer.render(page, shell)
    return _with_cookies(visit, Response(html, status, media_type="text/html"))


async def tell(visit: Visit, refusal: Refusal, event: audit.Event = audit.Event.SIGN_IN) -> Told:
    """Records the refusal, and says it in words."""
    code = refusal.reason.value
    visit.site.metrics.refusals.labels(code).inc()
    reference = None
    if refusal.reason not in _NOT_RECORDED or not visit.wants_page:
        reference = await _recorded(visit, refusal, event)
    wording = WORDING[code]
    title, next = words_of(refusal, visit.say)
    problem = Problem(
        code=code,
        title=title,
        next=next,
        reference=reference,
        field=refusal.field,
    )
    next_path = refusal.next_path
    if next_path is None and refusal.reason in _STEP_UPS:
        next_path = sign_in_path(visit.way_back, step_up=_STEP_UPS[refusal.reason])
    return Told(wording.status, problem, next_path, refusal.retry_after)


def answer_problem(visit: Visit, told: Told) -> Response:
    """`application/problem+json`: `status`, `code`, `title`, `next`, `reference`, and where they help `field` and
    `next_path`."""
    problem = told.problem
    members: dict[str, Any] = {
        "type": f"/help/{problem.code}",
        "status": told.status,
        "code": problem.code,
        "title": problem.title,
        "next": problem.next,
        "reference": problem.reference,
    }
    if problem.field is not None:
        members["field"] = problem.field
    if told.next_path is not None:
        members["next_path"] = told.next_path
    headers = {"retry-after": str(told.retry_after)} if told.retry_after is not None else None
    body = json.dumps(members, ensure_ascii=False)
    return _with_cookies(visit, Response(body, told.status, headers, media_type="application/problem+json"))


async def answer_refusal(visit: Visit, refusal: Refusal, event: audit.Event) -> Response:
    """For a refusal that no form of its own shows: where the cure is a sign-in, straight there."""
    told = await tell(visit, refusal, event)
    if not visit.wants_page:
        return answer_problem(visit, told)
    if told.next_path is not None:
        return redirect(visit, told.next_path)
    page = ErrorPage(
        status=told.status,
        problem=told.problem,
        retry_path=_way_on(visit, refusal),
    )
    return await answer_page(visit, page, told.status)


def _way_on(visit: Visit, refusal: Refusal) -> str:
    if refusal.reason is Reason.PASS_REGISTRATION_OVER:  # nothing more can be done with this session
        return "/sign-out"
    return "/security-info" if visit.signed_in else "/sign-in"


async def _recorded(visit: Visit, refusal: Refusal, event: audit.Event) -> str | None:
    try:
        return await visit.write(_record, refusal, event, visit.caller, visit.now, _who(visit, refusal))
    except Exception:  # the database is what failed: the refusal still reaches the person, the reference the log
        reference = new_reference()
        log.exception("refusal not recorded", code=refusal.reason.value, reference=reference)
        return reference


def _who(visit: Visit, refusal: Refusal) -> str | None:
    return refusal.person_id or (visit.signed_in.person.id if visit.signed_in else None)


def _record(
    tx: Transaction, refusal: Refusal, event: audit.Event, caller: Caller, now: int, person_id: str | None
) -> str | None:
    """None when this address has filled its share of the log: it learns nothing and costs no more rows."""
    if not limits.is_within(tx, limits.RECORDS_PER_ADDRESS, limits.network(caller), now=now):
        return None
    return audit.record_refusal(
        tx,
        event,
        refusal.reason.value,
        caller=caller,
        now=now,
        person=people.person_by_id(tx, person_id) if person_id else None,
        method_id=refusal.method_id,
        aaguid=refusal.aaguid,
        detail=refusal.detail,
    )


def _with_cookies(visit: Visit, response: Response) -> Response:
    response.raw_headers.extend(visit.set_cookies)
    return response
