"""Rows whose time is over."""

from sqlalchemy import bindparam, delete

from ostiary.storage.database import Query, Transaction
from ostiary.storage.tables import attempt_counters, challenges, sessions, sign_in_attempts

_EXPIRED = (
    Query(delete(challenges).where(challenges.c.expires_at <= bindparam("now"))),
    Query(delete(sign_in_attempts).where(sign_in_attempts.c.expires_at <= bindparam("now"))),
    Query(delete(sessions).where(sessions.c.expires_at <= bindparam("now"))),
    Query(delete(attempt_counters).where(attempt_counters.c.resets_at <= bindparam("now"))),
)


def delete_expired(tx: Transaction, now: int) -> int:
    return sum(tx.run(query, now=now) for query in _EXPIRED)
