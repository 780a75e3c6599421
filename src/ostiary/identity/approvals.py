"""Asking a person's Ostiary Authenticator to approve a sign-in, and waiting for what it says.

One request at a time for an account, a minute long, answered once. Before the first proof an account that is not there,
or has no Authenticator, is asked in vain: the same work, the same page, the same minute. Who sends requests that nobody
approves can send no more for a while, for a person asked again and again says yes in the end.
"""

import secrets
from typing import Final, NamedTuple

from ostiary.clock import DAY, SECOND
from ostiary.identifiers import new_id
from ostiary.identity import audit, limits, sign_in
from ostiary.identity.assurance import MethodKind, Requirement, valid_kinds
from ostiary.identity.caller import Caller
from ostiary.identity.methods.authenticator import Authenticators, Material, Outcome, Verified
from ostiary.identity.methods.contract import Subject
from ostiary.identity.methods.password import counted_as
from ostiary.identity.policy import keeping
from ostiary.identity.policy.evaluate import includes
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sessions import SignedIn
from ostiary.identity.sign_in import Progress, State
from ostiary.storage import approvals, people, sessions
from ostiary.storage.approvals import ApprovalRequest, Holder
from ostiary.storage.database import Transaction

WAITS: Final = 60 * SECOND
REPORT_COUNTS: Final = DAY
"""How long a report keeps requests from the same place away."""
_NOBODYS: Final = ""
_REASONS: Final = {
    Outcome.DECLINED: Reason.APPROVAL_DECLINED,
    Outcome.REPORTED: Reason.APPROVAL_REPORTED,
    Outcome.WRONG_NUMBER: Reason.APPROVAL_NUMBER_WRONG,
    Outcome.NOT_VERIFIED: Reason.APPROVAL_NOT_VERIFIED,
    Outcome.FORGED: Reason.APPROVAL_SIGNATURE_WRONG,
    Outcome.CANCELLED: Reason.APPROVAL_CANCELLED,
    Outcome.USED: Reason.APPROVAL_ANSWERED,
}
_OUTCOMES: Final = {
    Reason.APPROVAL_DECLINED: Outcome.DECLINED,
    Reason.APPROVAL_REPORTED: Outcome.REPORTED,
    Reason.APPROVAL_NUMBER_WRONG: Outcome.WRONG_NUMBER,
    Reason.APPROVAL_NOT_VERIFIED: Outcome.NOT_VERIFIED,
    Reason.APPROVAL_SIGNATURE_WRONG: Outcome.FORGED,
}


class Waiting(NamedTuple):
    """A request as the page that waits for it shows it. `reason`: why it is over without an approval, None while it is
    open, and when it is approved."""

    request: ApprovalRequest
    number: str
    reason: Reason | None
    is_approved: bool

    @property
    def is_over(self) -> bool:
        return self.is_approved or self.reason is not None


class Look(NamedTuple):
    """What a connected device is to know. `ended`: why its connection ends; `pending` what waits for it now."""

    ended: Reason | None
    is_replaced: bool
    pending: ApprovalRequest | None
    shown: ApprovalRequest | None


def is_for_stranger(state: State) -> bool:
    """Nothing is proven yet: nothing may be said of the account."""
    return not state.proofs and not state.is_step_up


def proven_kinds(state: State, *, now: int) -> set[MethodKind]:
    """For what is asked now: a step-up brings the proofs of its session, also those too old to count."""
    assert state.attempt is not None
    return valid_kinds(state.proofs, Requirement(state.attempt.max_age), now)


def begin(tx: Transaction, state: State, subject: Subject, *, now: int) -> ApprovalRequest:
    """Asks, in the place of what this sign-in asked before.

    Raises `Refusal`: another browser's request waits, too many went unanswered, or one from here was reported.
    """
    sign_in.require_offered(state, MethodKind.AUTHENTICATOR)
    username, caller = subject.username, subject.caller
    assert username is not None and state.attempt is not None  # nothing is offered before there is one
    network = limits.network(caller)
    who = None if is_for_stranger(state) or subject.person is None else subject.person.id
    approvals.hold_username(tx, username)
    if approvals.is_reported(
        tx,
        username=username,
        network=network,
        browser=caller.browser,
        binding=subject.binding,
        since=now - REPORT_COUNTS,
    ):
        raise Refusal(Reason.APPROVALS_PAUSED, person_id=who, detail="reported")
    if approvals.is_pending_elsewhere(tx, username, binding=subject.binding, now=now):
        raise Refusal(Reason.APPROVAL_PENDING, person_id=who)
    try:
        _charge(tx, state, subject, network, now=now)
    except Refusal as refusal:
        refusal.person_id = who
        raise
    approvals.cancel_requests(tx, subject.binding, outcome=Outcome.CANCELLED, now=now)
    request = ApprovalRequest(
        id=new_id(),
        person_id=_asked(tx, subject),
        username=username,
        binding=subject.binding,
        browser=caller.browser,
        network=network,
        nonce=secrets.token_bytes(32),
        is_passwordless=MethodKind.PASSWORD not in proven_kinds(state, now=now),
        client=caller.client,
        address=caller.address,
        created_at=now,
        expires_at=now + WAITS,
        method_id=None,
        answered_at=None,
        outcome=None,
        reference=None,
    )
    approvals.insert_request(tx, request)
    sessions.update_attempt(tx, state.attempt._replace(method=MethodKind.AUTHENTICATOR))
    return request


def _charge(tx: Transaction, state: State, subject: Subject, network: str, *, now: int) -> None:
    whose = counted_as(tx, subject)
    limit = limits.PASSWORDLESS_PER_ACCOUNT if is_for_stranger(state) else limits.APPROVALS_PER_ACCOUNT
    if whose.endswith("\nstranger"):
        limits.charge(tx, limits.APPROVALS_PER_NETWORK, network, now=now, reason=Reason.APPROVALS_PAUSED)
    limits.charge(tx, limit, whose, now=now, reason=Reason.APPROVALS_PAUSED)


def _asked(tx: Transaction, subject: Subject) -> str | None:
    """Whose devices hear of it; None: nobody's. Read alike for everybody, so that nobody's page comes sooner."""
    person_id = subject.person.id if subject.person else _NOBODYS
    devices = approvals.devices_of(tx, person_id)
    against = includes(keeping.current(tx).authenticator, people.group_ids_of(tx, person_id))
    is_enabled = subject.person is not None and subject.person.is_enabled
    return person_id if devices and against is None and is_enabled else None


# --- the browser that waits


def waiting(tx: Transaction, authenticator: Authenticators, binding: bytes, *, now: int) -> Waiting | None:
    """What this sign-in asked for last."""
    request = approvals.newest_request_of_sign_in(tx, binding)
    if request is None or now - request.created_at > sign_in.ATTEMPT_LIFETIME:
        return None
    number = authenticator.number_of(request)
    if request.outcome == Outcome.APPROVED:
        return Waiting(request, number, None, is_approved=True)
    if request.outcome is not None:
        return Waiting(request, number, _REASONS[Outcome(request.outcome)], is_approved=False)
    return Waiting(request, number, Reason.APPROVAL_EXPIRED if request.expires_at <= now else None, is_approved=False)


def conclude(
    tx: Transaction,
    authenticator: Authenticators,
    subject: Subject,
    token: str,
    signed_in: SignedIn | None,
) -> Progress:
    """The browser goes on with the approval it waited for. Raises `Refusal`: there is none, and why."""
    found = waiting(tx, authenticator, subject.binding, now=subject.now)
    if found is None or found.request.username != subject.username:
        raise Refusal(Reason.APPROVAL_UNKNOWN)
    if found.reason is not None:
        raise Refusal(found.reason)
    if not found.is_approved or found.request.method_id is None:
        raise Refusal(Reason.APPROVAL_WAITING)
    verified = Verified(found.request, found.request.method_id)
    return sign_in.conclude(tx, authenticator, subject, verified, token, signed_in)


# --- the device that answers


def find_holder(tx: Transaction, device_id: str) -> Holder:
    """Whose device it says it is: nothing is told about them before it has proven that. Raises
    `Refusal(DEVICE_UNKNOWN)`."""
    holder = approvals.holder_of(tx, device_id)
    if holder is None:
        raise Refusal(Reason.DEVICE_UNKNOWN)
    return holder


def require_enabled(holder: Holder) -> None:
    """Raises `Refusal(ACCOUNT_DISABLED)` of somebody who may not sign in: the device is still theirs."""
    if not holder.person.is_enabled:
        raise Refusal(Reason.ACCOUNT_DISABLED, person_id=holder.person.id, method_id=holder.device.method_id)


def connect(tx: Transaction, holder: Holder, connection: str) -> None:
    """This connection counts from now on; an older one of the same device ends."""
    approvals.set_connection(tx, holder.device, connection)


def look(tx: Transaction, device_id: str, connection: str, shown: str | None, *, now: int) -> Look:
    """`shown`: the request the device was told of last, if it was not told that it is over."""
    try:
        holder = find_holder(tx, device_id)
        require_enabled(holder)
    except Refusal as refusal:
        return Look(Reason(refusal.reason), False, None, None)
    if holder.device.connection != connection:
        return Look(None, True, None, None)
    return Look(
        None,
        False,
        approvals.pending_request_of(tx, holder.person.id, now=now),
        approvals.request_by_id(tx, shown) if shown else None,
    )


def settle(tx: Transaction, material: Material, refusal: Refusal | None, *, now: int) -> Outcome:
    """Keeps what an answer turned out to be, tells the page that waits, and records what was refused.

    A report ends the sign-in it is about and the session that asked, and is told to the owner.
    """
    request, holder = material
    if refusal is None:
        approvals.settle_request(tx, request, Outcome.APPROVED)
        return Outcome.APPROVED
    outcome = _OUTCOMES[Reason(refusal.reason)]
    asked_from = Caller(request.address, request.client, request.browser)
    reference = None
    if outcome is Outcome.REPORTED:
        audit.record(
            tx,
            audit.Event.APPROVAL_REPORT,
            caller=asked_from,
            now=now,
            actor=holder.person,
            target=holder.person,
            method_id=holder.device.method_id,
            method=holder.name,
            detail="a username was enough to ask" if request.is_passwordless else "the password had been typed",
        )
        attempt = sessions.attempt_by_token(tx, request.binding)
        if attempt is not None and attempt.session_id is not None:
            sessions.delete_session(tx, person_id=holder.person.id, session_id=attempt.session_id)
        sessions.delete_attempt(tx, request.binding)
    else:
        reference = audit.record_refusal(
            tx,
            audit.Event.SIGN_IN,
            refusal.reason.value,
            caller=asked_from,
            now=now,
            person=holder.person,
            method_id=holder.device.method_id,
            method=holder.name,
        )
    approvals.settle_request(tx, request, outcome, reference=reference)
    return outcome
