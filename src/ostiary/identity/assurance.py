"""How well somebody is proven: pure functions over the proofs of a sign-in or session."""

import json
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import NamedTuple

from ostiary.clock import MINUTE


class MethodKind(StrEnum):
    PASSWORD = "password"
    PASSKEY = "passkey"
    CODE = "code"


class Proof(NamedTuple):
    """One method proven once."""

    kind: MethodKind
    at: int
    method_id: str


class Requirement(NamedTuple):
    """What is asked: multi-factor always, when the person has it; `max_age` how old the proofs may be."""

    max_age: int | None = None


SIGN_IN = Requirement()
CHANGE_METHODS = Requirement(max_age=5 * MINUTE)
"""MFA no older than this to add or change a passkey in Security info."""

_STARTS = (MethodKind.PASSKEY, MethodKind.PASSWORD)  # in the order offered
_compact_json = json.JSONEncoder(separators=(",", ":")).encode
_ORDER = (MethodKind.PASSKEY, MethodKind.CODE, MethodKind.PASSWORD)


def is_multi_factor(kinds: Collection[MethodKind]) -> bool:
    """A passkey with user verification is possession and a PIN or biometric in one step; a password is knowledge, a
    code from an authenticator app possession."""
    return MethodKind.PASSKEY in kinds or {MethodKind.PASSWORD, MethodKind.CODE} <= set(kinds)


def valid_kinds(proofs: Iterable[Proof], requirement: Requirement, now: int) -> set[MethodKind]:
    """The kinds proven recently enough."""
    age = requirement.max_age
    return {proof.kind for proof in proofs if age is None or 0 <= now - proof.at <= age}


def is_satisfied(proofs: Iterable[Proof], requirement: Requirement, *, owned: Collection[MethodKind], now: int) -> bool:
    """Whether the proofs are enough for somebody who owns methods of these kinds."""
    kinds = valid_kinds(proofs, requirement, now)
    return is_multi_factor(kinds) if is_multi_factor(owned) else bool(kinds)


def next_kinds(
    proofs: Iterable[Proof], requirement: Requirement, *, owned: Collection[MethodKind], now: int
) -> tuple[MethodKind, ...]:
    """The kinds worth asking for now, the strongest first. What does not bring the person further is not offered."""
    kinds = valid_kinds(proofs, requirement, now)
    if not kinds:
        return tuple(kind for kind in _STARTS if kind in owned)
    return tuple(kind for kind in _ORDER if kind in owned and kind not in kinds)


def latest(proofs: Iterable[Proof]) -> tuple[Proof, ...]:
    """The newest proof of each method."""
    newest: dict[str, Proof] = {}
    for proof in sorted(proofs, key=lambda proof: proof.at):
        newest[proof.method_id] = proof
    return tuple(newest.values())


def dump_proofs(proofs: Iterable[Proof]) -> str:
    return _compact_json(list(proofs))


def load_proofs(text: str) -> tuple[Proof, ...]:
    return tuple(Proof(MethodKind(kind), at, method_id) for kind, at, method_id in json.loads(text))
