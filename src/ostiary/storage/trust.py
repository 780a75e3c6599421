"""Rows of what attestation is judged by: roots an administrator added, and FIDO's metadata as last verified."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, select

from ostiary.storage.database import Query, Transaction
from ostiary.storage.statements import delete_by, insert_into
from ostiary.storage.tables import credential_records, metadata_blobs, people, sign_in_methods, trust_roots
from ostiary.storage.tables import imported_names as imported_names_table


class RootRow(NamedTuple):
    id: str
    name: str
    certificate: bytes
    aaguids: str
    added_at: int
    actor: str


class BlobState(NamedTuple):
    number: int
    fetched_at: int
    next_update: str


class PasskeyOfModel(NamedTuple):
    """A registered passkey and whose it is."""

    person_id: str
    username: str
    method_id: str
    name: str | None
    aaguid: str


_INSERT = Query(insert_into(trust_roots))
_ALL = Query(select(*(trust_roots.c[name] for name in RootRow._fields)).order_by(trust_roots.c.added_at))
_DELETE = Query(delete_by(trust_roots.c.id))
_FORGET_NAMES = Query(delete(imported_names_table))
_INSERT_NAME = Query(insert_into(imported_names_table))
_NAMES = Query(select(imported_names_table.c.aaguid, imported_names_table.c.name))
_INSERT_BLOB = Query(insert_into(metadata_blobs))
_DELETE_BLOBS = Query(delete(metadata_blobs))
_STATE = Query(
    select(*(metadata_blobs.c[name] for name in BlobState._fields)).order_by(metadata_blobs.c.number.desc()).limit(1)
)
_BLOB = Query(select(metadata_blobs.c.blob).order_by(metadata_blobs.c.number.desc()).limit(1))
_OF_MODEL = Query(
    select(people.c.id, people.c.username, sign_in_methods.c.id, sign_in_methods.c.name, credential_records.c.aaguid)
    .select_from(credential_records)
    .join(people, people.c.id == credential_records.c.person_id)
    .join(sign_in_methods, sign_in_methods.c.id == credential_records.c.method_id)
    .where(credential_records.c.aaguid == bindparam("aaguid"))
    .order_by(people.c.username)
)
_MODELS = Query(select(credential_records.c.aaguid, func.count()).group_by(credential_records.c.aaguid))


def replace_imported_names(tx: Transaction, names: Iterable[tuple[str, str]]) -> None:
    tx.run(_FORGET_NAMES)
    for aaguid, name in names:
        tx.run(_INSERT_NAME, aaguid=aaguid, name=name)


def imported_names(tx: Transaction) -> list[tuple[str, str]]:
    """(AAGUID, name)"""
    return [(row[0], row[1]) for row in tx.all(_NAMES)]


def insert_root(tx: Transaction, root: RootRow) -> None:
    tx.run(_INSERT, **root._asdict())


def all_roots(tx: Transaction) -> list[RootRow]:
    return [RootRow._make(row) for row in tx.all(_ALL)]


def delete_root(tx: Transaction, root_id: str) -> bool:
    return tx.run(_DELETE, key=root_id) == 1


def replace_blob(tx: Transaction, *, number: int, blob: bytes, fetched_at: int, next_update: str) -> None:
    tx.run(_DELETE_BLOBS)
    tx.run(_INSERT_BLOB, number=number, blob=blob, fetched_at=fetched_at, next_update=next_update)


def blob_state(tx: Transaction) -> BlobState | None:
    row = tx.one(_STATE)
    return None if row is None else BlobState._make(row)


def stored_blob(tx: Transaction) -> bytes | None:
    row = tx.one(_BLOB)
    return None if row is None else bytes(row[0])


def passkeys_of_model(tx: Transaction, aaguid: str) -> list[PasskeyOfModel]:
    return [PasskeyOfModel._make(row) for row in tx.all(_OF_MODEL, aaguid=aaguid)]


def models_in_use(tx: Transaction) -> dict[str, int]:
    """How many passkeys of each AAGUID are registered."""
    return {row[0]: int(row[1]) for row in tx.all(_MODELS)}
