"""`/sign-in/approval`: the browser that waits for the Ostiary Authenticator.

The page waits on one stream of events, which says once that it is over; then the page posts *Continue*, as whoever has
no scripts does by a button, and what came of the request is judged there and nowhere else.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from starlette.responses import Response, StreamingResponse

from ostiary.clock import MINUTE, SECOND
from ostiary.identifiers import token_hash
from ostiary.identity import approvals, authenticator_registration, sign_in
from ostiary.identity.approvals import Waiting
from ostiary.identity.assurance import MethodKind
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sign_in import Stage, State
from ostiary.storage.announcements import topic_of_person, topic_of_sign_in
from ostiary.storage.database import Transaction
from ostiary.web import cookies
from ostiary.web.pages import ApprovalView, Problem
from ostiary.web.visit import Visit
from ostiary.web.wording import words_of

_STILL_THERE: Final = 20.0
"""Seconds of silence after which a stream says that it is still there."""
_LONGEST: Final = 10 * MINUTE
_RETRY: Final = b"retry: 1000\n\n"

Over = Callable[[], Awaitable[str | None]]


async def send_request(visit: Visit, state: State) -> Refusal | None:
    """Asks the Authenticator. Answers why it could not be asked."""
    binding = token_hash(visit.sign_in_token)
    subject = sign_in.subject_of(state, caller=visit.caller, binding=binding, now=visit.now)
    try:
        await visit.write(approvals.begin, state, subject, now=visit.now)
    except Refusal as refusal:
        return refusal
    return None


async def find_waiting(visit: Visit, state: State) -> Waiting | None:
    """What this sign-in asked for last, for the account it is about and since its last step."""
    token, attempt = visit.cookie(cookies.SIGN_IN), state.attempt
    if not token or attempt is None:
        return None
    found = await visit.read(
        approvals.waiting, visit.site.methods.authenticator, token_hash(token), now=visit.site.clock()
    )
    if found is None or found.request.username != attempt.username:
        return None
    return found if found.request.created_at >= attempt.expires_at - sign_in.ATTEMPT_LIFETIME else None


async def find_reported(visit: Visit) -> Waiting | None:
    """What this browser asked for, when its owner reported it and the sign-in is over."""
    token = visit.cookie(cookies.SIGN_IN)
    binding = token_hash(token) if token else b""
    found = await visit.read(approvals.waiting, visit.site.methods.authenticator, binding, now=visit.now)
    return found if found is not None and found.reason is Reason.APPROVAL_REPORTED else None


def view_of(waiting: Waiting | None, *, now: int) -> ApprovalView | None:
    """What the page shows while a request is open, or approved and not yet taken."""
    if waiting is None or waiting.reason is not None:
        return None
    request = waiting.request
    return ApprovalView(
        number=waiting.number,
        seconds_left=max(0, -(-(request.expires_at - now) // SECOND)),
        seconds=approvals.WAITS // SECOND,
        is_approved=waiting.is_approved,
    )


def problem_of(visit: Visit, waiting: Waiting | None) -> Problem | None:
    """Why a request is over: it was recorded when it was answered."""
    if waiting is None or waiting.reason is None or waiting.reason is Reason.APPROVAL_ANSWERED:
        return None
    title, next = words_of(Refusal(waiting.reason), visit.say)
    return Problem(code=waiting.reason.value, title=title, next=next, reference=waiting.request.reference)


def is_to_be_sent(state: State, waiting: Waiting | None) -> bool:
    """Without being asked for: after a proof the request goes out with the page, before one only at a press."""
    is_first = waiting is None
    return is_first and bool(state.proofs) and state.stage is Stage.PROVE and state.kinds[:1] == (_KIND,)


_KIND: Final = MethodKind.AUTHENTICATOR


# --- streams


async def events(visit: Visit) -> Response:
    """`GET /sign-in/approval/events`: says once when what this sign-in asked for is over."""
    token = visit.cookie(cookies.SIGN_IN)
    binding = token_hash(token) if token else b""

    async def is_over() -> str | None:
        found = await visit.read(approvals.waiting, visit.site.methods.authenticator, binding, now=visit.site.clock())
        if found is None:
            return "gone"
        if not found.is_over:
            return None
        return "approved" if found.is_approved else str(found.reason)

    found = await visit.read(approvals.waiting, visit.site.methods.authenticator, binding, now=visit.now)
    ends_at = found.request.expires_at if found else visit.now
    return _stream(visit, topic_of_sign_in(binding), is_over, ends_at=ends_at)


async def registration_events(visit: Visit) -> Response:
    """`GET /security-info/add/authenticator/events?since=...`: says once that an Authenticator was registered."""
    person = visit.session().person
    since = visit.query.get("since", "")
    after = int(since) if since.isascii() and since.isdecimal() and len(since) < 16 else visit.now

    async def is_over() -> str | None:
        return await visit.read(_registered_since, person.id, after)

    return _stream(visit, topic_of_person(person.id), is_over, ends_at=visit.now + _LONGEST)


def _registered_since(tx: Transaction, person_id: str, after: int) -> str | None:
    owned = authenticator_registration.authenticators_of(tx, person_id)
    return "registered" if any(one.method.created_at >= after for one in owned) else None


def _stream(visit: Visit, topic: str, is_over: Over, *, ends_at: int) -> Response:
    """Server-sent events. It ends with the one event it is for, with the server, or a while after what it waits for."""
    announcer, clock = visit.site.announcer, visit.site.clock

    async def said() -> AsyncIterator[bytes]:
        yield _RETRY
        with announcer.listen(topic) as waiter:
            while True:
                state = await is_over()
                if state is not None:
                    yield f"event: over\ndata: {json.dumps({'state': state})}\n\n".encode()
                    return
                left = ends_at - clock()
                if announcer.is_closing or left < -MINUTE:
                    return  # the browser comes back by itself
                # a millisecond more, for a request is over when its last one is
                if not await waiter.wait(min(_STILL_THERE, max(0.05, (left + 1) / SECOND))):
                    yield b": still here\n\n"

    return StreamingResponse(said(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})
