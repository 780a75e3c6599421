"""Sign-in: one resumable sequence of stages, kept in a row that the browser's cookie names.

    identify -> prove -> prove again, if needed -> interrupts -> done

Which stage is next is a pure function of what is known (`stage_of`), so a sign-in can be left and taken up again, and
a new method or interrupt is one more case there. A step-up is the same sequence, started by a session that must prove
itself afresh.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple, TypeVar

from ostiary.clock import MINUTE
from ostiary.identifiers import new_token, token_hash
from ostiary.identity import audit
from ostiary.identity.assurance import (
    MethodKind,
    Proof,
    Requirement,
    dump_proofs,
    is_satisfied,
    load_proofs,
    next_kinds,
    starts,
)
from ostiary.identity.caller import Caller
from ostiary.identity.methods import Passkeys
from ostiary.identity.methods.authenticator import Outcome
from ostiary.identity.methods.contract import Method, Proven, Subject
from ostiary.identity.methods.password import check_new_password, set_password
from ostiary.identity.names import parse_username
from ostiary.identity.policy import enforcing, keeping
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sessions import Opened, SignedIn, open_session, owned_kinds, raise_session
from ostiary.storage import approvals, methods, organizations, people, sessions
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person
from ostiary.storage.sessions import SignInAttempt

ATTEMPT_LIFETIME = 15 * MINUTE
_FOR_STRANGERS: tuple[MethodKind, ...] = (
    MethodKind.PASSWORD,
    MethodKind.PASSKEY,
    MethodKind.AUTHENTICATOR,
    MethodKind.PASS,
)
_FIRST_WHERE_KNOWN = (MethodKind.PASS, MethodKind.PASSKEY)
Answer = TypeVar("Answer")
Material = TypeVar("Material")
Verified = TypeVar("Verified")


class Stage(StrEnum):
    IDENTIFY = "identify"
    PROVE = "prove"
    NEW_PASSWORD = "new_password"
    DONE = "done"


class State(NamedTuple):
    """Where a sign-in stands: the stage, and for *prove* which methods may come next, the one asked now first."""

    stage: Stage
    attempt: SignInAttempt | None = None
    person: Person | None = None
    kinds: tuple[MethodKind, ...] = ()
    proofs: tuple[Proof, ...] = ()

    @property
    def is_stuck(self) -> bool:
        """Policy leaves nothing to go on with: told, never passed over by asking for less."""
        return self.stage is Stage.PROVE and not self.kinds

    @property
    def is_step_up(self) -> bool:
        return self.attempt is not None and self.attempt.session_id is not None


class Progress(NamedTuple):
    """What a proof led to: the next stage, or a session and where to go with it."""

    state: State
    opened: Opened | None
    next_path: str
    browser_token: str | None = None  # for a browser to be recognised by


def stage_of(
    attempt: SignInAttempt | None,
    person: Person | None,
    *,
    owned: set[MethodKind],
    proofs: tuple[Proof, ...],
    now: int,
    is_browser_known: bool = False,
    off: Collection[MethodKind] = (),
    unusable: Collection[MethodKind] = (),
    is_passwordless: bool = False,
) -> State:
    """The next stage. Before the first proof it is the same for every username, known or not: a password or a pass may
    be typed and a passkey used; only a browser the person signed in from before is offered what they have first.

    `off` are methods that policy gives to nobody; `unusable` those it takes from this person, who
    is asked for as much as before all the same. `is_passwordless`: an approval may come first, for everybody alike.
    """
    if attempt is None or attempt.username is None:
        return State(Stage.IDENTIFY, attempt)
    requirement = Requirement(attempt.max_age, attempt.is_phishing_resistant)
    is_stranger = not proofs and attempt.session_id is None
    if is_stranger:
        offered = starts(is_passwordless=is_passwordless)
        kinds = tuple(kind for kind in _FOR_STRANGERS if kind in offered and kind not in off)
        usable = owned - set(unusable)
        better = next((kind for kind in _FIRST_WHERE_KNOWN if kind in usable and kind in kinds), None)
        if is_browser_known and better is not None:
            kinds = _first(kinds, better)
    elif person is not None and is_satisfied(proofs, requirement, owned=owned, now=now):
        has_typed_it = any(proof.kind is MethodKind.PASSWORD for proof in proofs)
        needs_password = person.must_change_password and has_typed_it
        return State(Stage.NEW_PASSWORD if needs_password else Stage.DONE, attempt, person, (), proofs)
    else:
        wanted = next_kinds(proofs, requirement, owned=owned, now=now, is_passwordless=is_passwordless)
        kinds = tuple(kind for kind in wanted if kind not in unusable)
        if person is not None and person.preferred_second_factor in kinds and MethodKind.PASS not in kinds:
            kinds = _first(kinds, MethodKind(person.preferred_second_factor))
    if attempt.method is not None and attempt.method in kinds:
        kinds = _first(kinds, MethodKind(attempt.method))
    return State(Stage.PROVE, attempt, person, kinds, proofs)


def find_attempt(tx: Transaction, token: str | None, *, caller: Caller, now: int) -> State:
    """Where the sign-in that this cookie names stands."""
    attempt = sessions.attempt_by_token(tx, token_hash(token)) if token else None
    if attempt is None or attempt.expires_at <= now:
        return State(Stage.IDENTIFY)
    return _state(tx, attempt, caller=caller, now=now)


def identify(
    tx: Transaction,
    token: str,
    username: str,
    *,
    next_path: str,
    method: str | None = None,
    caller: Caller,
    now: int,
) -> State:
    """Stage *identify*: begins a sign-in as this username. Says nothing about whether there is such a person.

    `method` is the one to ask for first, when whoever signs in has said so before.

    Raises `Refusal(USERNAME_INVALID)` or `Refusal(DOMAIN_UNKNOWN)`.
    """
    parsed = _parse_username(tx, username)
    person = people.person_by_username(tx, parsed)
    attempt = SignInAttempt(
        token_hash=token_hash(token),
        username=parsed,
        person_id=person.id if person else None,
        session_id=None,
        max_age=None,
        method=method,
        proofs="[]",
        next_path=next_path,
        expires_at=now + ATTEMPT_LIFETIME,
    )
    sessions.put_attempt(tx, attempt)
    return _state(tx, attempt, caller=caller, now=now)


def remember_next(tx: Transaction, token: str, *, next_path: str, method: str | None = None, now: int) -> None:
    """A sign-in not yet begun that already knows where it leads, and perhaps by which method."""
    sessions.put_attempt(
        tx, SignInAttempt(token_hash(token), None, None, None, None, method, "[]", next_path, now + ATTEMPT_LIFETIME)
    )


def begin_step_up(
    tx: Transaction,
    token: str,
    signed_in: SignedIn,
    requirement: Requirement,
    *,
    next_path: str,
    caller: Caller,
    now: int,
) -> State:
    """A session that must prove itself afresh, for as much as it has not proven recently enough."""
    owned = {method.id for method in methods.methods_of(tx, signed_in.person.id)}  # a method gone proves nothing more
    attempt = SignInAttempt(
        token_hash=token_hash(token),
        username=signed_in.person.username,
        person_id=signed_in.person.id,
        session_id=signed_in.session.id,
        max_age=requirement.max_age,
        method=None,
        proofs=dump_proofs(proof for proof in signed_in.proofs if proof.method_id in owned),
        next_path=next_path,
        expires_at=now + ATTEMPT_LIFETIME,
        is_phishing_resistant=requirement.is_phishing_resistant,
    )
    sessions.put_attempt(tx, attempt)
    return _state(tx, attempt, caller=caller, now=now)


def choose_method(tx: Transaction, token: str, kind: str, *, caller: Caller, now: int) -> State:
    """*Use another way*. Raises `Refusal(METHOD_NOT_OFFERED)`."""
    state = _live(tx, token, caller=caller, now=now)
    if kind not in state.kinds or state.attempt is None:
        raise Refusal(Reason.METHOD_NOT_OFFERED)
    _give_up_approval(tx, state.attempt, now=now)
    attempt = state.attempt._replace(method=kind)
    sessions.update_attempt(tx, attempt)
    return _state(tx, attempt, caller=caller, now=now)


def restart(tx: Transaction, token: str, *, now: int) -> None:
    attempt = sessions.attempt_by_token(tx, token_hash(token))
    if attempt is not None:
        _give_up_approval(tx, attempt, now=now)
        sessions.delete_attempt(tx, attempt.token_hash)


def _give_up_approval(tx: Transaction, attempt: SignInAttempt, *, now: int) -> None:
    """The person goes another way: nobody need answer what this sign-in asked."""
    if attempt.method == MethodKind.AUTHENTICATOR:
        approvals.cancel_requests(tx, attempt.token_hash, outcome=Outcome.CANCELLED, now=now)


def subject_of(state: State, *, caller: Caller, binding: bytes, now: int) -> Subject:
    username = state.attempt.username if state.attempt else None
    return Subject(caller, binding, now, username, state.person)


def require_offered(state: State, kind: MethodKind) -> None:
    """Only a method that the stage asks for is judged. Raises `Refusal`."""
    if state.stage is Stage.IDENTIFY:
        raise Refusal(Reason.SIGN_IN_EXPIRED)
    if kind not in state.kinds:
        raise Refusal(Reason.METHOD_NOT_OFFERED)


def begin_passkey(
    tx: Transaction, passkeys: Passkeys, username: str | None, *, binding: bytes, caller: Caller, now: int
) -> Mapping[str, object]:
    """Options for a passkey sign-in, of anybody or of a username typed before. Raises `Refusal(USERNAME_INVALID)` or
    `Refusal(DOMAIN_UNKNOWN)`."""
    parsed = person = None
    if username is not None:
        parsed = _parse_username(tx, username)
        person = people.person_by_username(tx, parsed)
    return passkeys.begin(tx, Subject(caller, binding, now, parsed, person))


def conclude(
    tx: Transaction,
    method: Method[Answer, Material, Verified],
    subject: Subject,
    verified: Verified,
    token: str,
    signed_in: SignedIn | None,
) -> Progress:
    """Accepts what a method verified and takes the sign-in one step further, all or nothing."""
    proven = method.accept(tx, subject, verified)
    return advance(tx, token, proven, signed_in, caller=subject.caller, now=subject.now)


def advance(
    tx: Transaction,
    token: str,
    proven: Proven,
    signed_in: SignedIn | None,
    *,
    caller: Caller,
    now: int,
) -> Progress:
    """Takes the sign-in one proof further, and opens or raises the session when that was the last.

    A proof of somebody else than the one who began is refused in a step-up, and otherwise begins that person's own
    sign-in: a passkey says who it belongs to.
    """
    person = people.person_by_id(tx, proven.person.id)  # as they are now, not when the proof was begun
    if person is None or not person.is_enabled:
        raise Refusal(Reason.CREDENTIALS_WRONG, person_id=proven.person.id)
    proven = proven._replace(person=person)
    attempt = sessions.attempt_by_token(tx, token_hash(token))
    if attempt is not None and attempt.expires_at <= now:
        attempt = None
    if attempt is not None and attempt.session_id is not None:
        if signed_in is None or signed_in.session.id != attempt.session_id:
            raise Refusal(Reason.SIGN_IN_REQUIRED)
        if signed_in.person.id != proven.person.id:
            raise Refusal(Reason.DIFFERENT_PERSON, person_id=signed_in.person.id)
    proofs: tuple[Proof, ...] = (proven.proof,)
    if attempt is not None and attempt.person_id == proven.person.id:
        proofs = (*load_proofs(attempt.proofs), proven.proof)
    is_new = attempt is None
    if attempt is not None and proven.proof.kind is not MethodKind.AUTHENTICATOR:
        _give_up_approval(tx, attempt, now=now)
    attempt = SignInAttempt(
        token_hash=token_hash(token),
        username=proven.person.username,
        person_id=proven.person.id,
        session_id=attempt.session_id if attempt else None,
        max_age=attempt.max_age if attempt else None,
        method=None,
        proofs=dump_proofs(proofs),
        next_path=attempt.next_path if attempt else "/security-info",
        expires_at=now + ATTEMPT_LIFETIME,
        is_phishing_resistant=attempt is not None and attempt.is_phishing_resistant,
    )
    owned = {MethodKind.PASSKEY} if proven.proof.kind is MethodKind.PASSKEY else owned_kinds(tx, proven.person, now=now)
    state = stage_of(attempt, proven.person, owned=owned, proofs=proofs, now=now)
    if state.stage is not Stage.DONE:
        sessions.put_attempt(tx, attempt)
        return Progress(state, None, attempt.next_path)
    if not is_new:
        sessions.delete_attempt(tx, attempt.token_hash)
    return _finish(tx, state, signed_in, aaguid=proven.aaguid, caller=caller, now=now)


def replace_password(
    tx: Transaction, token: str, *, hash: str, signed_in: SignedIn | None, caller: Caller, now: int
) -> Progress:
    """Stage *new password*: the person chose one of their own. `hash` is of a password `check_replacement` passed."""
    state = _live(tx, token, caller=caller, now=now)
    if state.stage is not Stage.NEW_PASSWORD or state.person is None or state.attempt is None:
        raise Refusal(Reason.SIGN_IN_EXPIRED)
    if not state.person.is_enabled:
        raise Refusal(Reason.CREDENTIALS_WRONG, person_id=state.person.id)
    method_id = set_password(tx, state.person, hash, now=now)
    people.set_must_change_password(tx, state.person.id, must_change_password=False)
    audit.record(
        tx,
        audit.Event.PASSWORD_CHANGE,
        caller=caller,
        now=now,
        actor=state.person,
        target=state.person,
        method_id=method_id,
    )
    sessions.delete_attempt(tx, state.attempt.token_hash)
    return _finish(tx, state, signed_in, caller=caller, now=now)


def check_replacement(tx: Transaction, token: str, new: str, repeat: str, *, caller: Caller, now: int) -> str:
    """Whether these may become the new password; answers the hash they must not match. Raises `Refusal`."""
    state = _live(tx, token, caller=caller, now=now)
    if state.stage is not Stage.NEW_PASSWORD or state.person is None:
        raise Refusal(Reason.SIGN_IN_EXPIRED)
    check_new_password(new, username=state.person.username)
    if new != repeat:
        raise Refusal(Reason.PASSWORDS_DIFFER, field="repeat")
    verifier = methods.password_of(tx, state.person.id)
    return verifier.hash if verifier else ""


def _finish(
    tx: Transaction,
    state: State,
    signed_in: SignedIn | None,
    *,
    aaguid: str | None = None,
    caller: Caller,
    now: int,
) -> Progress:
    attempt, person, proofs = state.attempt, state.person, state.proofs
    assert attempt is not None and person is not None
    browser_token, is_new_browser = None, False
    if attempt.session_id is not None and signed_in is not None:
        opened = raise_session(tx, signed_in, proofs, now=now)
        event = audit.Event.SESSION_STEP_UP
    else:
        if signed_in is not None:  # signing in again replaces this browser's session
            sessions.delete_session(tx, person_id=signed_in.person.id, session_id=signed_in.session.id)
        opened = open_session(tx, person, proofs, caller=caller, now=now)
        event = audit.Event.SESSION_OPEN
        browser_token, is_new_browser = _recognise(tx, person, caller=caller, now=now)
    audit.record(
        tx,
        event,
        caller=caller,
        now=now,
        actor=person,
        target=person,
        method_id=proofs[-1].method_id,
        method="+".join(dict.fromkeys(proof.kind for proof in proofs)),
        aaguid=aaguid,
    )
    if is_new_browser:
        audit.record(tx, audit.Event.BROWSER_ADD, caller=caller, now=now, actor=person, target=person, aaguid=aaguid)
    return Progress(state._replace(stage=Stage.DONE), opened, attempt.next_path, browser_token)


def _recognise(tx: Transaction, person: Person, *, caller: Caller, now: int) -> tuple[str | None, bool]:
    """Remembers that this person signs in from this browser: a token for a browser that has none yet, and whether they
    had not used it before."""
    if caller.browser is None:
        token = new_token()
        sessions.insert_known_browser(tx, token_hash=token_hash(token), person_id=person.id, at=now)
        return token, True
    if not sessions.is_browser_known(tx, token_hash=caller.browser, person_id=person.id):
        sessions.insert_known_browser(tx, token_hash=caller.browser, person_id=person.id, at=now)
        return None, True
    return None, False


def _state(tx: Transaction, attempt: SignInAttempt, *, caller: Caller, now: int) -> State:
    person = people.person_by_id(tx, attempt.person_id) if attempt.person_id else None
    known = bool(
        person and caller.browser and sessions.is_browser_known(tx, token_hash=caller.browser, person_id=person.id)
    )
    proofs = load_proofs(attempt.proofs)
    # of a stranger nothing is looked up, so that what somebody has shows in no answer's time either
    is_stranger = not (known or proofs or attempt.session_id)
    owned = owned_kinds(tx, person, now=now) if person and not is_stranger else set()
    unusable = enforcing.unusable_kinds(tx, person.id, owned, now=now) if person and owned else {}
    policy = keeping.current(tx)
    return stage_of(
        attempt,
        person,
        owned=owned,
        proofs=proofs,
        now=now,
        is_browser_known=known,
        off=enforcing.kinds_for_nobody(policy),
        unusable=unusable,
        is_passwordless=enforcing.is_passwordless_offered(policy),
    )


def _parse_username(tx: Transaction, username: str) -> str:
    domains = [domain.name for domain in organizations.all_domains(tx)]
    return parse_username(username, primary_domain=domains[0] if domains else None, domains=domains)


def _live(tx: Transaction, token: str, *, caller: Caller, now: int) -> State:
    state = find_attempt(tx, token, caller=caller, now=now)
    if state.stage is Stage.IDENTIFY:
        raise Refusal(Reason.SIGN_IN_EXPIRED)
    return state


def _first(kinds: tuple[MethodKind, ...], wanted: MethodKind) -> tuple[MethodKind, ...]:
    return (wanted, *(kind for kind in kinds if kind is not wanted))
