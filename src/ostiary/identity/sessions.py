"""Sessions: who is signed in, in which browser, proven how and when."""

from typing import NamedTuple

from ostiary.clock import DAY, HOUR, MINUTE
from ostiary.identifiers import new_id, new_token, token_hash
from ostiary.identity import audit
from ostiary.identity.assurance import (
    CHANGE_METHODS,
    SIGN_IN,
    MethodKind,
    Proof,
    Requirement,
    dump_proofs,
    is_multi_factor,
    is_satisfied,
    latest,
    load_proofs,
    valid_kinds,
)
from ostiary.identity.caller import Caller
from ostiary.identity.methods.temporary_access_pass import usable_pass
from ostiary.identity.reasons import Reason, Refusal
from ostiary.storage import methods, sessions
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person
from ostiary.storage.sessions import Session

ABSOLUTE_LIFETIME = 7 * DAY
IDLE_LIFETIME = 12 * HOUR
SECURITY_INFO_IDLE = 15 * MINUTE
OPEN_AFTER_IDLE = Requirement(max_age=SECURITY_INFO_IDLE)
_SEEN_EVERY = MINUTE  # writing more often would tell nobody more


class SignedIn(NamedTuple):
    """A live session and whose it is. `to_change`: what must be proven in it to change a sign-in method."""

    session: Session
    person: Person
    proofs: tuple[Proof, ...]
    to_change: Requirement = CHANGE_METHODS


class Opened(NamedTuple):
    """A session's new token, the only time it is known to us."""

    token: str
    session_id: str


def open_session(
    tx: Transaction,
    person: Person,
    proofs: tuple[Proof, ...],
    *,
    lifetime: int = ABSOLUTE_LIFETIME,
    caller: Caller,
    now: int,
) -> Opened:
    token = new_token()
    session = Session(
        id=new_id(),
        token_hash=token_hash(token),
        person_id=person.id,
        proofs=dump_proofs(proofs),
        client=caller.client,
        address=caller.address,
        created_at=now,
        last_seen_at=now,
        expires_at=ends_at(tx, person, proofs, now + lifetime, now=now),
    )
    sessions.insert_session(tx, session)
    return Opened(token, session.id)


def find_session(tx: Transaction, token: str, *, now: int) -> SignedIn | None:
    """The live session of this token: not expired, not idle too long, of a person who may sign in."""
    found = sessions.session_by_token(tx, token_hash(token))
    if found is None:
        return None
    session, person = found
    if session.expires_at <= now or now - session.last_seen_at > IDLE_LIFETIME or not person.is_enabled:
        return None
    return SignedIn(session, person, load_proofs(session.proofs))


def needs_touch(session: Session, now: int) -> bool:
    return now - session.last_seen_at >= _SEEN_EVERY


def touch_session(tx: Transaction, session_id: str, *, now: int) -> None:
    sessions.set_seen(tx, session_id, now)


def raise_session(tx: Transaction, signed_in: SignedIn, new_proofs: tuple[Proof, ...], *, now: int) -> Opened:
    """Adds proofs to a session. Its privilege grows, so its token is replaced and the old one ends."""
    token = new_token()
    rotated = sessions.rotate_session(
        tx,
        signed_in.session.id,
        token_hash=token_hash(token),
        proofs=dump_proofs(latest((*signed_in.proofs, *new_proofs))),
        last_seen_at=now,
        expires_at=ends_at(tx, signed_in.person, new_proofs, signed_in.session.expires_at, now=now),
    )
    if not rotated:  # ended meanwhile, by its owner elsewhere
        raise Refusal(Reason.SIGN_IN_REQUIRED)
    return Opened(token, signed_in.session.id)


def ends_at(tx: Transaction, person: Person, proofs: tuple[Proof, ...], at_latest: int, *, now: int) -> int:
    """A pass takes the sessions it proved with it. Raises `Refusal(SIGN_IN_EXPIRED)` when it is gone already."""
    passes = {proof.method_id for proof in proofs if proof.kind is MethodKind.PASS}
    if not passes:
        return at_latest
    held = methods.pass_of(tx, person.id)
    if held is None or passes != {held.method_id} or held.expires_at <= now:
        raise Refusal(Reason.SIGN_IN_EXPIRED, person_id=person.id)
    return min(at_latest, held.expires_at)


def owned_kinds(tx: Transaction, person: Person, *, now: int) -> set[MethodKind]:
    """What the person can prove now: a pass counts only while it is usable."""
    kinds = {MethodKind(kind) for kind in methods.kinds_of(tx, person.id)}
    if MethodKind.PASS in kinds and usable_pass(tx, person.id, now=now) is None:
        kinds.discard(MethodKind.PASS)
    return kinds


def require(tx: Transaction, signed_in: SignedIn, requirement: Requirement, *, now: int) -> None:
    """Raises `Refusal(FRESH_MFA_REQUIRED)` when the session's proofs do not satisfy the requirement, and
    `Refusal(PASS_REGISTRATION_OVER)` when a one-time pass did, and there is nothing to prove afresh with."""
    owned = owned_kinds(tx, signed_in.person, now=now)
    if is_satisfied(signed_in.proofs, requirement, owned=owned, now=now):
        return
    if not owned and any(proof.is_once for proof in signed_in.proofs):
        raise Refusal(Reason.PASS_REGISTRATION_OVER, person_id=signed_in.person.id)
    raise Refusal(Reason.FRESH_MFA_REQUIRED, person_id=signed_in.person.id)


def admit(tx: Transaction, token: str | None, *, now: int) -> SignedIn:
    """Opening Security info: a session, with MFA when the person has it, proven again after an idle quarter of an hour.

    Raises `Refusal(SIGN_IN_REQUIRED)` or `Refusal(FRESH_MFA_REQUIRED)`.
    """
    signed_in = find_session(tx, token, now=now) if token else None
    if signed_in is None:
        raise Refusal(Reason.SIGN_IN_REQUIRED)
    is_idle = now - signed_in.session.last_seen_at > SECURITY_INFO_IDLE
    require(tx, signed_in, OPEN_AFTER_IDLE if is_idle else SIGN_IN, now=now)
    return signed_in


def require_second_factor(tx: Transaction, signed_in: SignedIn, *, now: int) -> None:
    """A passkey is added by somebody proven by two factors; whoever has no second one, and no pass that stands for
    both, adds it first."""
    is_proven = is_multi_factor(valid_kinds(signed_in.proofs, signed_in.to_change, now))
    if not is_proven and not is_multi_factor(owned_kinds(tx, signed_in.person, now=now)):
        raise Refusal(Reason.SECOND_FACTOR_REQUIRED, person_id=signed_in.person.id)


def require_pass_in_time(signed_in: SignedIn, *, now: int) -> None:
    """What a one-time pass began must be finished within ten minutes of its use, however late a ceremony was begun.

    Raises `Refusal(PASS_REGISTRATION_OVER)` for a session that nothing else proves as well.
    """
    kinds = {proof.kind for proof in signed_in.proofs if not proof.is_once}
    once = [proof for proof in signed_in.proofs if proof.is_once]
    if once and not is_multi_factor(kinds | valid_kinds(once, signed_in.to_change, now)):
        raise Refusal(Reason.PASS_REGISTRATION_OVER, person_id=signed_in.person.id)


def end_session(tx: Transaction, signed_in: SignedIn, session_id: str, *, caller: Caller, now: int) -> None:
    """Ends one of the person's sessions. Raises `Refusal(SESSION_UNKNOWN)`."""
    if not sessions.delete_session(tx, person_id=signed_in.person.id, session_id=session_id):
        raise Refusal(Reason.SESSION_UNKNOWN, person_id=signed_in.person.id)
    audit.record(tx, audit.Event.SESSION_END, caller=caller, now=now, actor=signed_in.person, target=signed_in.person)


def end_all_sessions(tx: Transaction, signed_in: SignedIn, *, caller: Caller, now: int) -> None:
    """Signs the person out everywhere, here too, and forgets every browser that was trusted."""
    ended = sessions.delete_sessions(tx, signed_in.person.id)
    sessions.forget_browsers(tx, signed_in.person.id)
    audit.record(
        tx,
        audit.Event.SESSIONS_END,
        caller=caller,
        now=now,
        actor=signed_in.person,
        target=signed_in.person,
        detail=f"{ended} sessions",
    )


def end_sessions_proven_by(tx: Transaction, person_id: str, method_id: str, *, but: str | None = None) -> None:
    """When a method is removed, the sessions it opened go with it; `but` is the one it is removed from."""
    for session in sessions.sessions_of(tx, person_id):
        if session.id != but and any(proof.method_id == method_id for proof in load_proofs(session.proofs)):
            sessions.delete_session(tx, person_id=person_id, session_id=session.id)
