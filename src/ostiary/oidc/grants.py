"""What a person lets an application do. A grant is carried by a session of its own: it is seen and ended under Security
info like any other, and ends with everything that ends sessions. A disabled person, *sign out everywhere*, a new
password, *This wasn't me*, a removed method that proved it: none needs to know that there are applications.
"""

import hashlib
from typing import NamedTuple

from ostiary.clock import DAY
from ostiary.identifiers import new_id
from ostiary.identity import audit
from ostiary.identity.assurance import CHANGE_METHODS_BY_API, Proof, latest, load_proofs
from ostiary.identity.caller import Caller
from ostiary.identity.sessions import SignedIn, ends_at, open_session
from ostiary.oidc.clients import Client, find_client
from ostiary.oidc.scopes import Scope, joined, split
from ostiary.storage import oauth, sessions
from ostiary.storage.database import Transaction
from ostiary.storage.oauth import Grant, Held
from ostiary.storage.people import Person

LIFETIME = 90 * DAY
"""However often it is used; after it the person is asked again."""


class Granted(NamedTuple):
    """A grant that is alive: its session, what it may do, and which application has it."""

    id: str
    signed_in: SignedIn
    scopes: frozenset[Scope]
    client: Client


def open_grant(
    tx: Transaction,
    client: Client,
    person: Person,
    proofs: tuple[Proof, ...],
    scopes: tuple[Scope, ...],
    *,
    until_redeemed: int,
    caller: Caller,
    now: int,
) -> Grant:
    """Its session lasts as long as the code does, until the code is redeemed."""
    opened = open_session(tx, person, latest(proofs), lifetime=until_redeemed, caller=_as(client, caller), now=now)
    grant = Grant(new_id(), opened.session_id, client.id, joined(scopes), now)
    oauth.insert_grant(tx, grant)
    return grant


def live_grant(tx: Transaction, grant_id: str, *, now: int) -> Granted | None:
    held = oauth.held_grant(tx, grant_id)
    if held is None or held.session.expires_at <= now or not held.person.is_enabled:
        return None
    client = find_client(held.grant.client_id)
    if client is None:
        return None
    # what it asks the browser's ceremonies to be bound to: the grant, whichever token of it is shown
    session = held.session._replace(token_hash=_binding(held.grant.id))
    signed_in = SignedIn(session, held.person, load_proofs(session.proofs), CHANGE_METHODS_BY_API)
    return Granted(held.grant.id, signed_in, split(held.grant.scope), client)


def keep_grant(tx: Transaction, granted: Granted, *, lifetime: int, now: int) -> None:
    """The application has its tokens: from now on the session lasts as long as they may."""
    signed_in = granted.signed_in
    at_latest = signed_in.session.created_at + lifetime
    end = ends_at(tx, signed_in.person, signed_in.proofs, at_latest, now=now)
    oauth.set_session_end(tx, signed_in.session.id, expires_at=end)
    audit.record(
        tx,
        audit.Event.APP_CONNECT,
        caller=caller_of(granted),
        now=now,
        actor=signed_in.person,
        target=signed_in.person,
        method=granted.client.name,
    )


def end_grant(tx: Transaction, held: Held, event: audit.Event, *, caller: Caller, now: int, detail: str = "") -> None:
    """With its session, and so with every token of it."""
    sessions.delete_session(tx, person_id=held.person.id, session_id=held.session.id)
    client = find_client(held.grant.client_id)
    audit.record(
        tx,
        event,
        caller=caller._replace(client=held.session.client),
        now=now,
        actor=held.person,
        target=held.person,
        method=client.name if client else held.grant.client_id,
        detail=detail or None,
    )


def caller_of(granted: Granted, address: str | None = None) -> Caller:
    """The application, as the audit log and notices name it; at the address the grant was given from, or another."""
    session = granted.signed_in.session
    return Caller(address=session.address if address is None else address, client=session.client)


def _as(client: Client, caller: Caller) -> Caller:
    """The application, on the system of the browser it was let in with: the two are on one computer."""
    system = caller.client.partition("/")[2]
    return Caller(address=caller.address, client=f"{client.name}/{system}")


def _binding(grant_id: str) -> bytes:
    """No cookie has this hash: a cookie holds no NUL."""
    return hashlib.sha256(f"oauth grant\0{grant_id}".encode()).digest()
