"""Rows whose time is over."""

from sqlalchemy import bindparam, delete

from ostiary.clock import DAY
from ostiary.storage import approvals, attestation, disavowals, oauth, outbox
from ostiary.storage.database import Query, Transaction
from ostiary.storage.tables import attempt_counters, challenges, sessions, sign_in_attempts

MAIL_KEPT = 30 * DAY
"""How long mail waits that nobody could send: by then the link in it is no longer valid."""
LINKS_REMEMBERED = 30 * DAY
"""How long an expired link is still told apart from one that never was."""
APPROVALS_REMEMBERED = 2 * DAY
"""How long a request is kept: one that was reported stops others from the same place for a day."""
CODES_REMEMBERED = 30 * DAY
"""How long an enrolment code that is over is still told apart from a wrong one."""

_EXPIRED = (
    Query(delete(challenges).where(challenges.c.expires_at <= bindparam("now"))),
    Query(delete(sign_in_attempts).where(sign_in_attempts.c.expires_at <= bindparam("now"))),
    Query(delete(sessions).where(sessions.c.expires_at <= bindparam("now"))),
    Query(delete(attempt_counters).where(attempt_counters.c.resets_at <= bindparam("now"))),
)


def delete_expired(tx: Transaction, now: int) -> int:
    expired = sum(tx.run(query, now=now) for query in _EXPIRED)
    expired += oauth.delete_expired(tx, now)
    expired += approvals.delete_old_requests(tx, now - APPROVALS_REMEMBERED)
    expired += outbox.delete_old_mail(tx, now - MAIL_KEPT)
    expired += attestation.delete_old_codes(tx, now - CODES_REMEMBERED)
    return expired + disavowals.delete_old_disavowals(tx, now - LINKS_REMEMBERED)
