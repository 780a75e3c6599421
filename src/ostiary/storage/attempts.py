"""Rows that count attempts, by a key that says of what and by whom."""

from sqlalchemy import bindparam, case, update
from sqlalchemy.dialects import postgresql, sqlite

from ostiary.storage.database import Query, Transaction
from ostiary.storage.statements import delete_by
from ostiary.storage.tables import attempt_counters

_COUNTER = attempt_counters.c
_IS_OVER = _COUNTER.resets_at <= bindparam("now")
_FIRST = {"key": bindparam("key"), "count": 1, "resets_at": bindparam("resets_at")}
_AGAIN = {
    "count": case((_IS_OVER, 1), else_=_COUNTER.count + 1),
    "resets_at": case((_IS_OVER, bindparam("resets_at")), else_=_COUNTER.resets_at),
}
_COUNT = {  # "insert or update" is the one statement the two databases spell apart
    "sqlite": Query(
        sqlite.insert(attempt_counters)
        .values(_FIRST)
        .on_conflict_do_update(index_elements=[_COUNTER.key], set_=_AGAIN)
        .returning(_COUNTER.count, _COUNTER.resets_at)
    ),
    "postgresql": Query(
        postgresql.insert(attempt_counters)
        .values(_FIRST)
        .on_conflict_do_update(index_elements=[_COUNTER.key], set_=_AGAIN)
        .returning(_COUNTER.count, _COUNTER.resets_at)
    ),
}
_FORGIVE = Query(
    update(attempt_counters)
    .where(_COUNTER.key == bindparam("key"), _COUNTER.count > 0)
    .values(count=_COUNTER.count - 1)
)
_CLEAR = Query(delete_by(_COUNTER.key))


def count_attempt(tx: Transaction, key: bytes, *, now: int, window: int) -> tuple[int, int]:
    """Counts one more and answers (how many in this window, when the window ends)."""
    row = tx.one(_COUNT[tx.dialect], key=key, now=now, resets_at=now + window)
    assert row is not None  # RETURNING always returns the row it wrote
    return int(row[0]), int(row[1])


def forgive_attempt(tx: Transaction, key: bytes) -> None:
    """Takes one back: it turned out to be the person."""
    tx.run(_FORGIVE, key=key)


def clear_attempts(tx: Transaction, key: bytes) -> None:
    tx.run(_CLEAR, key=key)
