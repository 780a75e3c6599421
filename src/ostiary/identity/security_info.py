"""Security info: what a person sees of their own sign-in methods, and what they may change."""

from collections.abc import Iterable
from typing import NamedTuple

from ostiary.identity import audit, limits
from ostiary.identity.assurance import MethodKind, is_multi_factor
from ostiary.identity.caller import Caller
from ostiary.identity.methods.password import check_new_password, matches, set_password
from ostiary.identity.methods.temporary_access_pass import Usability, usability_now
from ostiary.identity.names import name_key, parse_name
from ostiary.identity.policy import enforcing
from ostiary.identity.policy.model import ONE_TIME_PASS_REGISTERS_WITHIN
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sessions import (
    SignedIn,
    end_sessions_proven_by,
    owned_kinds,
    require,
)
from ostiary.storage import approvals, methods, people, sessions
from ostiary.storage import audit as audit_rows
from ostiary.storage.approvals import AuthenticatorDevice
from ostiary.storage.audit import AuditEvent
from ostiary.storage.database import Transaction
from ostiary.storage.methods import CredentialRecord, SignInMethod, TemporaryAccessPass
from ostiary.storage.sessions import Session

_ACTIVITY_SHOWN = 12
_ORDINARY = (Reason.SIGN_IN_REQUIRED, Reason.FRESH_MFA_REQUIRED)  # being asked who one is alarms nobody
_RENAMED = {
    MethodKind.PASSKEY: audit.Event.PASSKEY_RENAME,
    MethodKind.CODE: audit.Event.CODE_RENAME,
    MethodKind.AUTHENTICATOR: audit.Event.AUTHENTICATOR_RENAME,
}
_REMOVED = {
    MethodKind.PASSKEY: audit.Event.PASSKEY_REMOVE,
    MethodKind.CODE: audit.Event.CODE_REMOVE,
    MethodKind.AUTHENTICATOR: audit.Event.AUTHENTICATOR_REMOVE,
    MethodKind.PASS: audit.Event.PASS_REMOVE,
}


class Entry(NamedTuple):
    """A sign-in method; `credential` when it is a passkey, `held` and `usability` when it is a pass, `device` when it
    is an Ostiary Authenticator."""

    method: SignInMethod
    credential: CredentialRecord | None
    held: TemporaryAccessPass | None = None
    usability: Usability | None = None
    device: AuthenticatorDevice | None = None

    @property
    def aaguid(self) -> str | None:
        """The model it is, or is in, as far as it says."""
        if self.credential is not None:
            return self.credential.aaguid
        return self.device.model if self.device else None


class Overview(NamedTuple):
    """`kinds` are what can be proven now. `add_by`: there is nothing but a pass, and it helps until then."""

    entries: tuple[Entry, ...]
    kinds: set[MethodKind]
    add_by: int | None
    preferred_second_factor: MethodKind | None
    sessions: tuple[Session, ...]
    activity: tuple[AuditEvent, ...]


def overview(tx: Transaction, signed_in: SignedIn, *, now: int) -> Overview:
    """Everything on the page, for somebody who was admitted to it."""
    person = signed_in.person
    entries = _entries(tx, methods.methods_of(tx, person.id), person.id, now=now)
    kinds = owned_kinds(tx, person, now=now)
    preferred = person.preferred_second_factor
    recent = audit_rows.newest_events_of(tx, person.id, limit=3 * _ACTIVITY_SHOWN)
    return Overview(
        entries=entries,
        kinds=kinds,
        add_by=_add_by(signed_in, entries, kinds, now=now),
        preferred_second_factor=MethodKind(preferred) if preferred else None,
        sessions=tuple(sessions.sessions_of(tx, person.id)),
        activity=tuple(event for event in recent if event.reason not in _ORDINARY)[:_ACTIVITY_SHOWN],
    )


def _entries(tx: Transaction, owned: Iterable[SignInMethod], person_id: str, *, now: int) -> tuple[Entry, ...]:
    credentials = {record.method_id: record for record in methods.credentials_of(tx, person_id)}
    owned = tuple(owned)
    has_device = any(method.kind == MethodKind.AUTHENTICATOR for method in owned)
    devices = {device.method_id: device for device in approvals.devices_of(tx, person_id)} if has_device else {}
    entries = []
    for method in owned:
        held = methods.pass_of(tx, person_id) if method.kind == MethodKind.PASS else None
        usability = usability_now(tx, held, now=now) if held else None
        entries.append(Entry(method, credentials.get(method.id), held, usability, devices.get(method.id)))
    return tuple(entries)


def _add_by(signed_in: SignedIn, entries: tuple[Entry, ...], kinds: set[MethodKind], *, now: int) -> int | None:
    if is_multi_factor(kinds - {MethodKind.PASS}):
        return None
    ends = [proof.at + ONE_TIME_PASS_REGISTERS_WITHIN for proof in signed_in.proofs if proof.is_once]
    ends += [
        entry.held.expires_at for entry in entries if entry.held and entry.usability is Usability.ENABLED_BY_POLICY
    ]
    return max((end for end in ends if end > now), default=None)


def require_change(tx: Transaction, signed_in: SignedIn, *, now: int) -> None:
    """Fresh proof, as every change needs. Raises `Refusal(FRESH_MFA_REQUIRED)`."""
    require(tx, signed_in, signed_in.to_change, now=now)


def find(tx: Transaction, signed_in: SignedIn, method_id: str, *, now: int) -> Entry:
    """One of the person's own methods. Raises `Refusal(METHOD_UNKNOWN)`."""
    method = methods.method_of(tx, person_id=signed_in.person.id, method_id=method_id)
    if method is None:
        raise Refusal(Reason.METHOD_UNKNOWN, person_id=signed_in.person.id)
    return _entries(tx, [method], signed_in.person.id, now=now)[0]


def rename(tx: Transaction, signed_in: SignedIn, method_id: str, name: str, *, caller: Caller, now: int) -> Entry:
    """Raises `Refusal`: stale proof, unknown method, invalid or taken name."""
    require(tx, signed_in, signed_in.to_change, now=now)
    entry = find(tx, signed_in, method_id, now=now)
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
            aaguid=entry.aaguid,
            detail=f"was {entry.method.name}",
        )
    return entry._replace(method=entry.method._replace(name=parsed, name_key=key))


def is_last_strong(tx: Transaction, signed_in: SignedIn, entry: Entry, *, now: int) -> bool:
    """Whether the person has two factors now and would not, without this method."""
    counts = methods.kinds_of(tx, signed_in.person.id)
    before = owned_kinds(tx, signed_in.person, now=now)
    after = {kind for kind in before if counts[kind] > (kind == entry.method.kind)}
    return is_multi_factor(before) and not is_multi_factor(after)


def remove(
    tx: Transaction, signed_in: SignedIn, method_id: str, *, is_understood: bool, caller: Caller, now: int
) -> Entry:
    """Forgets a method. The copy of a passkey on a device stays there, as only its owner can delete it.

    `is_understood`: the person was told that it is the last strong one. Raises `Refusal`.
    """
    require(tx, signed_in, signed_in.to_change, now=now)
    entry = find(tx, signed_in, method_id, now=now)
    event = _REMOVED.get(MethodKind(entry.method.kind))
    if event is None:
        raise Refusal(Reason.METHOD_NOT_REMOVABLE, person_id=signed_in.person.id)
    if is_last_strong(tx, signed_in, entry, now=now) and not is_understood:
        raise Refusal(Reason.LAST_STRONG_METHOD, field="understood", person_id=signed_in.person.id)
    methods.delete_method(tx, method_id)
    remaining = owned_kinds(tx, signed_in.person, now=now)
    preferred = signed_in.person.preferred_second_factor
    if preferred is not None and preferred not in remaining:
        people.set_preferred_second_factor(tx, signed_in.person.id, None)
    end_sessions_proven_by(tx, signed_in.person.id, method_id, but=_kept_session(signed_in, entry.method))
    audit.record(
        tx,
        event,
        caller=caller,
        now=now,
        actor=signed_in.person,
        target=signed_in.person,
        method_id=method_id,
        method=entry.method.name,
        aaguid=entry.aaguid,
    )
    return entry


def _kept_session(signed_in: SignedIn, removed: SignInMethod) -> str | None:
    """The session a method is removed from goes on, unless it stands on nothing but the pass that is removed."""
    if removed.kind != MethodKind.PASS:
        return signed_in.session.id
    others = {proof.kind for proof in signed_in.proofs if proof.method_id != removed.id}
    return signed_in.session.id if is_multi_factor(others) else None


def choose_second_factor(tx: Transaction, signed_in: SignedIn, kind: str, *, caller: Caller, now: int) -> None:
    """What is asked first after a password. Raises `Refusal`."""
    require(tx, signed_in, signed_in.to_change, now=now)
    if kind not in second_factors(owned_kinds(tx, signed_in.person, now=now)):
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
    return tuple(kind for kind in (MethodKind.PASSKEY, MethodKind.AUTHENTICATOR, MethodKind.CODE) if kind in kinds)


def begin_password_change(tx: Transaction, signed_in: SignedIn, *, now: int) -> str | None:
    """The present hash, None for a person without a password; counts the attempt to know it. Raises `Refusal`."""
    require(tx, signed_in, signed_in.to_change, now=now)
    enforcing.require_may_add(tx, signed_in.person.id, MethodKind.PASSWORD)
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
