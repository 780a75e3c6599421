"""Rows of challenges: random, bound to one cookie and ceremony, taken once."""

from typing import NamedTuple

from sqlalchemy import bindparam, delete

from ostiary.storage.database import Query, Transaction
from ostiary.storage.statements import insert_into
from ostiary.storage.tables import challenges


class Challenge(NamedTuple):
    challenge: bytes
    ceremony: str
    binding: bytes
    person_id: str | None
    expires_at: int


_INSERT = Query(insert_into(challenges))
_TAKE = Query(
    delete(challenges)
    .where(challenges.c.challenge == bindparam("challenge"))
    .returning(*(challenges.c[name] for name in Challenge._fields))
)


def insert_challenge(tx: Transaction, challenge: Challenge) -> None:
    tx.run(_INSERT, **challenge._asdict())


def take_challenge(tx: Transaction, challenge: bytes) -> Challenge | None:
    """Takes it out of the table: whoever gets it is the only one who ever does."""
    row = tx.one(_TAKE, challenge=challenge)
    return None if row is None else Challenge._make(row)
