"""How well somebody is proven: pure functions over the proofs of a sign-in or session."""

import json
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import NamedTuple

from ostiary.clock import MINUTE
from ostiary.identity.policy.model import ONE_TIME_PASS_REGISTERS_WITHIN


class MethodKind(StrEnum):
    PASSWORD = "password"
    PASSKEY = "passkey"
    CODE = "code"
    AUTHENTICATOR = "authenticator"
    PASS = "temporary_access_pass"


class Proof(NamedTuple):
    """One method proven once. `is_once`: by what cannot be proven again, a one-time pass."""

    kind: MethodKind
    at: int
    method_id: str
    is_once: bool = False


class Requirement(NamedTuple):
    """What is asked: multi-factor always, when the person has it; `max_age` how old the proofs may be;
    `is_phishing_resistant` nothing but a passkey, once the person has one."""

    max_age: int | None = None
    is_phishing_resistant: bool = False


SIGN_IN = Requirement()
CHANGE_METHODS = Requirement(max_age=5 * MINUTE)
"""MFA no older than this to add or change a passkey in Security info."""
CHANGE_METHODS_BY_API = Requirement(max_age=10 * MINUTE)
"""The same through the API, where an app sets up several things after one sign-in."""
ADMINISTER = Requirement(is_phishing_resistant=True)
"""To enter the admin centre."""
ADMINISTER_AFRESH = Requirement(max_age=5 * MINUTE, is_phishing_resistant=True)
"""To change something there: a stolen session and phished words are not enough."""

_STARTS = (MethodKind.PASS, MethodKind.PASSKEY, MethodKind.AUTHENTICATOR, MethodKind.PASSWORD)  # in the order offered
_compact_json = json.JSONEncoder(separators=(",", ":")).encode
_ORDER = (MethodKind.PASS, MethodKind.PASSKEY, MethodKind.AUTHENTICATOR, MethodKind.CODE, MethodKind.PASSWORD)
_ALONE = {MethodKind.PASSKEY, MethodKind.PASS, MethodKind.AUTHENTICATOR}


def is_multi_factor(kinds: Collection[MethodKind]) -> bool:
    """A passkey with user verification is possession and a PIN or biometric in one step, and so is an approval by the
    Authenticator, whose key answers nothing without; a password is knowledge, a code from an authenticator app
    possession. A Temporary Access Pass stands for both: whoever issued it saw who it is for. Unlike a passkey, a pass
    and the number of an approval can be typed where a false page says."""
    return bool(_ALONE & set(kinds)) or {MethodKind.PASSWORD, MethodKind.CODE} <= set(kinds)


def starts(*, is_passwordless: bool = False) -> tuple[MethodKind, ...]:
    """What a sign-in may begin with. `is_passwordless`: policy lets an approval stand where the password would."""
    return tuple(kind for kind in _STARTS if is_passwordless or kind is not MethodKind.AUTHENTICATOR)


def valid_kinds(proofs: Iterable[Proof], requirement: Requirement, now: int) -> set[MethodKind]:
    """The kinds proven recently enough."""
    return {proof.kind for proof in proofs if _is_recent(proof, requirement, now)}


def _is_recent(proof: Proof, requirement: Requirement, now: int) -> bool:
    age = requirement.max_age
    if age is None:
        return True
    if proof.is_once:  # nobody can be asked for it again, so it counts as long as it may register something better
        age = max(age, ONE_TIME_PASS_REGISTERS_WITHIN)
    return 0 <= now - proof.at <= age


def is_satisfied(proofs: Iterable[Proof], requirement: Requirement, *, owned: Collection[MethodKind], now: int) -> bool:
    """Whether the proofs are enough for somebody who owns methods of these kinds."""
    kinds = valid_kinds(proofs, requirement, now)
    if requirement.is_phishing_resistant and MethodKind.PASSKEY in owned:
        return MethodKind.PASSKEY in kinds
    return is_multi_factor(kinds) if is_multi_factor(owned) else bool(kinds)


def next_kinds(
    proofs: Iterable[Proof],
    requirement: Requirement,
    *,
    owned: Collection[MethodKind],
    now: int,
    is_passwordless: bool = False,
) -> tuple[MethodKind, ...]:
    """The kinds worth asking for now, the strongest first. What does not bring the person further is not offered, and
    an approval only to whoever has just typed the password, unless `is_passwordless`."""
    kinds = valid_kinds(proofs, requirement, now)
    if requirement.is_phishing_resistant and MethodKind.PASSKEY in owned:
        return () if MethodKind.PASSKEY in kinds else (MethodKind.PASSKEY,)
    if not kinds:
        return tuple(kind for kind in starts(is_passwordless=is_passwordless) if kind in owned)
    wanted = tuple(kind for kind in _ORDER if kind in owned and kind not in kinds)
    if is_passwordless or MethodKind.PASSWORD in kinds:
        return wanted
    return tuple(kind for kind in wanted if kind is not MethodKind.AUTHENTICATOR)


def latest(proofs: Iterable[Proof]) -> tuple[Proof, ...]:
    """The newest proof of each method."""
    newest: dict[str, Proof] = {}
    for proof in sorted(proofs, key=lambda proof: proof.at):
        newest[proof.method_id] = proof
    return tuple(newest.values())


def dump_proofs(proofs: Iterable[Proof]) -> str:
    return _compact_json(list(proofs))


def load_proofs(text: str) -> tuple[Proof, ...]:
    return tuple(Proof(MethodKind(kind), *rest) for kind, *rest in json.loads(text))
