"""Security info: what a person sees of their own sign-in methods, and what they may change."""

from typing import NamedTuple

from ostiary.identity import audit, limits
from ostiary.identity.assurance import CHANGE_METHODS, MethodKind, is_multi_factor
from ostiary.identity.caller import Caller
from ostiary.identity.methods.password import check_new_password, matches, set_password
from ostiary.identity.names import name_key, parse_name
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sessions import (
    SignedIn,
    end_sessions_proven_by,
    owned_kinds,
    require,
)
from ostiary.storage import audit as audit_rows
from ostiary.storage import methods, people, sessions
from ostiary.storage.audit import AuditEvent
from ostiary.storage.database import Transaction
from ostiary.storage.methods import CredentialRecord, SignInMethod
from ostiary.storage.sessions import Session

_ACTIVITY_SHOWN = 12
_ORDINARY = (Reason.SIGN_IN_REQUIRED, Reason.FRESH_MFA_REQUIRED)  # being asked who one is alarms nobody
_RENAMED = {MethodKind.PASSKEY: audit.Event.PASSKEY_RENAME, MethodKind.CODE: audit.Event.CODE_RENAME}
_REMOVED = {MethodKind.PASSKEY: audit.Event.PASSKEY_REMOVE, MethodKind.CODE: audit.Event.CODE_REMOVE}


class Entry(NamedTuple):
    """A sign-in method; `credential` when it is a passkey."""

    method: SignInMethod
    credential: CredentialRecord | None


class Overview(NamedTuple):
    entries: tuple[Entry, ...]
    kinds: set[MethodKind]
    preferred_second_factor: MethodKind | None
    sessions: tuple[Session, ...]
    activity: tuple[AuditEvent, ...]


def overview(tx: Transaction, signed_in: SignedIn) -> Overview:
    """Everything on the page, for somebody who was admitted to it."""
    person = signed_in.person
    credentials = {record.method_id: record for record in methods.credentials_of(tx, person.id)}
    owned = methods.methods_of(tx, person.id)
    preferred = person.preferred_second_factor
    recent = audit_rows.newest_events_of(tx, person.id, limit=3 * _ACTIVITY_SHOWN)
    return Overview(
        entries=tuple(Entry(method, credentials.get(method.id)) for method in owned),
        kinds={MethodKind(method.kind) for method in owned},
        preferred_second_factor=MethodKind(preferred) if preferred else None,
        sessions=tuple(sessions.sessions_of(tx, person.id)),
        activity=tuple(event for event in recent if event.reason not in _ORDINARY)[:_ACTIVITY_SHOWN],
    )


def require_change(tx: Transaction, signed_in: SignedIn, *, now: int) -> None:
    """Fresh proof, as every change needs. Raises `Refusal(FRESH_MFA_REQUIRED)`."""
    require(tx, signed_in, CHANGE_METHODS, now=now)


def find(tx: Transaction, signed_in: SignedIn, method_id: str) -> Entry:
    """One of the person's own methods. Raises `Refusal(METHOD_UNKNOWN)`."""
    method = methods.method_of(tx, person_id=signed_in.person.id, method_id=method_id)
    if method is None:
        raise Refusal(Reason.METHOD_UNKNOWN, person_id=signed_in.person.id)
    credentials = methods.credentials_of(tx, signed_in.person.id) if method.kind == MethodKind.PASSKEY else []
    return Entry(method, next((record for record in credentials if record.method_id == method.id), None))


def rename(tx: Transaction, signed_in: SignedIn, method_id: str, name: str, *, caller: Caller, now: int) -> Entry:
    """Raises `Refusal`: stale proof, unknown method, invalid or taken name."""
    require(tx, signed_in, CHANGE_METHODS, now=now)
    entry = find(tx, signed_in, method_id)
    event = _RENAMED.get(MethodKind(entry.method.kind))
    if event is None:
        raise Refusal(Reason.METHOD_NOT_RENAMABLE, person_id=signed_in.person.id)
    parsed = parse_name(name)
    key = name_key(parsed)
    owned = methods.methods_of(tx, signed_in.person.id)
    if any(other.name_key == key and other.id != method_id for other in owned):
        raise Refusal(Reason.NAME_TAKEN, field="name", person_id=signed_in.person.id)
    if parsed != entry.method.name:
        methods.set_name(tx, method_id, name=parsed, name_key=key)
        audit.record(
            tx,
            event,
            caller=caller,
            now=now,
            actor=signed_in.person,
            target=signed_in.person,
            method_id=method_id,
            method=parsed,
            aaguid=entry.credential.aaguid if entry.credential else None,
            detail=f"was {entry.method.name}",
        )
    return Entry(entry.method._replace(name=parsed, name_key=key), entry.credential)


def is_last_strong(tx: Transaction, signed_in: SignedIn, entry: Entry) -> bool:
    """Whether the person has two factors now and would not, without this method."""
    counts = methods.kinds_of(tx, signed_in.person.id)
    before = {MethodKind(kind) for kind in counts}
    after = {MethodKind(kind) for kind, count in counts.items() if count > (kind == entry.method.kind)}
    return is_multi_factor(before) and not is_multi_factor(after)


def remove(
    tx: Transaction, signed_in: SignedIn, method_id: str, *, is_understood: bool, caller: Caller, now: int
) -> Entry:
    """Forgets a method. The copy of a passkey on a device stays there, as only its owner can delete it.

    `is_understood`: the person was told that it is the last strong one. Raises `Refusal`.
    """
    require(tx, signed_in, CHANGE_METHODS, now=now)
    entry = find(tx, signed_in, method_id)
    event = _REMOVED.get(MethodKind(entry.method.kind))
    if event is None:
        raise Refusal(Reason.METHOD_NOT_REMOVABLE, person_id=signed_in.person.id)
    if is_last_strong(tx, signed_in, entry) and not is_understood:
        raise Refusal(Reason.LAST_STRONG_METHOD, field="understood", person_id=signed_in.person.id)
    methods.delete_method(tx, method_id)
    remaining = owned_kinds(tx, signed_in.person)
    preferred = signed_in.person.preferred_second_factor
    if preferred is not None and preferred not in remaining:
        people.set_preferred_second_factor(tx, signed_in.person.id, None)
    end_sessions_proven_by(tx, signed_in, method_id)
    audit.record(
        tx,
        event,
        caller=caller,
        now=now,
        actor=signed_in.person,
        target=signed_in.person,
        method_id=method_id,
        method=entry.method.name,
        aaguid=entry.credential.aaguid if entry.credential else None,
    )
    return entry


def choose_second_factor(tx: Transaction, signed_in: SignedIn, kind: str, *, caller: Caller, now: int) -> None:
    """What is asked first after a password. Raises `Refusal`."""
    require(tx, signed_in, CHANGE_METHODS, now=now)
    if kind not in second_factors(owned_kinds(tx, signed_in.person)):
        raise Refusal(Reason.METHOD_NOT_OFFERED, field="kind", person_id=signed_in.person.id)
    people.set_preferred_second_factor(tx, signed_in.person.id, kind)
    audit.record(
        tx,
        audit.Event.SECOND_FACTOR_CHOOSE,
        caller=caller,
        now=now,
        actor=signed_in.person,
        target=signed_in.person,
        method=kind,
    )


def second_factors(kinds: set[MethodKind]) -> tuple[MethodKind, ...]:
    return tuple(kind for kind in (MethodKind.PASSKEY, MethodKind.CODE) if kind in kinds)


def begin_password_change(tx: Transaction, signed_in: SignedIn, *, now: int) -> str | None:
    """The present hash, None for a person without a password; counts the attempt to know it. Raises `Refusal`."""
    require(tx, signed_in, CHANGE_METHODS, now=now)
    limits.charge(tx, limits.PASSWORDS_PER_ACCOUNT, signed_in.session.id, now=now)
    verifier = methods.password_of(tx, signed_in.person.id)
    return verifier.hash if verifier else None


def check_password_change(present: str | None, *, username: str, current: str, new: str, repeat: str) -> None:
    """Judges the three fields, without a database: hashing takes its time. Raises `Refusal`."""
    if present is not None and not matches(present, current):
        raise Refusal(Reason.PASSWORD_WRONG, field="current")
    check_new_password(new, username=username)
    if new != repeat:
        raise Refusal(Reason.PASSWORDS_DIFFER, field="repeat")
    if present is not None and matches(present, new):
        raise Refusal(Reason.PASSWORD_UNCHANGED, field="new")


def finish_password_change(tx: Transaction, signed_in: SignedIn, hash: str, *, caller: Caller, now: int) -> None:
    """Keeps the new password, ends every other session and trusts no browser any more: whoever knew the old one is
    out."""
    limits.clear(tx, limits.PASSWORDS_PER_ACCOUNT, signed_in.session.id)
    method_id = set_password(tx, signed_in.person, hash, now=now)
    people.set_must_change_password(tx, signed_in.person.id, must_change_password=False)
    sessions.delete_sessions(tx, signed_in.person.id, but=signed_in.session.id)
    sessions.forget_browsers(tx, signed_in.person.id)
    audit.record(
        tx,
        audit.Event.PASSWORD_CHANGE,
        caller=caller,
        now=now,
        actor=signed_in.person,
        target=signed_in.person,
        method_id=method_id,
    )
