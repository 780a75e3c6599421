"""Rows of authorization requests, of grants with their codes and refresh tokens, and of the keys tokens are signed
with."""

from typing import NamedTuple

from sqlalchemy import bindparam, delete, select, update

from ostiary.storage.database import Query, Transaction
from ostiary.storage.methods import hold_person
from ostiary.storage.people import Person
from ostiary.storage.sessions import Session
from ostiary.storage.statements import delete_by, insert_into, update_by
from ostiary.storage.tables import (
    oauth_codes,
    oauth_grants,
    oauth_refresh_tokens,
    oauth_requests,
    oauth_signing_keys,
    people,
    sessions,
)


class PendingRequest(NamedTuple):
    token_hash: bytes
    client_id: str
    request: str
    created_at: int
    expires_at: int


class Grant(NamedTuple):
    id: str
    session_id: str
    client_id: str
    scope: str
    created_at: int


class Code(NamedTuple):
    code_hash: bytes
    grant_id: str
    redirect_uri: str
    code_challenge: str
    nonce: str | None
    expires_at: int
    used_at: int | None


class RefreshToken(NamedTuple):
    token_hash: bytes
    grant_id: str
    expires_at: int
    used_at: int | None


class SigningKey(NamedTuple):
    id: str
    sealed_private_key: bytes
    public_jwk: str
    created_at: int
    signs_until: int
    expires_at: int


class Held(NamedTuple):
    """A grant with the session that carries it and the person who gave it."""

    grant: Grant
    session: Session
    person: Person


_INSERT_REQUEST = Query(insert_into(oauth_requests))
_REQUEST = Query(
    select(*(oauth_requests.c[name] for name in PendingRequest._fields)).where(
        oauth_requests.c.token_hash == bindparam("token_hash")
    )
)
_DELETE_REQUEST = Query(delete_by(oauth_requests.c.token_hash))

_HELD = (
    select(
        *(oauth_grants.c[name].label(f"grant_{name}") for name in Grant._fields),
        *(sessions.c[name].label(f"session_{name}") for name in Session._fields),
        *(people.c[name].label(f"person_{name}") for name in Person._fields),
    )
    .join(sessions, sessions.c.id == oauth_grants.c.session_id)
    .join(people, people.c.id == sessions.c.person_id)
)
_HOLD_SESSION = Query(select(sessions.c.id).where(sessions.c.id == bindparam("id")).with_for_update())
_INSERT_GRANT = Query(insert_into(oauth_grants))
_HELD_BY_ID = Query(_HELD.where(oauth_grants.c.id == bindparam("id")))
_SET_SESSION_END = Query(update_by(sessions.c.id, "expires_at"))

_INSERT_CODE = Query(insert_into(oauth_codes))
_CODE = Query(
    select(*(oauth_codes.c[name] for name in Code._fields)).where(oauth_codes.c.code_hash == bindparam("code_hash"))
)
_USE_CODE = Query(
    update(oauth_codes)
    .where(oauth_codes.c.code_hash == bindparam("key"), oauth_codes.c.used_at.is_(None))
    .values(used_at=bindparam("at"))
)

_INSERT_REFRESH_TOKEN = Query(insert_into(oauth_refresh_tokens))
_REFRESH_TOKEN = Query(
    select(*(oauth_refresh_tokens.c[name] for name in RefreshToken._fields)).where(
        oauth_refresh_tokens.c.token_hash == bindparam("token_hash")
    )
)
_USE_REFRESH_TOKEN = Query(
    update(oauth_refresh_tokens)
    .where(oauth_refresh_tokens.c.token_hash == bindparam("key"), oauth_refresh_tokens.c.used_at.is_(None))
    .values(used_at=bindparam("at"))
)

_INSERT_KEY = Query(insert_into(oauth_signing_keys))
_KEYS = Query(
    select(*(oauth_signing_keys.c[name] for name in SigningKey._fields))
    .where(oauth_signing_keys.c.expires_at > bindparam("now"))
    .order_by(oauth_signing_keys.c.created_at.desc(), oauth_signing_keys.c.id.desc())
)

_EXPIRED = (
    Query(delete(oauth_requests).where(oauth_requests.c.expires_at <= bindparam("now"))),
    Query(delete(oauth_refresh_tokens).where(oauth_refresh_tokens.c.expires_at <= bindparam("now"))),
    Query(delete(oauth_signing_keys).where(oauth_signing_keys.c.expires_at <= bindparam("now"))),
)


def insert_request(tx: Transaction, pending: PendingRequest) -> None:
    tx.run(_INSERT_REQUEST, **pending._asdict())


def request_by_token(tx: Transaction, token_hash: bytes) -> PendingRequest | None:
    row = tx.one(_REQUEST, token_hash=token_hash)
    return None if row is None else PendingRequest._make(row)


def delete_request(tx: Transaction, token_hash: bytes) -> bool:
    """Whether it was still there: whoever deletes it is the only one who answers it."""
    return tx.run(_DELETE_REQUEST, key=token_hash) == 1


def insert_grant(tx: Transaction, grant: Grant) -> None:
    tx.run(_INSERT_GRANT, **grant._asdict())


def held_grant(tx: Transaction, grant_id: str) -> Held | None:
    row = tx.one(_HELD_BY_ID, id=grant_id)
    if row is None:
        return None
    of_grant, of_session = len(Grant._fields), len(Grant._fields) + len(Session._fields)
    return Held(Grant._make(row[:of_grant]), Session._make(row[of_grant:of_session]), Person._make(row[of_session:]))


def hold_grant(tx: Transaction, grant_id: str) -> Held | None:
    """As `held_grant`, while whoever else would use or end it waits until this transaction is over. The person and the
    session come first, as wherever sessions are deleted: what hangs on them follows."""
    held = held_grant(tx, grant_id)
    if held is None:
        return None
    hold_person(tx, held.person.id)
    tx.one(_HOLD_SESSION, id=held.session.id)
    return held_grant(tx, grant_id)


def set_session_end(tx: Transaction, session_id: str, *, expires_at: int) -> None:
    tx.run(_SET_SESSION_END, key=session_id, expires_at=expires_at)


def insert_code(tx: Transaction, code: Code) -> None:
    tx.run(_INSERT_CODE, **code._asdict())


def code_by_hash(tx: Transaction, code_hash: bytes) -> Code | None:
    row = tx.one(_CODE, code_hash=code_hash)
    return None if row is None else Code._make(row)


def use_code(tx: Transaction, code_hash: bytes, *, at: int) -> bool:
    """False when somebody used it before."""
    return tx.run(_USE_CODE, key=code_hash, at=at) == 1


def insert_refresh_token(tx: Transaction, token: RefreshToken) -> None:
    tx.run(_INSERT_REFRESH_TOKEN, **token._asdict())


def refresh_token_by_hash(tx: Transaction, token_hash: bytes) -> RefreshToken | None:
    row = tx.one(_REFRESH_TOKEN, token_hash=token_hash)
    return None if row is None else RefreshToken._make(row)


def use_refresh_token(tx: Transaction, token_hash: bytes, *, at: int) -> bool:
    """False when somebody used it before."""
    return tx.run(_USE_REFRESH_TOKEN, key=token_hash, at=at) == 1


def insert_signing_key(tx: Transaction, key: SigningKey) -> None:
    tx.run(_INSERT_KEY, **key._asdict())


def signing_keys(tx: Transaction, *, now: int) -> list[SigningKey]:
    """Those whose signatures may still count, newest first."""
    return [SigningKey._make(row) for row in tx.all(_KEYS, now=now)]


def delete_expired(tx: Transaction, now: int) -> int:
    return sum(tx.run(query, now=now) for query in _EXPIRED)
