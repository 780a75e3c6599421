"""How often somebody may try. An attempt is counted and committed before it is judged, so a crash forgives nothing.

A stranger cannot lock a person out: what strangers get wrong counts against strangers, browsers the person has signed
in from have counters of their own, and a passkey is never limited by account, for it cannot be guessed.
"""

import hashlib
import ipaddress
from typing import NamedTuple

from ostiary.clock import HOUR, MINUTE, SECOND
from ostiary.identity.caller import Caller
from ostiary.identity.reasons import Reason, Refusal
from ostiary.storage import attempts
from ostiary.storage.database import Transaction


class Limit(NamedTuple):
    what: str
    most: int
    window: int


PASSWORDS_PER_ACCOUNT = Limit("password", 10, 15 * MINUTE)
PASSES_PER_NETWORK = Limit("pass", 10, 15 * MINUTE)
"""For one account, from one network: a newcomer has no browser we know, and must not wait for what strangers type."""
PASSES_PER_ACCOUNT = Limit("pass of an account", 500, 15 * MINUTE)
"""From everywhere together. A pass has at least 39 bits and lives 30 days at most: not one in 500,000 is guessed."""
CODES_PER_ACCOUNT = Limit("code", 5, 5 * MINUTE)
APPROVALS_PER_ACCOUNT = Limit("approval", 5, HOUR)
"""Requests that nobody approved, after a password: whoever is asked again and again says yes in the end."""
PASSWORDLESS_PER_ACCOUNT = Limit("passwordless approval", 3, HOUR)
"""The same where a username was enough to ask."""
APPROVALS_PER_NETWORK = Limit("approval network", 60, HOUR)
"""From one network, by browsers that nobody asked about has used before."""
FAILURES_PER_ADDRESS = Limit("address", 100, 15 * MINUTE)
AUTHORIZATIONS_PER_ADDRESS = Limit("authorization", 300, 15 * MINUTE)
TOKEN_FAILURES_PER_ADDRESS = Limit("token", 100, 15 * MINUTE)
RECORDS_PER_ADDRESS = Limit("record", 3000, 15 * MINUTE)


def charge(tx: Transaction, limit: Limit, subject: str, *, now: int, reason: Reason = Reason.TOO_MANY_ATTEMPTS) -> None:
    """Counts an attempt; `Refusal(TOO_MANY_ATTEMPTS)`, or with another reason, when there were too many.

    Raising would roll the count back with the caller's transaction, but only where it no longer matters: past the
    limit every further attempt is refused the same.
    """
    count, resets_at = attempts.count_attempt(tx, _key(limit, subject), now=now, window=limit.window)
    if count > limit.most:
        raise Refusal(reason, detail=f"by {limit.what}", retry_after=max(1, -(-(resets_at - now) // SECOND)))


def is_within(tx: Transaction, limit: Limit, subject: str, *, now: int) -> bool:
    """Counts, and says whether it was still within the limit."""
    return attempts.count_attempt(tx, _key(limit, subject), now=now, window=limit.window)[0] <= limit.most


def forgive(tx: Transaction, limit: Limit, subject: str) -> None:
    attempts.forgive_attempt(tx, _key(limit, subject))


def clear(tx: Transaction, limit: Limit, subject: str) -> None:
    attempts.clear_attempts(tx, _key(limit, subject))


def network(caller: Caller) -> str:
    """An address as limits see it: an IPv6 customer holds a whole /64."""
    try:
        address = ipaddress.ip_address(caller.address)
    except ValueError:
        return caller.address
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _key(limit: Limit, subject: str) -> bytes:
    return hashlib.sha256(f"{limit.what}\n{subject}".encode()).digest()
