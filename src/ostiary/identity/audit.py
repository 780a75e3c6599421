"""What happened, to whom, by whom: every security event as one row, written in the transaction of what it tells."""

from ostiary.identifiers import new_id, new_reference
from ostiary.identity import notices
from ostiary.identity.caller import Caller
from ostiary.identity.events import Event
from ostiary.storage import audit
from ostiary.storage.audit import AuditEvent
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person

__all__ = ["Event", "record", "record_refusal"]


def record(
    tx: Transaction,
    event: Event,
    *,
    caller: Caller,
    now: int,
    actor: Person | None = None,
    target: Person | None = None,
    method_id: str | None = None,
    method: str | None = None,
    aaguid: str | None = None,
    detail: str | None = None,
) -> None:
    """A thing that was done. Without an actor it was an administrator on the command line.

    Its owner is told by mail where `notices` says so: nothing can be recorded and not told.
    """
    audit.insert_event(
        tx,
        AuditEvent(
            id=new_id(),
            at=now,
            event=event.value,
            result="success",
            reason=None,
            reference=None,
            actor_id=actor.id if actor else None,
            actor=actor.username if actor else "command line",
            target_id=target.id if target else None,
            target=target.username if target else None,
            method_id=method_id,
            method=method,
            aaguid=aaguid,
            address=caller.address or None,
            client=caller.client,
            detail=detail,
        ),
    )
    if target is not None:
        notices.notify(
            tx,
            event,
            caller=caller,
            now=now,
            actor=actor,
            target=target,
            method_id=method_id,
            method=method,
            aaguid=aaguid,
        )


def record_refusal(
    tx: Transaction,
    event: Event,
    reason: str,
    *,
    caller: Caller,
    now: int,
    person: Person | None,
    method_id: str | None = None,
    method: str | None = None,
    aaguid: str | None = None,
    detail: str | None = None,
) -> str:
    """A thing that was refused. Answers the reference code by which a helpdesk finds it.

    `person` is whom it concerned when that is known; a typed username is not kept, for people type passwords there.
    """
    reference = new_reference()
    audit.insert_event(
        tx,
        AuditEvent(
            id=new_id(),
            at=now,
            event=event.value,
            result="refused",
            reason=reason,
            reference=reference,
            actor_id=person.id if person else None,
            actor=person.username if person else "unknown",
            target_id=person.id if person else None,
            target=person.username if person else None,
            method_id=method_id,
            method=method,
            aaguid=aaguid,
            address=caller.address or None,
            client=caller.client,
            detail=detail,
        ),
    )
    return reference
