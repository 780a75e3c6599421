"""Rows of our own attestation authorities, of the Authenticators enrolled by them, and of the codes to enrol with."""

from typing import NamedTuple

from sqlalchemy import bindparam, delete, null, or_, select, update

from ostiary.storage.database import Query, Transaction
from ostiary.storage.statements import insert_into
from ostiary.storage.tables import (
    attestation_authorities,
    credential_records,
    enrolled_authenticators,
    enrolled_passkeys,
    enrolment_codes,
    people,
    sign_in_methods,
)
from ostiary.storage.trust import PasskeyOfModel


class AuthorityRow(NamedTuple):
    id: str
    certificate: bytes
    sealed_key: bytes | None
    is_issuing: bool | None
    created_at: int
    actor: str
    removed_at: int | None


class EnrolledRow(NamedTuple):
    serial: str
    authority_id: str
    model: str
    person_id: str | None
    username: str | None
    key_hash: bytes
    certificate: bytes
    enrolled_at: int
    expires_at: int
    actor: str
    revoked_at: int | None
    revoked_by: str | None


class CodeRow(NamedTuple):
    code_hash: bytes
    person_id: str | None
    model: str
    created_at: int
    expires_at: int
    actor: str
    used_at: int | None
    serial: str | None


_A, _E, _C = attestation_authorities.c, enrolled_authenticators.c, enrolment_codes.c
_AUTHORITY = select(*(_A[name] for name in AuthorityRow._fields))
_ENROLLED = select(*(_E[name] for name in EnrolledRow._fields))

_INSERT_AUTHORITY = Query(insert_into(attestation_authorities))
_AUTHORITIES = Query(_AUTHORITY.order_by(_A.created_at, _A.id))
_ISSUING = Query(_AUTHORITY.where(_A.is_issuing))
_TRUSTED = Query(select(_A.certificate).where(_A.removed_at.is_(None)).order_by(_A.created_at, _A.id))
_ISSUE_NO_MORE = Query(
    update(attestation_authorities).where(_A.is_issuing).values(is_issuing=null(), sealed_key=null())
)
_REMOVE = Query(
    update(attestation_authorities)
    .where(_A.id == bindparam("key"), _A.removed_at.is_(None))
    .values(is_issuing=null(), sealed_key=null(), removed_at=bindparam("at"))
)

_INSERT_ENROLLED = Query(insert_into(enrolled_authenticators))
_PAGE = Query(
    _ENROLLED.where(
        or_(_E.enrolled_at < bindparam("at"), (_E.enrolled_at == bindparam("at")) & (_E.serial < bindparam("serial")))
    )
    .order_by(_E.enrolled_at.desc(), _E.serial.desc())
    .limit(bindparam("limit"))
)
_BY_SERIAL = Query(_ENROLLED.where(_E.serial == bindparam("serial")))
_BY_KEY = Query(_ENROLLED.where(_E.key_hash == bindparam("key_hash")))
_REVOKE = Query(
    update(enrolled_authenticators)
    .where(_E.serial == bindparam("key"), _E.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"), revoked_by=bindparam("by"))
)

_INSERT_CODE = Query(insert_into(enrolment_codes))
_CODE = Query(select(*(_C[name] for name in CodeRow._fields)).where(_C.code_hash == bindparam("code_hash")))
_USE_CODE = Query(
    update(enrolment_codes)
    .where(_C.code_hash == bindparam("key"), _C.used_at.is_(None))
    .values(used_at=bindparam("at"), serial=bindparam("serial"))
)

_INSERT_PASSKEY = Query(insert_into(enrolled_passkeys))
_OF_ENROLLED = (
    select(people.c.id, people.c.username, sign_in_methods.c.id, sign_in_methods.c.name, credential_records.c.aaguid)
    .select_from(enrolled_authenticators)
    .join(enrolled_passkeys, enrolled_passkeys.c.serial == _E.serial)
    .join(credential_records, credential_records.c.method_id == enrolled_passkeys.c.method_id)
    .join(sign_in_methods, sign_in_methods.c.id == enrolled_passkeys.c.method_id)
    .join(people, people.c.id == sign_in_methods.c.person_id)
    .order_by(people.c.username, sign_in_methods.c.id)
)
_OF_SERIAL = Query(_OF_ENROLLED.where(_E.serial == bindparam("serial")))
_OF_REVOKED = Query(_OF_ENROLLED.where(_E.revoked_at.is_not(None)))
_FORGET_CODES = Query(delete(enrolment_codes).where(_C.expires_at <= bindparam("before")))


def insert_authority(tx: Transaction, row: AuthorityRow) -> None:
    """One issues at a time: `end_issuing` first."""
    tx.run(_INSERT_AUTHORITY, **row._asdict())


def all_authorities(tx: Transaction) -> list[AuthorityRow]:
    return [AuthorityRow._make(row) for row in tx.all(_AUTHORITIES)]


def issuing_authority(tx: Transaction) -> AuthorityRow | None:
    row = tx.one(_ISSUING)
    return None if row is None else AuthorityRow._make(row)


def trusted_certificates(tx: Transaction) -> list[bytes]:
    return [bytes(row[0]) for row in tx.all(_TRUSTED)]


def end_issuing(tx: Transaction) -> None:
    """The one that issues does so no more; its key goes."""
    tx.run(_ISSUE_NO_MORE)


def remove_authority(tx: Transaction, authority_id: str, *, at: int) -> bool:
    return tx.run(_REMOVE, key=authority_id, at=at) == 1


def insert_enrolled(tx: Transaction, row: EnrolledRow) -> None:
    tx.run(_INSERT_ENROLLED, **row._asdict())


def page_of_enrolled(tx: Transaction, *, before: tuple[int, str], limit: int) -> list[EnrolledRow]:
    """The newest first, behind the one that was enrolled at this instant and has this serial."""
    return [EnrolledRow._make(row) for row in tx.all(_PAGE, at=before[0], serial=before[1], limit=limit)]


def enrolled_by_serial(tx: Transaction, serial: str) -> EnrolledRow | None:
    row = tx.one(_BY_SERIAL, serial=serial)
    return None if row is None else EnrolledRow._make(row)


def enrolled_by_key(tx: Transaction, key_hash: bytes) -> EnrolledRow | None:
    row = tx.one(_BY_KEY, key_hash=key_hash)
    return None if row is None else EnrolledRow._make(row)


def revoke(tx: Transaction, serial: str, *, at: int, by: str) -> bool:
    return tx.run(_REVOKE, key=serial, at=at, by=by) == 1


def insert_code(tx: Transaction, row: CodeRow) -> None:
    tx.run(_INSERT_CODE, **row._asdict())


def code_of(tx: Transaction, code_hash: bytes) -> CodeRow | None:
    row = tx.one(_CODE, code_hash=code_hash)
    return None if row is None else CodeRow._make(row)


def use_code(tx: Transaction, code_hash: bytes, *, at: int, serial: str) -> bool:
    return tx.run(_USE_CODE, key=code_hash, at=at, serial=serial) == 1


def delete_old_codes(tx: Transaction, before: int) -> int:
    return tx.run(_FORGET_CODES, before=before)


def insert_enrolled_passkey(tx: Transaction, method_id: str, serial: str) -> None:
    tx.run(_INSERT_PASSKEY, method_id=method_id, serial=serial)


def passkeys_of_enrolled(tx: Transaction, serial: str) -> list[PasskeyOfModel]:
    return [PasskeyOfModel._make(row) for row in tx.all(_OF_SERIAL, serial=serial)]


def passkeys_of_revoked(tx: Transaction) -> list[PasskeyOfModel]:
    return [PasskeyOfModel._make(row) for row in tx.all(_OF_REVOKED)]
