"""Rows of sign-in methods: what they share, and what each kind keeps of its own (a passkey, a password, a pass ...)."""

from typing import NamedTuple

from sqlalchemy import bindparam, exists, func, not_, or_, select, update

from ostiary.storage.announcements import announce_person
from ostiary.storage.database import Query, Transaction
from ostiary.storage.people import Person
from ostiary.storage.statements import delete_by, insert_into, update_by
from ostiary.storage.tables import (
    code_generators,
    credential_records,
    password_verifiers,
    people,
    sign_in_methods,
    temporary_access_passes,
)


class SignInMethod(NamedTuple):
    id: str
    person_id: str
    kind: str
    name: str | None
    name_key: str | None
    created_at: int
    last_used_at: int | None
    last_used_client: str | None


class CredentialRecord(NamedTuple):
    """WebAuthn L3 §4, "credential record", with the identifiers of its method and person."""

    method_id: str
    person_id: str
    credential_id: bytes
    public_key: bytes
    algorithm: int
    sign_count: int
    transports: str
    uv_initialized: bool
    backup_eligible: bool
    backup_state: bool
    aaguid: str
    attestation_format: str
    attestation_kind: str
    attestation_object: bytes
    attestation_client_data_json: bytes
    rp_id: str


class StoredPasskey(NamedTuple):
    """What a sign-in needs of a passkey and of whom it belongs to."""

    method_id: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    uv_initialized: bool
    backup_eligible: bool
    backup_state: bool
    aaguid: str
    attestation_kind: str
    name: str | None
    person: Person

    @property
    def user_handle(self) -> bytes:
        return self.person.user_handle


class PasskeyClaims(NamedTuple):
    """What policy asks of a passkey, without the rest of its record."""

    method_id: str
    person_id: str
    aaguid: str
    backup_eligible: bool
    attestation_kind: str


class PasswordVerifier(NamedTuple):
    method_id: str
    person_id: str
    hash: str
    changed_at: int


class CodeGenerator(NamedTuple):
    method_id: str
    person_id: str
    sealed_secret: bytes
    last_step: int


class TemporaryAccessPass(NamedTuple):
    method_id: str
    person_id: str
    code_hash: str
    starts_at: int
    expires_at: int
    is_one_time: bool
    used_at: int | None


_METHOD = select(*(sign_in_methods.c[name] for name in SignInMethod._fields))
_CREDENTIAL = select(*(credential_records.c[name] for name in CredentialRecord._fields))
_INSERT = Query(insert_into(sign_in_methods))
_OF_PERSON = Query(
    _METHOD.where(sign_in_methods.c.person_id == bindparam("person_id")).order_by(sign_in_methods.c.created_at)
)
_BY_ID = Query(
    _METHOD.where(sign_in_methods.c.id == bindparam("id"), sign_in_methods.c.person_id == bindparam("person_id"))
)
_KINDS = Query(
    select(sign_in_methods.c.kind, func.count())
    .where(sign_in_methods.c.person_id == bindparam("person_id"))
    .group_by(sign_in_methods.c.kind)
)
_SET_NAME = Query(update_by(sign_in_methods.c.id, "name", "name_key"))
_SET_USED = Query(update_by(sign_in_methods.c.id, "last_used_at", "last_used_client"))
_DELETE = Query(delete_by(sign_in_methods.c.id))
_NOTE_PASSKEYS = Query(
    # kept beside the person, so that very many people can be filtered by it
    update(people)
    .where(people.c.id == bindparam("key"))
    .values(has_passkey=exists().where(credential_records.c.person_id == bindparam("key")))
)
_OWNER = Query(select(sign_in_methods.c.person_id).where(sign_in_methods.c.id == bindparam("id")))

_INSERT_CREDENTIAL = Query(insert_into(credential_records))
_CREDENTIALS_OF = Query(
    _CREDENTIAL.where(credential_records.c.person_id == bindparam("person_id")).order_by(credential_records.c.method_id)
)
_CREDENTIAL_EXISTS = Query(
    select(credential_records.c.method_id).where(credential_records.c.credential_id == bindparam("credential_id"))
)
_PASSKEY = Query(
    select(
        credential_records.c.method_id,
        credential_records.c.credential_id,
        credential_records.c.public_key,
        credential_records.c.sign_count,
        credential_records.c.uv_initialized,
        credential_records.c.backup_eligible,
        credential_records.c.backup_state,
        credential_records.c.aaguid,
        credential_records.c.attestation_kind,
        sign_in_methods.c.name.label("method_name"),
        *(people.c[name].label(f"person_{name}") for name in Person._fields),
    )
    .join(sign_in_methods, sign_in_methods.c.id == credential_records.c.method_id)
    .join(people, people.c.id == credential_records.c.person_id)
    .where(credential_records.c.credential_id == bindparam("credential_id"))
)
_CLAIMS = select(*(credential_records.c[name] for name in PasskeyClaims._fields))
_CLAIMS_OF = Query(
    _CLAIMS.where(credential_records.c.person_id == bindparam("person_id")).order_by(credential_records.c.method_id)
)
_SET_CREDENTIAL_USED = Query(
    update(credential_records)
    .where(credential_records.c.method_id == bindparam("key"))
    .values(
        sign_count=bindparam("sign_count"),
        backup_state=bindparam("backup_state"),
        uv_initialized=bindparam("uv_initialized"),
    )
)

_INSERT_PASSWORD = Query(insert_into(password_verifiers))
_PASSWORD_OF = Query(
    select(*(password_verifiers.c[name] for name in PasswordVerifier._fields)).where(
        password_verifiers.c.person_id == bindparam("person_id")
    )
)
_SET_PASSWORD = Query(update_by(password_verifiers.c.method_id, "hash", "changed_at"))

_INSERT_GENERATOR = Query(insert_into(code_generators))
_GENERATORS_OF = Query(
    select(*(code_generators.c[name] for name in CodeGenerator._fields))
    .where(code_generators.c.person_id == bindparam("person_id"))
    .order_by(code_generators.c.method_id)
)
_TAKE_STEP = Query(
    update(code_generators)
    .where(code_generators.c.method_id == bindparam("key"), code_generators.c.last_step < bindparam("step"))
    .values(last_step=bindparam("step"))
)

_PASS = temporary_access_passes.c
_INSERT_PASS = Query(insert_into(temporary_access_passes))
_PASS_OF = Query(
    select(*(_PASS[name] for name in TemporaryAccessPass._fields)).where(_PASS.person_id == bindparam("person_id"))
)
_USE_PASS = Query(
    update(temporary_access_passes)
    .where(_PASS.method_id == bindparam("key"), or_(not_(_PASS.is_one_time), _PASS.used_at.is_(None)))
    .values(used_at=bindparam("at"))
)
_HOLD_PERSON = Query(select(people.c.id).where(people.c.id == bindparam("id")).with_for_update())


def insert_method(tx: Transaction, method: SignInMethod) -> None:
    tx.run(_INSERT, **method._asdict())


def methods_of(tx: Transaction, person_id: str) -> list[SignInMethod]:
    """Oldest first."""
    return [SignInMethod._make(row) for row in tx.all(_OF_PERSON, person_id=person_id)]


def method_of(tx: Transaction, *, person_id: str, method_id: str) -> SignInMethod | None:
    """The method, if it is this person's."""
    row = tx.one(_BY_ID, id=method_id, person_id=person_id)
    return None if row is None else SignInMethod._make(row)


def kinds_of(tx: Transaction, person_id: str) -> dict[str, int]:
    """How many methods of each kind the person has."""
    return {row[0]: int(row[1]) for row in tx.all(_KINDS, person_id=person_id)}


def set_name(tx: Transaction, method_id: str, *, name: str, name_key: str) -> None:
    tx.run(_SET_NAME, key=method_id, name=name, name_key=name_key)


def set_used(tx: Transaction, method_id: str, *, at: int, client: str) -> None:
    tx.run(_SET_USED, key=method_id, last_used_at=at, last_used_client=client)


def delete_method(tx: Transaction, method_id: str) -> None:
    """With everything it keeps of its own."""
    owner = tx.one(_OWNER, id=method_id)
    tx.run(_DELETE, key=method_id)
    if owner is not None:
        tx.run(_NOTE_PASSKEYS, key=owner[0])
        announce_person(tx, owner[0])  # a device that is connected is told at once


def insert_credential(tx: Transaction, record: CredentialRecord) -> None:
    tx.run(_INSERT_CREDENTIAL, **record._asdict())
    tx.run(_NOTE_PASSKEYS, key=record.person_id)


def credentials_of(tx: Transaction, person_id: str) -> list[CredentialRecord]:
    return [CredentialRecord._make(row) for row in tx.all(_CREDENTIALS_OF, person_id=person_id)]


def passkey_claims_of(tx: Transaction, person_id: str) -> list[PasskeyClaims]:
    """Oldest first."""
    return [PasskeyClaims._make(row) for row in tx.all(_CLAIMS_OF, person_id=person_id)]


def is_credential_known(tx: Transaction, credential_id: bytes) -> bool:
    return tx.one(_CREDENTIAL_EXISTS, credential_id=credential_id) is not None


def passkey_by_credential_id(tx: Transaction, credential_id: bytes) -> StoredPasskey | None:
    row = tx.one(_PASSKEY, credential_id=credential_id)
    return None if row is None else StoredPasskey._make((*row[:10], Person._make(row[10:])))


def set_credential_used(
    tx: Transaction, method_id: str, *, sign_count: int, backup_state: bool, uv_initialized: bool
) -> bool:
    """Whether the credential was still there."""
    touched = tx.run(
        _SET_CREDENTIAL_USED,
        key=method_id,
        sign_count=sign_count,
        backup_state=backup_state,
        uv_initialized=uv_initialized,
    )
    return touched == 1


def insert_password(tx: Transaction, verifier: PasswordVerifier) -> None:
    tx.run(_INSERT_PASSWORD, **verifier._asdict())


def password_of(tx: Transaction, person_id: str) -> PasswordVerifier | None:
    row = tx.one(_PASSWORD_OF, person_id=person_id)
    return None if row is None else PasswordVerifier._make(row)


def set_password(tx: Transaction, method_id: str, *, hash: str, changed_at: int) -> None:
    tx.run(_SET_PASSWORD, key=method_id, hash=hash, changed_at=changed_at)


def insert_code_generator(tx: Transaction, generator: CodeGenerator) -> None:
    tx.run(_INSERT_GENERATOR, **generator._asdict())


def code_generators_of(tx: Transaction, person_id: str) -> list[CodeGenerator]:
    return [CodeGenerator._make(row) for row in tx.all(_GENERATORS_OF, person_id=person_id)]


def take_step(tx: Transaction, method_id: str, step: int) -> bool:
    """Marks a time step as used. False when it, or a newer one, already was: RFC 6238 §5.2."""
    return tx.run(_TAKE_STEP, key=method_id, step=step) == 1


def insert_pass(tx: Transaction, held: TemporaryAccessPass) -> None:
    """There is one to a person: `hold_person` first, and delete the one there was."""
    tx.run(_INSERT_PASS, **held._asdict())


def pass_of(tx: Transaction, person_id: str) -> TemporaryAccessPass | None:
    row = tx.one(_PASS_OF, person_id=person_id)
    return None if row is None else TemporaryAccessPass._make(row)


def use_pass(tx: Transaction, method_id: str, *, at: int) -> bool:
    """Marks it as used. False when it is gone, or was for one use and had it."""
    return tx.run(_USE_PASS, key=method_id, at=at) == 1


def hold_person(tx: Transaction, person_id: str) -> None:
    """Lets whoever else changes what there is only one of wait until this transaction is over."""
    tx.one(_HOLD_PERSON, id=person_id)
