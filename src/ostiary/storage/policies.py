"""Rows of the policy's versions: added, never changed."""

from typing import NamedTuple

from sqlalchemy import bindparam, select

from ostiary.storage.database import Query, Transaction
from ostiary.storage.statements import insert_into
from ostiary.storage.tables import policy_versions


class PolicyVersion(NamedTuple):
    version: int
    at: int
    actor_id: str | None
    actor: str
    note: str
    document: str


_VERSION = select(*(policy_versions.c[name] for name in PolicyVersion._fields))
_INSERT = Query(insert_into(policy_versions))
_NEWEST = Query(
    select(policy_versions.c.version, policy_versions.c.at).order_by(policy_versions.c.version.desc()).limit(1)
)
_BY_NUMBER = Query(_VERSION.where(policy_versions.c.version == bindparam("version")))
_ALL = Query(_VERSION.order_by(policy_versions.c.version.desc()).limit(bindparam("limit")))


def insert_version(tx: Transaction, version: PolicyVersion) -> None:
    tx.run(_INSERT, **version._asdict())


def newest_number(tx: Transaction) -> int:
    """0 before anybody has changed the policy."""
    return newest_stamp(tx)[0]


def newest_stamp(tx: Transaction) -> tuple[int, int]:
    """The newest version's number, and when it was made."""
    row = tx.one(_NEWEST)
    return (0, 0) if row is None else (row[0], row[1])


def version_by_number(tx: Transaction, version: int) -> PolicyVersion | None:
    row = tx.one(_BY_NUMBER, version=version)
    return None if row is None else PolicyVersion._make(row)


def newest_versions(tx: Transaction, *, limit: int = 100) -> list[PolicyVersion]:
    return [PolicyVersion._make(row) for row in tx.all(_ALL, limit=limit)]
