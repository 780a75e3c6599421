"""Everybody with what policy asks of them, page by page: for questions about a whole organisation."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, select

from ostiary.storage.database import Query, Transaction
from ostiary.storage.tables import credential_records, group_members, people, sign_in_methods

_PAGE = 5_000


class HeldPasskey(NamedTuple):
    aaguid: str
    backup_eligible: bool
    attestation_kind: str


class Holder(NamedTuple):
    """A person who may sign in. `kinds` are of all their methods."""

    person_id: str
    username: str
    display_name: str
    groups: frozenset[str]
    passkeys: tuple[HeldPasskey, ...]
    kinds: frozenset[str]


def _in_range(column: "ColumnElement[str]") -> "ColumnElement[bool]":
    return (column > bindparam("after")) & (column <= bindparam("last"))


_PEOPLE = Query(
    select(people.c.id, people.c.username, people.c.display_name, people.c.is_enabled)
    .where(people.c.id > bindparam("after"))
    .order_by(people.c.id)
    .limit(bindparam("limit"))
)
_GROUPS = Query(select(group_members.c.person_id, group_members.c.group_id).where(_in_range(group_members.c.person_id)))
_KINDS = Query(
    select(sign_in_methods.c.person_id, sign_in_methods.c.kind).where(_in_range(sign_in_methods.c.person_id))
)
_PASSKEYS = Query(
    select(
        credential_records.c.person_id,
        credential_records.c.aaguid,
        credential_records.c.backup_eligible,
        credential_records.c.attestation_kind,
    )
    .where(_in_range(credential_records.c.person_id))
    .order_by(credential_records.c.person_id, credential_records.c.method_id)
)


def all_holders(tx: Transaction) -> Iterator[Holder]:
    """Everybody whose account is enabled. Reads a bounded part of the database at a time."""
    after = ""
    while True:
        page = tx.all(_PEOPLE, after=after, limit=_PAGE)
        if not page:
            return
        last = page[-1][0]
        groups: dict[str, list[str]] = {}
        for person_id, group_id in tx.all(_GROUPS, after=after, last=last):
            groups.setdefault(person_id, []).append(group_id)
        kinds: dict[str, list[str]] = {}
        for person_id, kind in tx.all(_KINDS, after=after, last=last):
            kinds.setdefault(person_id, []).append(kind)
        passkeys: dict[str, list[HeldPasskey]] = {}
        for person_id, *held in tx.all(_PASSKEYS, after=after, last=last):
            passkeys.setdefault(person_id, []).append(HeldPasskey._make(held))
        for person_id, username, display_name, is_enabled in page:
            if is_enabled:
                yield Holder(
                    person_id,
                    username,
                    display_name,
                    frozenset(groups.get(person_id, ())),
                    tuple(passkeys.get(person_id, ())),
                    frozenset(kinds.get(person_id, ())),
                )
        after = last
