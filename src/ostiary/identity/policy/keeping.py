"""The policy in force: read by everybody, saved by administrators, every version kept."""

from dataclasses import replace
from typing import NamedTuple

from ostiary.clock import DAY
from ostiary.identity import audit
from ostiary.identity.caller import Caller
from ostiary.identity.policy.document import dump, faults, load
from ostiary.identity.policy.evaluate import takes_any_passkey
from ostiary.identity.policy.model import PasskeyProfile, Policy, Superseded
from ostiary.identity.reasons import Reason, Refusal
from ostiary.storage import organizations, policies
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person
from ostiary.storage.policies import PolicyVersion

DEFAULT = Policy()


class InForce(NamedTuple):
    """A version of the policy, read once. `takes_any_passkey`: nobody's passkey could be refused at sign-in, so that
    nothing about it or its owner needs to be looked up."""

    number: int
    policy: Policy
    takes_any_passkey: bool


_DEFAULT_IN_FORCE = InForce(0, DEFAULT, takes_any_passkey=True)


def current(tx: Transaction) -> Policy:
    """The policy in force now; the default one before anybody has changed it."""
    return in_force(tx).policy


def in_force(tx: Transaction) -> InForce:
    """One look at the newest version's number; its document is read when it is new to this process."""
    stamp = policies.newest_stamp(tx)
    if stamp[0] == 0:
        return _DEFAULT_IN_FORCE
    found = tx.kept.get(InForce)
    if found is None or found[0] != stamp:
        policy = numbered(tx, stamp[0])
        found = (stamp, InForce(stamp[0], policy, takes_any_passkey=takes_any_passkey(policy.passkey)))
        tx.kept[InForce] = found
    answer: InForce = found[1]
    return answer


def numbered(tx: Transaction, number: int) -> Policy:
    """Raises `Refusal(POLICY_VERSION_UNKNOWN)`; version 0 is the default."""
    if number == 0:
        return DEFAULT
    version = policies.version_by_number(tx, number)
    if version is None:
        raise Refusal(Reason.POLICY_VERSION_UNKNOWN)
    return load(version.document)


def save(tx: Transaction, policy: Policy, *, note: str, actor: Person | None, caller: Caller, now: int) -> int:
    """Makes this the policy in force and answers its version. What it no longer accepts keeps working for the grace
    period of its profile. Raises `Refusal(POLICY_INVALID)`."""
    found = faults(policy)
    if found:
        raise Refusal(Reason.POLICY_INVALID, detail="; ".join(f"{one.where}: {one.what}" for one in found))
    organizations.hold(tx)  # each version follows the one it was made from
    before = current(tx)
    number = policies.newest_number(tx) + 1
    policy = with_grace(before, policy, now)
    policies.insert_version(
        tx,
        PolicyVersion(
            version=number,
            at=now,
            actor_id=actor.id if actor else None,
            actor=actor.username if actor else "command line",
            note=note.strip()[:500],
            document=dump(policy),
        ),
    )
    audit.record(
        tx, audit.Event.POLICY_SAVE, caller=caller, now=now, actor=actor, detail=f"version {number}: {note.strip()}"
    )
    return number


def put_back(tx: Transaction, number: int, *, actor: Person | None, caller: Caller, now: int) -> int:
    """Makes an earlier version the policy in force again, as a new version."""
    return save(tx, numbered(tx, number), note=f"Version {number} put back", actor=actor, caller=caller, now=now)


def with_grace(before: Policy, after: Policy, now: int) -> Policy:
    """As it would be saved: each changed profile remembers the rules it had, for as long as its grace period says. A
    profile without a grace period remembers none, so that a grace can be ended early."""
    earlier = {profile.id: profile for profile in before.passkey.profiles}
    profiles: list[PasskeyProfile] = []
    for profile in after.passkey.profiles:
        old = earlier.get(profile.id)
        kept: tuple[Superseded, ...] = ()
        if old is not None and profile.grace_days:
            kept = tuple(one for one in old.superseded if now < one.until)
        if old is not None and profile.grace_days and old.rules != profile.rules:
            kept = (*kept, Superseded(rules=old.rules, until=now + profile.grace_days * DAY))
        profiles.append(replace(profile, superseded=kept))
    return replace(after, passkey=replace(after.passkey, profiles=tuple(profiles)))
