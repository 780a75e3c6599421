"""`/admin/audit`: what happened, searched and exported, and reference codes looked up."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.responses import Response

from ostiary.clock import DAY, as_datetime
from ostiary.identity import administration, directory
from ostiary.identity.permissions import Permission
from ostiary.identity.reasons import Refusal
from ostiary.storage.audit import NEWEST, AuditEvent, Search
from ostiary.web.admin.event_words import WORDS, event_row, event_rows
from ostiary.web.admin.exports import answer_download, csv_lines, json_lines
from ostiary.web.admin.frames import actor, make_frame
from ostiary.web.admin.pages import AuditPage, ReferencePage
from ostiary.web.answers import answer_page, tell
from ostiary.web.pages import Problem
from ostiary.web.refusals import RequestReason
from ostiary.web.visit import Visit
from ostiary.web.wording import wording_of

_FIELDS = ("person", "event", "result", "since", "until")
_RESULTS = ("", "success", "refused")


async def show(visit: Visit) -> Response:
    """`GET /admin/audit`"""
    query = _asked(visit)
    await visit.read(directory.require, actor(visit), Permission.AUDIT_READ)
    refusal = None
    search = Search()
    try:
        search = await _search(visit, query)
    except Refusal as refused:
        if refused.field is None:
            raise
        refusal = refused
    before = visit.query.get("before") or NEWEST
    found = await visit.read(directory.search_audit, search, before=before, actor=actor(visit))
    told = await tell(visit, refusal) if refusal else None
    page = AuditPage(
        frame=await make_frame(visit, "audit"),
        events=event_rows(visit, found.events) if told is None else (),
        person=query.get("person", ""),
        event=query.get("event", ""),
        result=query.get("result", ""),
        since=query.get("since", ""),
        until=query.get("until", ""),
        known_events=tuple((event, visit.say(words)) for event, words in WORDS.items()),
        next_path=f"/admin/audit?{urlencode({**query, 'before': found.before})}"
        if found.before and told is None
        else None,
        export_query=urlencode(query),
        problem=told.problem_at("person") if told else None,
    )
    return await answer_page(visit, page, told.status if told else 200)


def _asked(visit: Visit) -> dict[str, str]:
    return {name: value.strip() for name, value in visit.query.items() if name in _FIELDS and value.strip()}


async def _search(visit: Visit, query: dict[str, str]) -> Search:
    """Raises `Refusal`: a filter that is none, or a person there is not."""
    if query.get("result", "") not in _RESULTS:
        raise Refusal(RequestReason.REQUEST_INVALID)
    since, until = _day(query.get("since")), _day(query.get("until"))
    person_id = None
    if "person" in query:
        person_id = (await visit.read(administration.find_person, query["person"])).id
    return Search(
        person_id=person_id,
        event=query.get("event", ""),
        result=query.get("result", ""),
        since=since,
        until=until + DAY if until is not None else None,
    )


def _day(text: str | None) -> int | None:
    """The beginning of a day in UTC."""
    if not text:
        return None
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1000
    except (ValueError, OverflowError) as error:
        raise Refusal(RequestReason.REQUEST_INVALID) from error


# --- Export


async def export_csv(visit: Visit) -> Response:
    """`GET /admin/audit.csv`"""
    search = await _begin_export(visit, "CSV")
    return answer_download(_csv(visit, search), name="audit.csv", media_type="text/csv; charset=utf-8")


async def export_json(visit: Visit) -> Response:
    """`GET /admin/audit.jsonl`"""
    search = await _begin_export(visit, "JSON lines")
    return answer_download(_json(visit, search), name="audit.jsonl", media_type="application/x-ndjson")


async def _begin_export(visit: Visit, form: str) -> Search:
    query = _asked(visit)
    what = f"audit log, {form}{': ' + urlencode(query) if query else ''}"
    await visit.read(directory.require, actor(visit), Permission.AUDIT_READ)
    search = await _search(visit, query)
    await visit.write(
        directory.begin_export,
        Permission.AUDIT_READ,
        what,
        actor=actor(visit),
        caller=visit.caller,
        now=visit.now,
    )
    return search


async def _csv(visit: Visit, search: Search) -> AsyncIterator[str]:
    yield csv_lines([AuditEvent._fields])
    async for events in _batches(visit, search):
        yield csv_lines(tuple(_dated(event).values()) for event in events)


async def _json(visit: Visit, search: Search) -> AsyncIterator[str]:
    async for events in _batches(visit, search):
        yield json_lines(_dated(event) for event in events)


async def _batches(visit: Visit, search: Search) -> AsyncIterator[tuple[AuditEvent, ...]]:
    before: str | None = NEWEST
    while before is not None:
        found = await visit.read(
            directory.search_audit, search, before=before, limit=directory.BATCH, actor=actor(visit)
        )
        yield found.events
        before = found.before


def _dated(event: AuditEvent) -> dict[str, object]:
    return {**event._asdict(), "at": as_datetime(event.at).isoformat(timespec="milliseconds")}


# --- References


async def look_up(visit: Visit) -> Response:
    """`GET /admin/references?code=P-7K3Q-2M`"""
    me, code = actor(visit), visit.query.get("code", "")[:40]
    reference, event = await visit.read(directory.decode_reference, code, actor=me)
    around: list[AuditEvent] = []
    told = None
    if event is not None:
        around = await visit.read(directory.events_before, event, actor=me)
        told = _told(visit, event)
    page = ReferencePage(
        frame=await make_frame(visit, "references"),
        code=reference if code else "",
        found=event_row(visit, event) if event else None,
        told=told,
        before=event_rows(visit, around),
    )
    return await answer_page(visit, page, 404 if code and event is None else 200)


def _told(visit: Visit, event: AuditEvent) -> Problem | None:
    """What the person was told then."""
    wording = wording_of(event.reason or "")
    if wording is None:
        return None
    return Problem(
        code=event.reason or "",
        title=visit.say(wording.title),
        next=visit.say(wording.next),
        reference=event.reference,
    )
