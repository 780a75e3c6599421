"""Temporary Access Passes: a code from an administrator that signs in by itself, for a while, once or often.

Issuing and removing them is `identity.passes`.
"""

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from ostiary.identity import limits
from ostiary.identity.assurance import MethodKind, Proof
from ostiary.identity.methods.contract import Proven, Subject
from ostiary.identity.methods.password import counted_as
from ostiary.identity.policy import keeping
from ostiary.identity.policy.evaluate import includes
from ostiary.identity.policy.model import LONGEST_PASS_CODE, Policy
from ostiary.identity.reasons import Reason, Refusal
from ostiary.storage import methods, people
from ostiary.storage.database import Transaction
from ostiary.storage.methods import TemporaryAccessPass

ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing a person misreads or mishears: 8 of them are 39 bits
_NOBODYS: Final = ""


class Usability(StrEnum):
    """Whether a pass signs in now, or the one reason why it does not; in Graph's words."""

    ENABLED_BY_POLICY = "EnabledByPolicy"
    DISABLED_BY_POLICY = "DisabledByPolicy"
    EXPIRED = "Expired"
    ONE_TIME_USED = "OneTimeUsed"
    NOT_YET_VALID = "NotYetValid"


_REFUSED: Final = {
    Usability.DISABLED_BY_POLICY: Reason.PASS_DISABLED,
    Usability.EXPIRED: Reason.PASS_EXPIRED,
    Usability.ONE_TIME_USED: Reason.PASS_USED,
    Usability.NOT_YET_VALID: Reason.PASS_NOT_YET_VALID,
}


def usability(held: TemporaryAccessPass, policy: Policy, groups: Iterable[str], now: int) -> Usability:
    """Pure. `groups` are the identifiers of its person's groups."""
    is_too_loose = policy.pass_settings.is_one_time_required and not held.is_one_time
    if is_too_loose or includes(policy.temporary_access_pass, groups) is not None:
        return Usability.DISABLED_BY_POLICY
    if held.expires_at <= now:
        return Usability.EXPIRED
    if held.is_one_time and held.used_at is not None:
        return Usability.ONE_TIME_USED
    if now < held.starts_at:
        return Usability.NOT_YET_VALID
    return Usability.ENABLED_BY_POLICY


def usability_now(tx: Transaction, held: TemporaryAccessPass, *, now: int) -> Usability:
    return usability(held, keeping.current(tx), people.group_ids_of(tx, held.person_id), now)


def usable_pass(tx: Transaction, person_id: str, *, now: int) -> TemporaryAccessPass | None:
    held = methods.pass_of(tx, person_id)
    if held is None or usability_now(tx, held, now=now) is not Usability.ENABLED_BY_POLICY:
        return None
    return held


def may_be_guided(held: TemporaryAccessPass) -> bool:
    """Whether guided registration may start from this pass. It proves a person again on its way, which a one-time pass
    cannot."""
    return not held.is_one_time


class Material(NamedTuple):
    """`held` is None for whoever has no pass, and for nobody."""

    held: TemporaryAccessPass | None
    usability: Usability
    is_person_enabled: bool


class TemporaryAccessPasses:
    kind = MethodKind.PASS

    def __init__(self, key: bytes) -> None:
        """`key` is not in the database: without it, a copy of the database gives no code to guess at."""
        self._key = hashlib.sha256(b"temporary access pass" + key).digest()

    def load(self, tx: Transaction, subject: Subject, answer: str) -> Material:
        limits.charge(tx, limits.FAILURES_PER_ADDRESS, limits.network(subject.caller), now=subject.now)
        account = counted_as(tx, subject)
        limits.charge(tx, limits.PASSES_PER_NETWORK, _from_network(account, subject), now=subject.now)
        limits.charge(tx, limits.PASSES_PER_ACCOUNT, account, now=subject.now)
        # read alike for everybody, so that nobody's answer comes sooner
        person_id = subject.person.id if subject.person else _NOBODYS
        held = methods.pass_of(tx, person_id)
        groups = people.group_ids_of(tx, person_id)
        policy = keeping.current(tx)
        return Material(
            held=held,
            usability=usability(held, policy, groups, subject.now) if held else Usability.EXPIRED,
            is_person_enabled=subject.person is not None and subject.person.is_enabled,
        )

    def verify(self, material: Material, answer: str) -> TemporaryAccessPass:
        """An unknown person, a person without a pass, a wrong code and a disabled account are one refusal. Why a pass
        is not usable is told only to whoever typed it right."""
        held = material.held
        typed = self.hash(held.method_id if held else _NOBODYS, answer)
        is_right = hmac.compare_digest(typed, held.code_hash if held else "")
        if held is None or not is_right or not material.is_person_enabled:
            raise Refusal(Reason.PASS_WRONG, field="pass", person_id=held.person_id if held else None)
        if material.usability is not Usability.ENABLED_BY_POLICY:
            raise Refusal(
                _REFUSED[material.usability], field="pass", person_id=held.person_id, method_id=held.method_id
            )
        return held

    def accept(self, tx: Transaction, subject: Subject, verified: TemporaryAccessPass) -> Proven:
        assert subject.person is not None  # `verify` refused otherwise
        method_id = verified.method_id
        if not methods.use_pass(tx, method_id, at=subject.now):  # spent, removed or replaced while it was judged
            reason = Reason.PASS_USED if verified.is_one_time else Reason.PASS_WRONG
            raise Refusal(reason, field="pass", person_id=subject.person.id, method_id=method_id)
        limits.forgive(tx, limits.FAILURES_PER_ADDRESS, limits.network(subject.caller))
        account = counted_as(tx, subject)
        limits.clear(tx, limits.PASSES_PER_NETWORK, _from_network(account, subject))
        limits.clear(tx, limits.PASSES_PER_ACCOUNT, account)
        methods.set_used(tx, method_id, at=subject.now, client=subject.caller.client)
        proof = Proof(MethodKind.PASS, subject.now, method_id, is_once=verified.is_one_time)
        return Proven(subject.person, proof)

    def hash(self, method_id: str, code: str) -> str:
        """What is stored. A slow hash would add nothing: who has the database but not the key can try no code."""
        return hmac.digest(self._key, f"{method_id}\n{_normalize(code)}".encode(), "sha256").hex()


def _from_network(account: str, subject: Subject) -> str:
    return f"{account}\n{limits.network(subject.caller)}"


def new_code(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _normalize(code: str) -> str:
    """However it was typed: in capitals, in groups, with the dash of whoever dictated it."""
    plain = unicodedata.normalize("NFKC", code[: 4 * LONGEST_PASS_CODE]).casefold()
    return "".join(character for character in plain if character.isalnum())
