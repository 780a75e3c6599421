"""Rows of the links by which an owner says "this was not me"; the token in a link is kept only as a hash."""

from typing import NamedTuple

from sqlalchemy import bindparam, delete, select, update

from ostiary.storage.database import Query, Transaction
from ostiary.storage.statements import insert_into
from ostiary.storage.tables import disavowals


class Disavowal(NamedTuple):
    """`browser` is the hash that recognises the browser it was done from; `facts` what the notice told, as JSON."""

    token_hash: bytes
    person_id: str
    method_id: str | None
    event: str
    facts: str
    browser: bytes | None
    happened_at: int
    expires_at: int
    used_at: int | None


_INSERT = Query(insert_into(disavowals))
_BY_TOKEN = Query(
    select(*(disavowals.c[name] for name in Disavowal._fields)).where(
        disavowals.c.token_hash == bindparam("token_hash")
    )
)
_USE = Query(
    update(disavowals)
    .where(disavowals.c.token_hash == bindparam("key"), disavowals.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
)
_DELETE_OLD = Query(delete(disavowals).where(disavowals.c.expires_at <= bindparam("before")))


def insert_disavowal(tx: Transaction, disavowal: Disavowal) -> None:
    tx.run(_INSERT, **disavowal._asdict())


def disavowal_by_token(tx: Transaction, token_hash: bytes) -> Disavowal | None:
    row = tx.one(_BY_TOKEN, token_hash=token_hash)
    return None if row is None else Disavowal._make(row)


def use_disavowal(tx: Transaction, token_hash: bytes, *, now: int) -> bool:
    """False when it was used already."""
    return tx.run(_USE, key=token_hash, now=now) == 1


def delete_old_disavowals(tx: Transaction, before: int) -> int:
    return tx.run(_DELETE_OLD, before=before)
