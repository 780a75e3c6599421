"""What happened, to whom, by whom: every security event as one row, written in the transaction of what it tells."""

from enum import StrEnum

from ostiary.identifiers import new_id, new_reference
from ostiary.identity.caller import Caller
from ostiary.storage import audit
from ostiary.storage.audit import AuditEvent
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person


class Event(StrEnum):
    """`subject:object:action`"""

    SESSION_OPEN = "person:session:open"
    SESSION_STEP_UP = "person:session:step-up"
    SESSION_END = "person:session:end"
    SESSIONS_END = "person:sessions:end"
    SIGN_IN = "person:sign-in:prove"
    PASSKEY_ADD = "person:passkey:add"
    PASSKEY_RENAME = "person:passkey:rename"
    PASSKEY_REMOVE = "person:passkey:remove"
    PASSKEY_SUSPECT = "person:passkey:suspect"
    CODE_ADD = "person:code:add"
    CODE_RENAME = "person:code:rename"
    CODE_REMOVE = "person:code:remove"
    PASSWORD_CHANGE = "person:password:change"
    SECOND_FACTOR_CHOOSE = "person:second-factor:choose"
    CEREMONY_REPORT = "person:ceremony:report"
    ORGANIZATION_CREATE = "admin:organization:create"
    DOMAIN_ADD = "admin:domain:add"
    DOMAIN_REMOVE = "admin:domain:remove"
    BRANDING_SET = "admin:branding:set"
    PERSON_CREATE = "admin:person:create"
    PERSON_ENABLE = "admin:person:enable"
    PERSON_DISABLE = "admin:person:disable"
    PERSON_DELETE = "admin:person:delete"
    PERSON_PASSWORD_SET = "admin:password:set"
    PERSON_METHOD_REMOVE = "admin:method:remove"
    PERSON_SESSIONS_END = "admin:sessions:end"
    GROUP_CREATE = "admin:group:create"
    GROUP_DELETE = "admin:group:delete"
    GROUP_MEMBER_ADD = "admin:group-member:add"
    GROUP_MEMBER_REMOVE = "admin:group-member:remove"
    ROLE_ASSIGN = "admin:role:assign"
    ROLE_REMOVE = "admin:role:remove"


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
    """A thing that was done. Without an actor it was an administrator on the command line."""
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
