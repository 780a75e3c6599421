"""Policies for tests: the default one with a difference."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ostiary.identity import administration
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.policy import keeping
from ostiary.identity.policy.model import (
    DEFAULT_PROFILE,
    Enforcement,
    KeyRestrictions,
    MethodPolicy,
    PasskeyPolicy,
    PasskeyProfile,
    PasskeyRules,
    PasskeyTarget,
    PasskeyType,
    Policy,
)
from tests.organisation import Organisation

OFF = MethodPolicy(is_enabled=False)
DEVICE_BOUND = frozenset({PasskeyType.DEVICE_BOUND})
SYNCED = frozenset({PasskeyType.SYNCED})


def allow(*aaguids: str) -> KeyRestrictions:
    return KeyRestrictions(enforcement=Enforcement.ALLOW, aaguids=frozenset(aaguids))


def block(*aaguids: str) -> KeyRestrictions:
    return KeyRestrictions(enforcement=Enforcement.BLOCK, aaguids=frozenset(aaguids))


def profile(name: str = "Pilot", *, rules: PasskeyRules | None = None, **settings: Any) -> PasskeyProfile:
    return PasskeyProfile(id=DEFAULT_PROFILE, name=name, rules=rules or PasskeyRules(), **settings)


def with_profile(rules: PasskeyRules | None = None, **settings: Any) -> Policy:
    """One profile, "Pilot", for everyone."""
    return Policy(passkey=PasskeyPolicy(profiles=(profile(rules=rules, **settings),)))


def with_rules(**rules: Any) -> Policy:
    return with_profile(PasskeyRules(**rules))


def with_passkeys(**settings: Any) -> Policy:
    return Policy(passkey=replace(PasskeyPolicy(), **settings))


def for_group(group_id: str) -> tuple[PasskeyTarget, ...]:
    return (PasskeyTarget(group_id=group_id, profile_ids=(DEFAULT_PROFILE,)),)


def save(org: Organisation, policy: Policy) -> int:
    return org.administer(keeping.save, policy, note="", actor=None, caller=COMMAND_LINE, now=org.clock())


def put_back(org: Organisation, number: int) -> int:
    return org.administer(keeping.put_back, number, actor=None, caller=COMMAND_LINE, now=org.clock())


def group_with(org: Organisation, name: str, members: Iterable[str] = ()) -> str:
    """The identifier of a new group."""
    acting = {"actor": None, "caller": COMMAND_LINE, "now": org.clock()}
    group = org.administer(administration.create_group, name=name, description="", **acting)  # type: ignore[arg-type]
    for username in members:
        org.administer(administration.add_member, group=name, username=username, **acting)  # type: ignore[arg-type]
    return group.id
