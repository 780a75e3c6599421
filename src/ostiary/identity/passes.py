"""Issuing and removing Temporary Access Passes, by which somebody without any method gets to the first.

The code is answered once and stored only hashed. A person has one pass: a new one replaces the old, and ends what it
opened.
"""

from typing import NamedTuple

from ostiary.clock import DAY, MINUTE
from ostiary.identifiers import new_id
from ostiary.identity import audit
from ostiary.identity.assurance import MethodKind
from ostiary.identity.caller import Caller
from ostiary.identity.methods import TemporaryAccessPasses
from ostiary.identity.methods.temporary_access_pass import (
    Usability,
    may_be_guided,
    new_code,
    usability,
    usability_now,
)
from ostiary.identity.permissions import Permission, Scope, permissions_of, require_permission
from ostiary.identity.policy import keeping
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sessions import end_sessions_proven_by
from ostiary.storage import methods, people
from ostiary.storage.audit import newest_events_of
from ostiary.storage.database import Transaction
from ostiary.storage.methods import SignInMethod, TemporaryAccessPass
from ostiary.storage.people import Person

__all__ = ["Held", "Issued", "Usability", "find", "issue", "may_be_guided", "remove", "usability"]

LATEST_START = 36_500 * DAY
"""How far ahead a pass may begin to count: a date that every calendar can write."""


class Issued(NamedTuple):
    """`code` is what the person types: shown once, known to nobody afterwards."""

    held: TemporaryAccessPass
    code: str
    usability: Usability


class Held(NamedTuple):
    """The pass a person has, used up or not, and whether it signs in now."""

    held: TemporaryAccessPass
    usability: Usability


def find(tx: Transaction, person: Person, *, now: int) -> Held | None:
    held = methods.pass_of(tx, person.id)
    return None if held is None else Held(held, usability_now(tx, held, now=now))


def issue(
    tx: Transaction,
    passes: TemporaryAccessPasses,
    person: Person,
    *,
    lifetime_minutes: int | None = None,
    is_one_time: bool = False,
    starts_at: int | None = None,
    actor: Person | None,
    caller: Caller,
    now: int,
) -> Issued:
    """A new pass, from `starts_at` (now when that is over or not given) for so many minutes (the policy's default).

    It can be issued to whom the policy does not let use it, and then says so (`DisabledByPolicy`). Raises `Refusal`:
    not permitted, or a lifetime outside the policy's.
    """
    require_permission(tx, actor, Permission.PASSES_ISSUE, target=person)
    settings = keeping.current(tx).pass_settings
    minutes = settings.default_minutes if lifetime_minutes is None else lifetime_minutes
    if not settings.minimum_minutes <= minutes <= settings.maximum_minutes:
        raise Refusal(Reason.PASS_LIFETIME_INVALID, field="lifetime", person_id=person.id, detail=f"{minutes} minutes")
    if starts_at is not None and starts_at > now + LATEST_START:
        raise Refusal(Reason.PASS_LIFETIME_INVALID, field="starts", person_id=person.id, detail="starts too late")
    methods.hold_person(tx, person.id)
    _forget(tx, person)
    method_id, code = new_id(), new_code(settings.length)
    begins = now if starts_at is None else max(starts_at, now)
    held = TemporaryAccessPass(
        method_id=method_id,
        person_id=person.id,
        code_hash=passes.hash(method_id, code),
        starts_at=begins,
        expires_at=begins + minutes * MINUTE,
        is_one_time=is_one_time or settings.is_one_time_required,
        used_at=None,
    )
    methods.insert_method(tx, SignInMethod(method_id, person.id, MethodKind.PASS, None, None, now, None, None))
    methods.insert_pass(tx, held)
    audit.record(
        tx,
        audit.Event.PASS_ISSUE,
        caller=caller,
        now=now,
        actor=actor,
        target=person,
        method_id=method_id,
        detail=f"{minutes} minutes, {'one-time' if held.is_one_time else 'multi-use'}",
    )
    return Issued(held, code, usability_now(tx, held, now=now))


def remove(tx: Transaction, person: Person, *, actor: Person | None, caller: Caller, now: int) -> None:
    """Takes the pass away and ends the sessions it proved. Raises `Refusal`: not permitted, or there is none."""
    require_permission(tx, actor, Permission.PASSES_ISSUE, target=person)
    removed = _forget(tx, person)
    if removed is None:
        raise Refusal(Reason.METHOD_UNKNOWN, person_id=person.id)
    audit.record(
        tx,
        audit.Event.PASS_REMOVE,
        caller=caller,
        now=now,
        actor=actor,
        target=person,
        method_id=removed.method_id,
    )


def remove_if_issued_by_less(
    tx: Transaction, person: Person, *, actor: Person | None, caller: Caller, now: int
) -> bool:
    """Before a person becomes an administrator: takes away a pass that was issued by somebody who may not, or may no
    longer, issue one to an administrator. The audit log knows who it was; when it does not, the pass goes."""
    methods.hold_person(tx, person.id)  # nobody issues another one meanwhile
    held = methods.pass_of(tx, person.id)
    if held is None or _is_issued_by_enough(tx, held):
        return False
    _forget(tx, person)
    audit.record(
        tx, audit.Event.PASS_REMOVE, caller=caller, now=now, actor=actor, target=person, method_id=held.method_id
    )
    return True


def _is_issued_by_enough(tx: Transaction, held: TemporaryAccessPass) -> bool:
    issued = newest_events_of(tx, held.person_id, limit=50, event=audit.Event.PASS_ISSUE.value)
    event = next((one for one in issued if one.method_id == held.method_id and one.result == "success"), None)
    if event is None:
        return False
    if event.actor_id is None:  # on the machine itself
        return True
    return permissions_of(people.roles_of(tx, event.actor_id)).get(Permission.PASSES_ISSUE) is Scope.ANYONE


def _forget(tx: Transaction, person: Person) -> TemporaryAccessPass | None:
    held = methods.pass_of(tx, person.id)
    if held is not None:
        methods.delete_method(tx, held.method_id)
        end_sessions_proven_by(tx, person.id, held.method_id)
    return held
