"""Changing the policy in the admin centre: one part at a time, looked at before it is saved, on what was read."""

from typing import NamedTuple

from ostiary.identity.caller import Caller
from ostiary.identity.permissions import Permission, require_permission
from ostiary.identity.policy import keeping
from ostiary.identity.policy.model import Policy
from ostiary.identity.reasons import Reason, Refusal
from ostiary.storage import organizations, people, policies
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person
from ostiary.storage.policies import PolicyVersion


class Reading(NamedTuple):
    """The policy in force, its number, and what its groups are called."""

    number: int
    policy: Policy
    groups: dict[str, str]


class Step(NamedTuple):
    """A version, and what was before it."""

    version: PolicyVersion
    before: Policy
    after: Policy
    is_in_force: bool


def read(tx: Transaction, *, actor: Person | None) -> Reading:
    require_permission(tx, actor, Permission.POLICY_READ)
    return Reading(policies.newest_number(tx), keeping.current(tx), group_names(tx))


def read_to_change(tx: Transaction, *, actor: Person | None) -> Reading:
    require_permission(tx, actor, Permission.POLICY_WRITE)
    return read(tx, actor=actor)


def group_names(tx: Transaction) -> dict[str, str]:
    return {group.id: group.name for group in people.all_groups(tx)}


def versions(tx: Transaction, *, actor: Person | None) -> list[PolicyVersion]:
    """Newest first."""
    require_permission(tx, actor, Permission.POLICY_READ)
    return policies.newest_versions(tx)


def step(tx: Transaction, number: int, *, actor: Person | None) -> Step:
    """Raises `Refusal(POLICY_VERSION_UNKNOWN)`."""
    require_permission(tx, actor, Permission.POLICY_READ)
    version = policies.version_by_number(tx, number)
    if version is None:
        raise Refusal(Reason.POLICY_VERSION_UNKNOWN)
    after, before = keeping.numbered(tx, number), keeping.numbered(tx, number - 1)
    return Step(version, before, after, policies.newest_number(tx) == number)


def numbered(tx: Transaction, number: int, *, actor: Person | None) -> Policy:
    """An earlier version, to be put back. Raises `Refusal(POLICY_VERSION_UNKNOWN)`."""
    require_permission(tx, actor, Permission.POLICY_WRITE)
    return keeping.numbered(tx, number)


def save(
    tx: Transaction, policy: Policy, *, based_on: int, note: str, actor: Person | None, caller: Caller, now: int
) -> int:
    """Raises `Refusal(POLICY_CHANGED_MEANWHILE)` when somebody else saved since this was read, so that nobody undoes
    what they have not seen."""
    organizations.hold(tx)
    require_permission(tx, actor, Permission.POLICY_WRITE)
    if policies.newest_number(tx) != based_on:
        raise Refusal(Reason.POLICY_CHANGED_MEANWHILE)
    return keeping.save(tx, policy, note=note, actor=actor, caller=caller, now=now)
