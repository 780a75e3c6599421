"""Rows of people, their groups and their roles."""

import unicodedata
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, select

from ostiary.storage.announcements import announce_person
from ostiary.storage.database import Query, Transaction, Value
from ostiary.storage.statements import delete_by, insert_into, update_by
from ostiary.storage.tables import group_members, groups, people, role_assignments


class Person(NamedTuple):
    id: str
    organization_id: str
    username: str
    display_name: str
    user_handle: bytes
    is_enabled: bool
    must_change_password: bool
    preferred_second_factor: str | None
    created_at: int
    language: str | None = None


class Group(NamedTuple):
    id: str
    organization_id: str
    name: str
    description: str
    created_at: int


_PERSON = select(*(people.c[name] for name in Person._fields))
_INSERT = Query(insert_into(people))
_BY_ID = Query(_PERSON.where(people.c.id == bindparam("id")))
_BY_USERNAME = Query(_PERSON.where(people.c.username == bindparam("username")))


@lru_cache(maxsize=64)
def _page(*, asks_enabled: bool, asks_passkey: bool, asks_role: bool) -> Query:
    """Found in an index that holds all that is asked about, and only then fetched."""
    found = (
        select(people.c.id)
        .where(
            people.c.username > bindparam("after"),
            people.c.search_key.like(bindparam("pattern"), escape="~"),
        )
        .order_by(people.c.username)
        .limit(bindparam("limit"))
    )
    if asks_enabled:
        found = found.where(people.c.is_enabled == bindparam("is_enabled"))
    if asks_passkey:
        found = found.where(people.c.has_passkey == bindparam("has_passkey"))
    if asks_role:
        held = select(role_assignments.c.person_id).where(role_assignments.c.role == bindparam("role"))
        found = found.where(people.c.id.in_(held))
    return Query(_PERSON.where(people.c.id.in_(found)).order_by(people.c.username))


_COUNT = Query(select(func.count()).select_from(people))
_SET_ENABLED = Query(update_by(people.c.id, "is_enabled"))
_SET_MUST_CHANGE_PASSWORD = Query(update_by(people.c.id, "must_change_password"))
_SET_SECOND_FACTOR = Query(update_by(people.c.id, "preferred_second_factor"))
_SET_LANGUAGE = Query(update_by(people.c.id, "language"))
_SET_DISPLAY_NAME = Query(update_by(people.c.id, "display_name", "search_key"))
_DELETE = Query(delete_by(people.c.id))

_GROUP = select(*(groups.c[name] for name in Group._fields))
_INSERT_GROUP = Query(insert_into(groups))
_GROUP_BY_NAME = Query(_GROUP.where(func.lower(groups.c.name) == func.lower(bindparam("name"))))
_GROUP_BY_ID = Query(_GROUP.where(groups.c.id == bindparam("id")))
_GROUPS = Query(_GROUP.order_by(groups.c.name))
_GROUP_SIZES = Query(select(group_members.c.group_id, func.count()).group_by(group_members.c.group_id))
_GROUPS_OF = Query(
    _GROUP.join(group_members, group_members.c.group_id == groups.c.id)
    .where(group_members.c.person_id == bindparam("person_id"))
    .order_by(groups.c.name)
)
_GROUP_IDS_OF = Query(select(group_members.c.group_id).where(group_members.c.person_id == bindparam("person_id")))
_DELETE_GROUP = Query(delete_by(groups.c.id))
_INSERT_MEMBER = Query(insert_into(group_members))
_DELETE_MEMBER = Query(
    delete(group_members).where(
        group_members.c.group_id == bindparam("group_id"), group_members.c.person_id == bindparam("person_id")
    )
)
_MEMBERS = Query(
    _PERSON.join(group_members, group_members.c.person_id == people.c.id)
    .where(group_members.c.group_id == bindparam("group_id"))
    .order_by(people.c.username)
)
_PAGE_OF_MEMBERS = Query(
    _PERSON.join(group_members, group_members.c.person_id == people.c.id)
    .where(group_members.c.group_id == bindparam("group_id"), people.c.username > bindparam("after"))
    .order_by(people.c.username)
    .limit(bindparam("limit"))
)

_ROLES_OF = Query(
    select(role_assignments.c.role)
    .where(role_assignments.c.person_id == bindparam("person_id"))
    .order_by(role_assignments.c.role)
)
_ROLE_ASSIGNMENTS = Query(
    select(people.c.username, role_assignments.c.role, role_assignments.c.assigned_at)
    .join(people, people.c.id == role_assignments.c.person_id)
    .order_by(people.c.username, role_assignments.c.role)
)
_INSERT_ROLE = Query(insert_into(role_assignments))
_DELETE_ROLE = Query(
    delete(role_assignments).where(
        role_assignments.c.person_id == bindparam("person_id"), role_assignments.c.role == bindparam("role")
    )
)


def insert_person(tx: Transaction, person: Person) -> None:
    key = _folded(f"{person.username}\n{person.display_name}")
    tx.run(_INSERT, **person._asdict(), search_key=key, has_passkey=False)


def person_by_id(tx: Transaction, person_id: str) -> Person | None:
    row = tx.one(_BY_ID, id=person_id)
    return None if row is None else Person._make(row)


def person_by_username(tx: Transaction, username: str) -> Person | None:
    row = tx.one(_BY_USERNAME, username=username)
    return None if row is None else Person._make(row)


def page_of_people(
    tx: Transaction,
    *,
    after: str,
    limit: int,
    part: str = "",
    is_enabled: bool | None = None,
    has_passkey: bool | None = None,
    role: str | None = None,
) -> list[Person]:
    """People in the order of their usernames, from behind `after`, whose username or name contains `part`."""
    escaped = _folded(part).replace("~", "~~").replace("%", "~%").replace("_", "~_")
    values: dict[str, Value] = {"after": after, "pattern": f"%{escaped}%", "limit": limit}
    asked = {"is_enabled": is_enabled, "has_passkey": has_passkey, "role": role}
    values |= {name: value for name, value in asked.items() if value is not None}
    query = _page(asks_enabled=is_enabled is not None, asks_passkey=has_passkey is not None, asks_role=role is not None)
    return [Person._make(row) for row in tx.all(query, **values)]


def has_username_at(tx: Transaction, domain: str) -> bool:
    """Whether anybody's username ends in this domain."""
    return bool(page_of_people(tx, after="", part=f"@{domain}\n", limit=1))


def _folded(text: str) -> str:
    """As compared in a search: without regard to case and to how a letter is written."""
    return unicodedata.normalize("NFKC", text).casefold()


def count_people(tx: Transaction) -> int:
    row = tx.one(_COUNT)
    return 0 if row is None else int(row[0])


def set_enabled(tx: Transaction, person_id: str, *, is_enabled: bool) -> None:
    tx.run(_SET_ENABLED, key=person_id, is_enabled=is_enabled)
    announce_person(tx, person_id)


def set_must_change_password(tx: Transaction, person_id: str, *, must_change_password: bool) -> None:
    tx.run(_SET_MUST_CHANGE_PASSWORD, key=person_id, must_change_password=must_change_password)


def set_preferred_second_factor(tx: Transaction, person_id: str, kind: str | None) -> None:
    tx.run(_SET_SECOND_FACTOR, key=person_id, preferred_second_factor=kind)


def set_language(tx: Transaction, person_id: str, language: str) -> None:
    tx.run(_SET_LANGUAGE, key=person_id, language=language)


def set_display_name(tx: Transaction, person: Person, display_name: str) -> None:
    key = _folded(f"{person.username}\n{display_name}")
    tx.run(_SET_DISPLAY_NAME, key=person.id, display_name=display_name, search_key=key)


def delete_person(tx: Transaction, person_id: str) -> None:
    tx.run(_DELETE, key=person_id)
    announce_person(tx, person_id)


def insert_group(tx: Transaction, group: Group) -> None:
    tx.run(_INSERT_GROUP, **group._asdict())


def group_by_name(tx: Transaction, name: str) -> Group | None:
    row = tx.one(_GROUP_BY_NAME, name=name)
    return None if row is None else Group._make(row)


def group_by_id(tx: Transaction, group_id: str) -> Group | None:
    row = tx.one(_GROUP_BY_ID, id=group_id)
    return None if row is None else Group._make(row)


def group_sizes(tx: Transaction) -> dict[str, int]:
    """How many members each group has that has any."""
    return {row[0]: int(row[1]) for row in tx.all(_GROUP_SIZES)}


def all_groups(tx: Transaction) -> list[Group]:
    return [Group._make(row) for row in tx.all(_GROUPS)]


def groups_of(tx: Transaction, person_id: str) -> list[Group]:
    return [Group._make(row) for row in tx.all(_GROUPS_OF, person_id=person_id)]


def group_ids_of(tx: Transaction, person_id: str) -> frozenset[str]:
    return frozenset(row[0] for row in tx.all(_GROUP_IDS_OF, person_id=person_id))


def delete_group(tx: Transaction, group_id: str) -> None:
    tx.run(_DELETE_GROUP, key=group_id)


def insert_member(tx: Transaction, *, group_id: str, person_id: str) -> None:
    tx.run(_INSERT_MEMBER, group_id=group_id, person_id=person_id)


def delete_member(tx: Transaction, *, group_id: str, person_id: str) -> bool:
    return tx.run(_DELETE_MEMBER, group_id=group_id, person_id=person_id) > 0


def members_of(tx: Transaction, group_id: str) -> list[Person]:
    return [Person._make(row) for row in tx.all(_MEMBERS, group_id=group_id)]


def page_of_members(tx: Transaction, group_id: str, *, after: str, limit: int) -> list[Person]:
    rows = tx.all(_PAGE_OF_MEMBERS, group_id=group_id, after=after, limit=limit)
    return [Person._make(row) for row in rows]


def roles_of(tx: Transaction, person_id: str) -> list[str]:
    return [row[0] for row in tx.all(_ROLES_OF, person_id=person_id)]


def role_assignments_by_person(tx: Transaction) -> list[tuple[str, str, int]]:
    """(username, role, assigned at)"""
    return [(row[0], row[1], row[2]) for row in tx.all(_ROLE_ASSIGNMENTS)]


def insert_role(tx: Transaction, *, person_id: str, role: str, assigned_at: int) -> None:
    tx.run(_INSERT_ROLE, person_id=person_id, role=role, assigned_at=assigned_at)


def delete_role(tx: Transaction, *, person_id: str, role: str) -> bool:
    return tx.run(_DELETE_ROLE, person_id=person_id, role=role) > 0
