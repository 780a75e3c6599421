"""Rows of sessions, of sign-ins under way, and of the browsers a person is known from."""

from typing import NamedTuple

from sqlalchemy import BindParameter, bindparam, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ostiary.storage.database import Query, Transaction
from ostiary.storage.people import Person
from ostiary.storage.statements import delete_by, insert_into, update_by
from ostiary.storage.tables import known_browsers, people, sessions, sign_in_attempts


class Session(NamedTuple):
    id: str
    token_hash: bytes
    person_id: str
    proofs: str
    client: str
    address: str
    created_at: int
    last_seen_at: int
    expires_at: int


class SignInAttempt(NamedTuple):
    token_hash: bytes
    username: str | None
    person_id: str | None
    session_id: str | None
    max_age: int | None
    method: str | None
    proofs: str
    next_path: str
    expires_at: int
    is_phishing_resistant: bool = False


_SESSION = select(*(sessions.c[name] for name in Session._fields))
_INSERT = Query(insert_into(sessions))
_BY_TOKEN = Query(
    select(
        *(sessions.c[name] for name in Session._fields),
        *(people.c[name].label(f"person_{name}") for name in Person._fields),
    )
    .join(people, people.c.id == sessions.c.person_id)
    .where(sessions.c.token_hash == bindparam("token_hash"))
)
_OF_PERSON = Query(
    _SESSION.where(sessions.c.person_id == bindparam("person_id")).order_by(sessions.c.last_seen_at.desc())
)
_ROTATE = Query(update_by(sessions.c.id, "token_hash", "proofs", "last_seen_at", "expires_at"))
_SEEN = Query(update_by(sessions.c.id, "last_seen_at"))
_DELETE_ONE = Query(
    delete(sessions).where(sessions.c.id == bindparam("id"), sessions.c.person_id == bindparam("person_id"))
)
_DELETE_ALL = Query(delete_by(sessions.c.person_id))
_DELETE_OTHERS = Query(
    delete(sessions).where(sessions.c.person_id == bindparam("person_id"), sessions.c.id != bindparam("kept"))
)

_ATTEMPT_VALUES: dict[str, BindParameter[object]] = {name: bindparam(name) for name in SignInAttempt._fields}
_PUT_ATTEMPT = {  # two requests of one browser at once put one row; as in `attempts`, the databases spell it apart
    "sqlite": Query(
        sqlite.insert(sign_in_attempts)
        .values(_ATTEMPT_VALUES)
        .on_conflict_do_update(index_elements=[sign_in_attempts.c.token_hash], set_=_ATTEMPT_VALUES)
    ),
    "postgresql": Query(
        postgresql.insert(sign_in_attempts)
        .values(_ATTEMPT_VALUES)
        .on_conflict_do_update(index_elements=[sign_in_attempts.c.token_hash], set_=_ATTEMPT_VALUES)
    ),
}
_ATTEMPT = Query(
    select(*(sign_in_attempts.c[name] for name in SignInAttempt._fields)).where(
        sign_in_attempts.c.token_hash == bindparam("token_hash")
    )
)
_UPDATE_ATTEMPT = Query(
    update(sign_in_attempts)
    .where(sign_in_attempts.c.token_hash == bindparam("key"))
    .values({name: bindparam(name) for name in SignInAttempt._fields if name != "token_hash"})
)
_DELETE_ATTEMPTS_OF = Query(delete_by(sign_in_attempts.c.person_id))
_DELETE_ATTEMPT = Query(delete_by(sign_in_attempts.c.token_hash))

_INSERT_BROWSER = Query(insert_into(known_browsers))
_BROWSER = Query(
    select(known_browsers.c.last_seen_at).where(
        known_browsers.c.token_hash == bindparam("token_hash"), known_browsers.c.person_id == bindparam("person_id")
    )
)
_FORGET_SINCE = Query(
    delete(known_browsers).where(
        known_browsers.c.person_id == bindparam("person_id"),
        or_(
            known_browsers.c.last_seen_at >= bindparam("since"), known_browsers.c.token_hash == bindparam("token_hash")
        ),
    )
)
_FORGET_BROWSERS = Query(delete_by(known_browsers.c.person_id))


def insert_session(tx: Transaction, session: Session) -> None:
    tx.run(_INSERT, **session._asdict())


def session_by_token(tx: Transaction, token_hash: bytes) -> tuple[Session, Person] | None:
    row = tx.one(_BY_TOKEN, token_hash=token_hash)
    if row is None:
        return None
    width = len(Session._fields)
    return Session._make(row[:width]), Person._make(row[width:])


def sessions_of(tx: Transaction, person_id: str) -> list[Session]:
    """Most recently seen first."""
    return [Session._make(row) for row in tx.all(_OF_PERSON, person_id=person_id)]


def rotate_session(
    tx: Transaction, session_id: str, *, token_hash: bytes, proofs: str, last_seen_at: int, expires_at: int
) -> bool:
    touched = tx.run(
        _ROTATE,
        key=session_id,
        token_hash=token_hash,
        proofs=proofs,
        last_seen_at=last_seen_at,
        expires_at=expires_at,
    )
    return touched == 1


def set_seen(tx: Transaction, session_id: str, at: int) -> None:
    tx.run(_SEEN, key=session_id, last_seen_at=at)


def delete_session(tx: Transaction, *, person_id: str, session_id: str) -> bool:
    return tx.run(_DELETE_ONE, id=session_id, person_id=person_id) == 1


def delete_sessions(tx: Transaction, person_id: str, *, but: str | None = None) -> int:
    """Ends them, and with them every sign-in of theirs under way: what it has proven may no longer hold."""
    tx.run(_DELETE_ATTEMPTS_OF, key=person_id)
    if but is None:
        return tx.run(_DELETE_ALL, key=person_id)
    return tx.run(_DELETE_OTHERS, person_id=person_id, kept=but)


def put_attempt(tx: Transaction, attempt: SignInAttempt) -> None:
    """In the place of whatever stood under its token."""
    tx.run(_PUT_ATTEMPT[tx.dialect], **attempt._asdict())


def attempt_by_token(tx: Transaction, token_hash: bytes) -> SignInAttempt | None:
    row = tx.one(_ATTEMPT, token_hash=token_hash)
    return None if row is None else SignInAttempt._make(row)


def update_attempt(tx: Transaction, attempt: SignInAttempt) -> None:
    values = attempt._asdict()
    tx.run(_UPDATE_ATTEMPT, key=values.pop("token_hash"), **values)


def delete_attempt(tx: Transaction, token_hash: bytes) -> None:
    tx.run(_DELETE_ATTEMPT, key=token_hash)


def insert_known_browser(tx: Transaction, *, token_hash: bytes, person_id: str, at: int) -> None:
    tx.run(_INSERT_BROWSER, token_hash=token_hash, person_id=person_id, last_seen_at=at)


def is_browser_known(tx: Transaction, *, token_hash: bytes, person_id: str) -> bool:
    return tx.one(_BROWSER, token_hash=token_hash, person_id=person_id) is not None


def forget_browsers(tx: Transaction, person_id: str) -> None:
    tx.run(_FORGET_BROWSERS, key=person_id)


def forget_browsers_since(tx: Transaction, person_id: str, *, since: int, browser: bytes | None) -> None:
    """Forgets one browser, and those that became known at `since` or later."""
    tx.run(_FORGET_SINCE, person_id=person_id, since=since, token_hash=browser or b"")
