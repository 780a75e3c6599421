"""`/help/{code}`: what a reason or a reference code means, for anyone, saying nothing about anybody."""

import re

from starlette.responses import Response

from ostiary.identity import audit, limits
from ostiary.identity.caller import Caller
from ostiary.identity.reasons import Refusal
from ostiary.storage import audit as audit_rows
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person
from ostiary.web.answers import answer_json, answer_page
from ostiary.web.pages import HelpPage, Problem
from ostiary.web.refusals import RequestReason
from ostiary.web.visit import Visit
from ostiary.web.wording import CLIENT_WORDING, wording_of

_REFERENCE = re.compile(r"P-?([0-9A-Z]{4})-?([0-9A-Z]{2})")
_LONGEST = 60


async def show(visit: Visit) -> Response:
    asked = visit.parameters["code"][:_LONGEST]
    reference = _REFERENCE.fullmatch(asked.upper())
    happened = known_as = None
    code = asked.lower()
    if reference:
        known_as = f"P-{reference[1]}-{reference[2]}"
        event = await visit.read(audit_rows.event_by_reference, known_as)
        code = (event.reason or "") if event else ""
        happened = event.at if event else None
    wording = wording_of(code)
    problem = None
    if wording is not None:
        problem = Problem(code=code, title=visit.say(wording.title), next=visit.say(wording.next), reference=known_as)
    page = HelpPage(asked=asked, problem=problem, happened=happened)
    return await answer_page(visit, page, 200 if problem else 404)


async def report(visit: Visit) -> Response:
    """`POST /ceremonies/reports`: what only the browser noticed, so that a helpdesk can look it up too."""
    body = await visit.json()
    code, operation, elapsed = body.get("code"), body.get("operation"), body.get("elapsed_ms", 0)
    if not isinstance(code, str) or code not in CLIENT_WORDING or operation not in ("create", "get"):
        raise Refusal(RequestReason.REQUEST_INVALID)
    if not isinstance(elapsed, int) or not 0 <= elapsed < 10**9:
        raise Refusal(RequestReason.REQUEST_INVALID)
    signed_in = await visit.find_session()
    reference = await visit.write(
        _record,
        code,
        f"{operation} after {elapsed} ms",
        caller=visit.caller,
        now=visit.now,
        person=signed_in.person if signed_in else None,
    )
    return answer_json(visit, {"reference": reference}, 201)


def _record(tx: Transaction, code: str, detail: str, *, caller: Caller, now: int, person: Person | None) -> str | None:
    if not limits.is_within(tx, limits.RECORDS_PER_ADDRESS, limits.network(caller), now=now):
        return None
    return audit.record_refusal(
        tx, audit.Event.CEREMONY_REPORT, code, caller=caller, now=now, person=person, detail=detail
    )
