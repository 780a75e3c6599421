"""Rows of the audit log: added, read, never changed."""

from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Text, bindparam, or_, select

from ostiary.storage.database import Query, Transaction, Value
from ostiary.storage.statements import insert_into
from ostiary.storage.tables import audit_events


class AuditEvent(NamedTuple):
    id: str
    at: int
    event: str
    result: str
    reason: str | None
    reference: str | None
    actor_id: str | None
    actor: str
    target_id: str | None
    target: str | None
    method_id: str | None
    method: str | None
    aaguid: str | None
    address: str | None
    client: str | None
    detail: str | None


_EVENT = select(*(audit_events.c[name] for name in AuditEvent._fields))
_INSERT = Query(insert_into(audit_events))
_BY_REFERENCE = Query(_EVENT.where(audit_events.c.reference == bindparam("reference")))
_PAGE = (
    _EVENT.where(
        audit_events.c.id < bindparam("before"),
        or_(bindparam("event", type_=Text) == "", audit_events.c.event == bindparam("event", type_=Text)),
    )
    .order_by(audit_events.c.id.desc())
    .limit(bindparam("limit"))
)
_NEWEST = Query(_PAGE)
_NEWEST_OF = Query(_PAGE.where(audit_events.c.target_id == bindparam("target_id")))


class Search(NamedTuple):
    """What is looked for; None, or an empty text: anything. `person_id` is who did it or whom it concerned; instants
    are from `since` and before `until`."""

    person_id: str | None = None
    event: str = ""
    result: str = ""
    since: int | None = None
    until: int | None = None


@lru_cache(maxsize=128)
def _search(asked: frozenset[str]) -> Query:
    events = audit_events.c
    conditions = {
        "person_id": or_(events.target_id == bindparam("person_id"), events.actor_id == bindparam("person_id")),
        "event": events.event == bindparam("event"),
        "result": events.result == bindparam("result"),
        "since": events.at >= bindparam("since"),
        "until": events.at < bindparam("until"),
    }
    chosen = [condition for name, condition in conditions.items() if name in asked]
    return Query(
        _EVENT.where(events.id < bindparam("before"), *chosen).order_by(events.id.desc()).limit(bindparam("limit"))
    )


NEWEST = "g"
"""Sorts behind every identifier: the page that starts with the newest event."""


def insert_event(tx: Transaction, event: AuditEvent) -> None:
    tx.run(_INSERT, **event._asdict())


def event_by_reference(tx: Transaction, reference: str) -> AuditEvent | None:
    row = tx.one(_BY_REFERENCE, reference=reference)
    return None if row is None else AuditEvent._make(row)


def newest_events_of(
    tx: Transaction, target_id: str, *, limit: int, before: str = NEWEST, event: str = ""
) -> list[AuditEvent]:
    rows = tx.all(_NEWEST_OF, target_id=target_id, before=before, limit=limit, event=event)
    return [AuditEvent._make(row) for row in rows]


def newest_events(tx: Transaction, *, limit: int, before: str = NEWEST, event: str = "") -> list[AuditEvent]:
    return [AuditEvent._make(row) for row in tx.all(_NEWEST, before=before, limit=limit, event=event)]


def search_events(tx: Transaction, search: Search, *, limit: int, before: str = NEWEST) -> list[AuditEvent]:
    """Newest first."""
    asked: dict[str, Value] = {name: value for name, value in search._asdict().items() if value not in (None, "")}
    rows = tx.all(_search(frozenset(asked)), **asked, limit=limit, before=before)
    return [AuditEvent._make(row) for row in rows]
