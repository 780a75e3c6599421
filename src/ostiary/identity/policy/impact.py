"""What a change of policy does to people, before it is made."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from ostiary.identity.assurance import MethodKind
from ostiary.identity.policy.document import Fault, doubts, faults
from ostiary.identity.policy.enforcing import (
    Standing,
    can_sign_in,
    facts_of,
    is_passwordless_offered,
    judge_stored,
    methods_without_profiles,
)
from ostiary.identity.policy.evaluate import Phase, evaluate, includes
from ostiary.identity.policy.keeping import current, with_grace
from ostiary.identity.policy.model import Policy
from ostiary.storage import people
from ostiary.storage.census import HeldPasskey, Holder, all_holders
from ostiary.storage.database import Transaction

EXAMPLES = 5
_COUNTED = frozenset(MethodKind) - {MethodKind.PASS}
"""Not a Temporary Access Pass, which is over before long."""


class Named(NamedTuple):
    username: str
    display_name: str


class Affected(NamedTuple):
    """How many people, and the first of them by name."""

    number: int = 0
    examples: tuple[Named, ...] = ()


class Impact(NamedTuple):
    """Nobody is in two of the first two, or in both of the next two, or in both of the last."""

    people: int = 0
    lose_every_passkey: Affected = Affected()
    """Had one or more that signed in, and have none left that does."""
    lose_some: Affected = Affected()
    lose_every_way: Affected = Affected()
    """Could sign in, and no longer can."""
    gain_a_way: Affected = Affected()
    """Could not sign in, and now can."""
    gain_passkeys: Affected = Affected()
    """Have more passkeys that sign in than before."""
    may_add_no_more: Affected = Affected()
    """Could add a passkey themselves, and no longer can."""
    may_add_now: Affected = Affected()

    @property
    def changes_nothing(self) -> bool:
        return not any(getattr(self, name).number for name in self._fields[1:])

    def to_json(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"people": self.people}
        for name in self._fields[1:]:
            affected: Affected = getattr(self, name)
            answer[name] = {"count": affected.number, "examples": [one.username for one in affected.examples]}
        return answer


class Preview(NamedTuple):
    """`at_once` is what happens on saving; `in_the_end` when every grace period is over, at `grace_ends` (None: there
    is none, and both are the same). `faults` keep the policy from being saved; `doubts` do not."""

    faults: tuple[Fault, ...]
    doubts: tuple[Fault, ...]
    at_once: Impact
    in_the_end: Impact
    grace_ends: int | None

    def to_json(self) -> dict[str, Any]:
        return {
            "faults": [one.to_json() for one in self.faults],
            "doubts": [one.to_json() for one in self.doubts],
            "at_once": self.at_once.to_json(),
            "in_the_end": self.in_the_end.to_json(),
            "grace_ends": self.grace_ends,
        }


class _Situation(NamedTuple):
    """All that decides about a person. Few are different, however many people there are."""

    groups: frozenset[str]
    passkeys: tuple[HeldPasskey, ...]
    kinds: frozenset[str]


class _Outcome(NamedTuple):
    usable_passkeys: int
    can_sign_in: bool
    may_add: bool


class _Tally:
    """One policy against another, person by person."""

    def __init__(self, before: Policy, after: Policy, now: int, later: int) -> None:
        self._before, self._after = before, after
        self._now, self._later = now, later
        self._known: dict[_Situation, tuple[str, ...]] = {}
        self._relevant = _groups_named(before) | _groups_named(after)
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[Named]] = {}
        self._people = 0

    def add(self, holder: Holder) -> None:
        self._people += 1
        situation = _Situation(holder.groups & self._relevant, holder.passkeys, holder.kinds)
        effects = self._known.get(situation)
        if effects is None:
            effects = self._known[situation] = self._compare(situation)
        for effect in effects:
            self._counts[effect] = self._counts.get(effect, 0) + 1
            examples = self._examples.setdefault(effect, [])
            if len(examples) < EXAMPLES:
                examples.append(Named(holder.username, holder.display_name))

    def impact(self) -> Impact:
        return Impact(
            self._people,
            **{
                name: Affected(self._counts.get(name, 0), tuple(self._examples.get(name, ())))
                for name in Impact._fields[1:]
            },
        )

    def _compare(self, situation: _Situation) -> tuple[str, ...]:
        before = _outcome(self._before, situation, self._now)
        after = _outcome(self._after, situation, self._later)
        effects = []
        if after.usable_passkeys < before.usable_passkeys:
            effects.append("lose_some" if after.usable_passkeys else "lose_every_passkey")
        if after.usable_passkeys > before.usable_passkeys:
            effects.append("gain_passkeys")
        if before.can_sign_in != after.can_sign_in:
            effects.append("gain_a_way" if after.can_sign_in else "lose_every_way")
        if before.may_add != after.may_add:
            effects.append("may_add_now" if after.may_add else "may_add_no_more")
        return tuple(effects)


def preview(tx: Transaction, policy: Policy, *, now: int) -> Preview:
    """What saving this policy would do to everybody there is."""
    before = current(tx)
    found = faults(policy)
    doubtful = doubts(policy, {group.id for group in people.all_groups(tx)})
    after = with_grace(before, policy, now)
    untils = [one.until for profile in after.passkey.profiles for one in profile.superseded]
    grace_ends = max(untils, default=None)
    tallies = [_Tally(before, after, now, now)]
    if grace_ends is not None:
        tallies.append(_Tally(before, after, now, grace_ends))
    for holder in all_holders(tx):
        for tally in tallies:
            tally.add(holder)
    return Preview(tuple(found), tuple(doubtful), tallies[0].impact(), tallies[-1].impact(), grace_ends)


def compare(before: Policy, after: Policy, holders: Iterable[Holder], *, now: int, later: int | None = None) -> Impact:
    """Pure: one policy now against another, `later` if that is to be judged at another time."""
    tally = _Tally(before, after, now, now if later is None else later)
    for holder in holders:
        tally.add(holder)
    return tally.impact()


def _outcome(policy: Policy, situation: _Situation, now: int) -> _Outcome:
    standing = Standing(policy, situation.groups)
    usable = sum(judge_stored(standing, facts_of(one), now=now).is_allowed for one in situation.passkeys)
    owned = {MethodKind(kind) for kind in situation.kinds} & _COUNTED
    others = methods_without_profiles(policy)
    left = {kind for kind in owned if kind in others and includes(others[kind], situation.groups) is None}
    if usable:
        left.add(MethodKind.PASSKEY)
    may_add = evaluate(
        policy.passkey,
        situation.groups,
        Phase.REGISTRATION,
        None,
        owned=len(situation.passkeys),
        is_self_service=True,
        now=now,
    )
    is_passwordless = is_passwordless_offered(policy)
    return _Outcome(usable, can_sign_in(owned, left, is_passwordless=is_passwordless), may_add.is_allowed)


def _groups_named(policy: Policy) -> frozenset[str]:
    """Membership in other groups decides nothing."""
    found = {target.group_id for target in policy.passkey.targets} | policy.passkey.exclude
    for one in (policy.password, policy.code, policy.authenticator, policy.temporary_access_pass):
        found |= one.include | one.exclude
    return frozenset(found)
