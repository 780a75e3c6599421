"""What administrators read: people, groups, roles and what happened, as far as their roles let them."""

import re
from typing import NamedTuple

from ostiary.identity import audit, passes
from ostiary.identity.assurance import MethodKind
from ostiary.identity.caller import Caller
from ostiary.identity.passes import Held
from ostiary.identity.permissions import Permission, permitted, require_permission
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.roles import Role
from ostiary.identity.security_info import Entry
from ostiary.storage import approvals, methods, people, sessions
from ostiary.storage import audit as audit_rows
from ostiary.storage.audit import AuditEvent, Search
from ostiary.storage.database import Transaction
from ostiary.storage.people import Group, Person
from ostiary.storage.sessions import Session

PAGE = 50
BATCH = 1000
"""Rows of an export read at once: small enough that nobody waits behind it."""
_EVENTS_SHOWN = 15
_REFERENCE = re.compile(r"P?-?([0-9A-Z]{4})-?([0-9A-Z]{2})")


class Wanted(NamedTuple):
    """Which people: whose username or name contains `part`, and only such as the filters say."""

    part: str = ""
    is_enabled: bool | None = None
    has_passkey: bool | None = None
    role: Role | None = None


class Listed(NamedTuple):
    """A person in a list. `last_used_at` is when any of their methods last signed in."""

    person: Person
    kinds: tuple[MethodKind, ...]
    last_used_at: int | None
    roles: tuple[Role, ...] = ()


class PeoplePage(NamedTuple):
    """`after` starts the next page; None: this is the last."""

    people: tuple[Listed, ...]
    after: str | None


class Story(NamedTuple):
    """Everything about one person. `may` is what the actor may do to them."""

    person: Person
    entries: tuple[Entry, ...]
    held_pass: Held | None
    sessions: tuple[Session, ...]
    groups: tuple[Group, ...]
    roles: tuple[Role, ...]
    activity: tuple[AuditEvent, ...]
    may: frozenset[Permission]


class EventPage(NamedTuple):
    events: tuple[AuditEvent, ...]
    before: str | None


def permissions(tx: Transaction, actor: Person) -> frozenset[Permission]:
    return permitted(tx, actor)


def require(tx: Transaction, actor: Person, permission: Permission) -> None:
    """Raises `Refusal(NOT_PERMITTED)`: for a form whose answer would be refused."""
    require_permission(tx, actor, permission)


# --- people


def list_people(
    tx: Transaction, wanted: Wanted, *, after: str = "", limit: int = PAGE, actor: Person | None
) -> PeoplePage:
    require_permission(tx, actor, Permission.PEOPLE_READ)
    if wanted.role is not None:
        require_permission(tx, actor, Permission.ROLES_READ)
    tells_roles = actor is None or Permission.ROLES_READ in permitted(tx, actor)
    found = people.page_of_people(
        tx,
        after=after,
        limit=limit + 1,
        part=wanted.part,
        is_enabled=wanted.is_enabled,
        has_passkey=wanted.has_passkey,
        role=wanted.role,
    )
    shown = tuple(_listed(tx, person, tells_roles=tells_roles) for person in found[:limit])
    return PeoplePage(shown, found[limit - 1].username if len(found) > limit else None)


def _listed(tx: Transaction, person: Person, *, tells_roles: bool) -> Listed:
    owned = methods.methods_of(tx, person.id)
    kinds = tuple(MethodKind(method.kind) for method in owned)
    used = [method.last_used_at for method in owned if method.last_used_at is not None]
    roles = tuple(Role(role) for role in people.roles_of(tx, person.id)) if tells_roles else ()
    return Listed(person, kinds, max(used, default=None), roles)


def person_by_id(tx: Transaction, person_id: str, *, actor: Person | None) -> Person:
    """Raises `Refusal(NOT_PERMITTED)` or `Refusal(PERSON_UNKNOWN)`."""
    require_permission(tx, actor, Permission.PEOPLE_READ)
    person = people.person_by_id(tx, person_id)
    if person is None:
        raise Refusal(Reason.PERSON_UNKNOWN)
    return person


def person_to_change(tx: Transaction, person_id: str, permission: Permission, *, actor: Person) -> Person:
    """Somebody to whom the actor may do this, asked before a form is shown. Raises `Refusal`."""
    person = person_by_id(tx, person_id, actor=actor)
    require_permission(tx, actor, permission, target=person)
    return person


def story(tx: Transaction, person_id: str, *, actor: Person, now: int) -> Story:
    person = person_by_id(tx, person_id, actor=actor)
    may = permitted(tx, actor, target=person)
    credentials = {record.method_id: record for record in methods.credentials_of(tx, person.id)}
    devices = {device.method_id: device for device in approvals.devices_of(tx, person.id)}
    owned = methods.methods_of(tx, person.id)
    search = Search(person_id=person.id)
    activity = audit_rows.search_events(tx, search, limit=_EVENTS_SHOWN) if Permission.AUDIT_READ in may else []
    return Story(
        person=person,
        entries=tuple(Entry(method, credentials.get(method.id), device=devices.get(method.id)) for method in owned),
        held_pass=passes.find(tx, person, now=now),
        sessions=tuple(one for one in sessions.sessions_of(tx, person.id) if one.expires_at > now),
        groups=tuple(people.groups_of(tx, person.id)) if Permission.GROUPS_READ in may else (),
        roles=tuple(Role(role) for role in people.roles_of(tx, person.id)) if Permission.ROLES_READ in may else (),
        activity=tuple(activity),
        may=may,
    )


def method_to_remove(tx: Transaction, person_id: str, method_id: str, *, actor: Person) -> tuple[Person, Entry]:
    """Raises `Refusal`."""
    person = person_to_change(tx, person_id, Permission.METHODS_REMOVE, actor=actor)
    method = methods.method_of(tx, person_id=person.id, method_id=method_id)
    if method is None:
        raise Refusal(Reason.METHOD_UNKNOWN, person_id=person.id)
    credentials = methods.credentials_of(tx, person.id)
    devices = approvals.devices_of(tx, person.id)
    return person, Entry(
        method,
        next((record for record in credentials if record.method_id == method_id), None),
        device=next((device for device in devices if device.method_id == method_id), None),
    )


# --- groups and roles


class GroupPage(NamedTuple):
    group: Group
    size: int
    members: tuple[Person, ...]
    after: str | None


def list_groups(tx: Transaction, *, actor: Person | None) -> list[tuple[Group, int]]:
    """Each with how many members it has."""
    require_permission(tx, actor, Permission.GROUPS_READ)
    sizes = people.group_sizes(tx)
    return [(group, sizes.get(group.id, 0)) for group in people.all_groups(tx)]


def group_by_id(tx: Transaction, group_id: str, *, actor: Person | None) -> Group:
    """Raises `Refusal(NOT_PERMITTED)` or `Refusal(GROUP_UNKNOWN)`."""
    require_permission(tx, actor, Permission.GROUPS_READ)
    group = people.group_by_id(tx, group_id)
    if group is None:
        raise Refusal(Reason.GROUP_UNKNOWN)
    return group


def show_group(tx: Transaction, group_id: str, *, after: str = "", actor: Person | None) -> GroupPage:
    group = group_by_id(tx, group_id, actor=actor)
    found = people.page_of_members(tx, group_id, after=after, limit=PAGE + 1)
    more = found[PAGE - 1].username if len(found) > PAGE else None
    return GroupPage(group, people.group_sizes(tx).get(group_id, 0), tuple(found[:PAGE]), more)


class Assignment(NamedTuple):
    person: Person
    assigned_at: int


def list_roles(tx: Transaction, *, actor: Person | None) -> dict[Role, list[Assignment]]:
    """Who has what; a role nobody has is there too."""
    require_permission(tx, actor, Permission.ROLES_READ)
    found: dict[Role, list[Assignment]] = {role: [] for role in Role}
    for username, role, assigned_at in people.role_assignments_by_person(tx):
        person = people.person_by_username(tx, username)
        if person is not None:
            found[Role(role)].append(Assignment(person, assigned_at))
    return found


# --- what happened


def search_audit(
    tx: Transaction,
    search: Search,
    *,
    before: str = audit_rows.NEWEST,
    limit: int = PAGE,
    actor: Person | None,
) -> EventPage:
    require_permission(tx, actor, Permission.AUDIT_READ)
    found = audit_rows.search_events(tx, search, limit=limit + 1, before=before)
    return EventPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)


def begin_export(
    tx: Transaction, permission: Permission, what: str, *, actor: Person | None, caller: Caller, now: int
) -> None:
    """Before anything leaves: whether it may, and who took it."""
    require_permission(tx, actor, permission)
    audit.record(tx, audit.Event.EXPORT, caller=caller, now=now, actor=actor, detail=what)


def decode_reference(tx: Transaction, code: str, *, actor: Person | None) -> tuple[str, AuditEvent | None]:
    """The event a person was given the reference of, however they read it out; and the reference as it is written."""
    require_permission(tx, actor, Permission.REFERENCES_DECODE)
    match = _REFERENCE.fullmatch(re.sub(r"[\s–—]+", "", code).upper())
    if match is None:
        return code.strip(), None
    reference = f"P-{match[1]}-{match[2]}"
    return reference, audit_rows.event_by_reference(tx, reference)


def events_before(tx: Transaction, event: AuditEvent, *, actor: Person | None) -> list[AuditEvent]:
    """What happened to the same person just before it: what a helpdesk asks for next."""
    require_permission(tx, actor, Permission.REFERENCES_DECODE)
    if event.target_id is None:
        return []
    return audit_rows.search_events(tx, Search(person_id=event.target_id), limit=5, before=event.id)
