"""Rows of mail to be sent: written in the transaction of what they tell, sent later, gone once a server took them.

A row holds facts, not words: they are put into the reader's language when the mail is sent, so that what writes them
needs no language, no address of this server and no time.
"""

from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, select, update

from ostiary.storage.database import Query, Transaction
from ostiary.storage.statements import delete_by, insert_into, update_by
from ostiary.storage.tables import outbox

NEVER = 2**62
"""When a mail is tried again that was given up."""


class Mail(NamedTuple):
    """`language` is the reader's, None where it is not known; `facts` is JSON, as `letter` needs it."""

    id: str
    recipient: str
    language: str | None
    letter: str
    facts: str
    created_at: int
    attempts: int
    next_attempt_at: int
    last_error: str | None


class Counts(NamedTuple):
    waiting: int
    given_up: int
    tried: int
    """How many of those waiting were tried at least once."""


_MAIL = select(*(outbox.c[name] for name in Mail._fields))
_INSERT = Query(insert_into(outbox))
_IS_DUE = Query(select(outbox.c.id).where(outbox.c.next_attempt_at <= bindparam("now")).limit(1))
_CLAIM = Query(
    update(outbox)
    .where(
        outbox.c.id.in_(
            select(outbox.c.id)
            .where(outbox.c.next_attempt_at <= bindparam("now"))
            .order_by(outbox.c.next_attempt_at, outbox.c.id)
            .limit(bindparam("limit"))
            .with_for_update(skip_locked=True)  # SQLite has one writer at a time, and leaves this out
        )
    )
    .values(next_attempt_at=bindparam("until"), attempts=outbox.c.attempts + 1)
    .returning(*(outbox.c[name] for name in Mail._fields))
)
_SET_FAILED = Query(update_by(outbox.c.id, "next_attempt_at", "last_error"))
_SET_UNCLAIMED = Query(update_by(outbox.c.id, "next_attempt_at", "attempts"))
_DELETE = Query(delete_by(outbox.c.id))
_PAGE = Query(_MAIL.where(outbox.c.id > bindparam("after")).order_by(outbox.c.id).limit(bindparam("limit")))
_COUNTS = Query(
    select(
        func.count(),
        func.count().filter(outbox.c.next_attempt_at >= NEVER),
        func.count().filter(outbox.c.next_attempt_at < NEVER, outbox.c.attempts > 0),
    ).select_from(outbox)
)
_RETRY_ALL = Query(update(outbox).values(next_attempt_at=bindparam("now"), attempts=0))
_RETRY_ONE = Query(
    update(outbox).where(outbox.c.id == bindparam("id")).values(next_attempt_at=bindparam("now"), attempts=0)
)
_DELETE_OLD = Query(delete(outbox).where(outbox.c.created_at <= bindparam("before")))


def insert_mail(tx: Transaction, mail: Mail) -> None:
    tx.run(_INSERT, **mail._asdict())


def is_mail_due(tx: Transaction, now: int) -> bool:
    return tx.one(_IS_DUE, now=now) is not None


def claim_due(tx: Transaction, *, now: int, until: int, limit: int) -> list[Mail]:
    """Takes mail that is due, oldest first, for one process: nobody else sees it as due before `until`."""
    claimed = [Mail._make(row) for row in tx.all(_CLAIM, now=now, until=until, limit=limit)]
    return sorted(claimed, key=lambda mail: mail.id)


def set_failed(tx: Transaction, mail_id: str, *, next_attempt_at: int, last_error: str) -> None:
    tx.run(_SET_FAILED, key=mail_id, next_attempt_at=next_attempt_at, last_error=last_error)


def set_unclaimed(tx: Transaction, mail_id: str, *, attempts: int, now: int) -> None:
    tx.run(_SET_UNCLAIMED, key=mail_id, next_attempt_at=now, attempts=attempts)


def delete_mail(tx: Transaction, mail_id: str) -> None:
    tx.run(_DELETE, key=mail_id)


def page_of_mail(tx: Transaction, *, limit: int, after: str = "") -> list[Mail]:
    """Oldest first, from behind `after`."""
    return [Mail._make(row) for row in tx.all(_PAGE, after=after, limit=limit)]


def count_mail(tx: Transaction) -> Counts:
    row = tx.one(_COUNTS)
    total, given_up, tried = row if row is not None else (0, 0, 0)
    return Counts(int(total) - int(given_up), int(given_up), int(tried))


def retry_mail(tx: Transaction, mail_id: str | None, *, now: int) -> int:
    """Makes one mail, or all, due now, with every attempt ahead of it. Answers how many there were."""
    return tx.run(_RETRY_ALL, now=now) if mail_id is None else tx.run(_RETRY_ONE, now=now, id=mail_id)


def delete_old_mail(tx: Transaction, before: int) -> int:
    return tx.run(_DELETE_OLD, before=before)
