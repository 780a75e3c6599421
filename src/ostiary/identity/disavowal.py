"""*This wasn't me*: the owner of an account, by the link in a notice, takes back what somebody else did.

It works without being signed in, for the owner may no longer be able to: the link is the proof, sent to their own
address. Looking changes nothing, because mail scanners follow links; doing it works once.
"""

from typing import Final, NamedTuple

from ostiary.identifiers import token_hash
from ostiary.identity import audit, notices
from ostiary.identity.assurance import MethodKind, is_multi_factor
from ostiary.identity.caller import Caller
from ostiary.identity.notices import NOTICES, Facts, Letter, Undo
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.roles import Role
from ostiary.identity.sessions import owned_kinds
from ostiary.storage import disavowals, methods, people, sessions
from ostiary.storage.database import Transaction
from ostiary.storage.disavowals import Disavowal
from ostiary.storage.people import Person

ALERTED: Final = (
    Role.GLOBAL_ADMINISTRATOR,
    Role.AUTHENTICATION_ADMINISTRATOR,
    Role.PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
)


class Question(NamedTuple):
    """What a link is about, and what saying so would do."""

    person: Person
    facts: Facts
    undo: Undo


class Outcome(NamedTuple):
    """What was done. `removed`: the method went, if there still was one; `can_sign_in`: a strong way is left;
    `is_password_ended`: none was, so the password went too."""

    person: Person
    facts: Facts
    removed: bool
    must_change_password: bool
    can_sign_in: bool
    is_password_ended: bool = False


def ask(tx: Transaction, token: str, *, now: int) -> Question:
    """What the link would do; changes nothing. Raises `Refusal`: unknown, used or too old."""
    found, person = _find(tx, token, now=now)
    return Question(person, Facts.from_json(found.facts), _undo(found))


def disavow(tx: Transaction, token: str, *, caller: Caller, now: int) -> Outcome:
    """Removes what was added, ends every session, forgets the browser, and alerts administrators; once.

    Every session, and not only those opened since: the one in which it was done was opened before. Raises `Refusal`.
    """
    found, person = _find(tx, token, now=now)
    if not disavowals.use_disavowal(tx, found.token_hash, now=now):
        raise Refusal(Reason.LINK_USED, person_id=person.id)
    facts = Facts.from_json(found.facts)
    removed = _take_back(tx, found, person)
    is_password_ended = removed and _end_lone_password(tx, person)
    kinds = owned_kinds(tx, person, now=now)
    if person.preferred_second_factor is not None and person.preferred_second_factor not in kinds:
        people.set_preferred_second_factor(tx, person.id, None)
    must_change = MethodKind.PASSWORD in kinds
    if must_change or is_password_ended or _undo(found) is Undo.PASSWORD:  # then a helpdesk sets the next one
        people.set_must_change_password(tx, person.id, must_change_password=True)
    ended = sessions.delete_sessions(tx, person.id)
    sessions.forget_browsers_since(tx, person.id, since=found.happened_at, browser=found.browser)
    audit.record(
        tx,
        audit.Event.DISAVOW,
        caller=caller,
        now=now,
        actor=person,
        target=person,
        method_id=found.method_id,
        method=facts.method,
        detail=", ".join(
            (
                f"{found.event} of {found.happened_at}",
                *(("method removed",) if removed else ()),
                *(("password ended",) if is_password_ended else ()),
                f"{ended} sessions ended",
            )
        ),
    )
    outcome = Outcome(person, facts, removed, must_change, is_multi_factor(kinds), is_password_ended)
    _alert(tx, outcome, now=now)
    return outcome


def _find(tx: Transaction, token: str, *, now: int) -> tuple[Disavowal, Person]:
    found = disavowals.disavowal_by_token(tx, token_hash(token))
    person = people.person_by_id(tx, found.person_id) if found else None
    if found is None or person is None:
        raise Refusal(Reason.LINK_UNKNOWN)
    if found.used_at is not None:
        raise Refusal(Reason.LINK_USED, person_id=person.id)
    if found.expires_at <= now:
        raise Refusal(Reason.LINK_EXPIRED, person_id=person.id)
    return found, person


def _undo(disavowal: Disavowal) -> Undo:
    return NOTICES[audit.Event(disavowal.event)]


def _take_back(tx: Transaction, disavowal: Disavowal, person: Person) -> bool:
    """Whether there was still something to remove."""
    match _undo(disavowal):
        case Undo.METHOD:
            method_id = disavowal.method_id
        case Undo.PASSWORD:
            verifier = methods.password_of(tx, person.id)
            # a password set since is another one, with a notice of its own
            is_that_one = verifier is not None and verifier.changed_at <= disavowal.happened_at
            method_id = verifier.method_id if verifier and is_that_one else None
        case _:
            return False
    if method_id is None or methods.method_of(tx, person_id=person.id, method_id=method_id) is None:
        return False
    methods.delete_method(tx, method_id)
    return True


def _end_lone_password(tx: Transaction, person: Person) -> bool:
    """Ends a password that is all that is left, but for a pass that will be over soon. A link is good for a week and
    lies in a mailbox: whoever reads that and knows the password must not be able to make it enough by itself."""
    kinds = {MethodKind(kind) for kind in methods.kinds_of(tx, person.id)} - {MethodKind.PASS}
    verifier = methods.password_of(tx, person.id)
    if verifier is None or is_multi_factor(kinds):
        return False
    methods.delete_method(tx, verifier.method_id)
    return True


def _alert(tx: Transaction, outcome: Outcome, *, now: int) -> None:
    """Mail to every administrator who can help, but not to the person it is about."""
    usernames = {username for username, role, _ in people.role_assignments_by_person(tx) if role in ALERTED}
    more: dict[str, str | int | bool | None] = {
        "person_id": outcome.person.id,
        "person": outcome.person.username,
        "disavowed_at": now,
        "removed": outcome.removed,
        "can_sign_in": outcome.can_sign_in,
    }
    for username in sorted(usernames - {outcome.person.username}):
        administrator = people.person_by_username(tx, username)
        if administrator is not None and administrator.is_enabled:
            notices.post(tx, Letter.ALERT, administrator, outcome.facts.as_json(**more), now=now)
