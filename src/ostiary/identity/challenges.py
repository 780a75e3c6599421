"""Challenges: random, bound to one cookie and one ceremony, used once, and spent before anything is verified."""

import secrets
from enum import StrEnum

from ostiary.clock import MINUTE
from ostiary.identity.reasons import Reason, Refusal
from ostiary.storage import challenges
from ostiary.storage.challenges import Challenge
from ostiary.storage.database import Transaction

LIFETIME = 5 * MINUTE


class Ceremony(StrEnum):
    REGISTRATION = "webauthn.create"
    AUTHENTICATION = "webauthn.get"


def issue_challenge(tx: Transaction, ceremony: Ceremony, *, binding: bytes, person_id: str | None, now: int) -> bytes:
    challenge = secrets.token_bytes(32)
    challenges.insert_challenge(tx, Challenge(challenge, ceremony, binding, person_id, now + LIFETIME))
    return challenge


def consume_challenge(tx: Transaction, challenge: bytes, ceremony: Ceremony, *, binding: bytes, now: int) -> Challenge:
    """Takes the challenge. The caller's transaction must be committed before the response is verified.

    Raises `Refusal`: unknown (never ours, or used before), foreign (another browser's or another ceremony's, which
    stays theirs to use) or expired.
    """
    taken = challenges.take_challenge(tx, challenge)
    if taken is None:
        raise Refusal(Reason.CHALLENGE_UNKNOWN)
    if taken.binding != binding or taken.ceremony != ceremony:
        raise Refusal(Reason.CHALLENGE_FOREIGN)
    if taken.expires_at <= now:
        raise Refusal(Reason.CHALLENGE_EXPIRED)
    return taken
