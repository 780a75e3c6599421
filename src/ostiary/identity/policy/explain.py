"""Why: every rule that bears on "can this person add a passkey here, of which kind, and sign in with it".

Answers are codes and names; the words, and what helps, are `web.explaining`.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from ostiary.identity.assurance import CHANGE_METHODS, MethodKind, is_multi_factor, is_satisfied
from ostiary.identity.methods.temporary_access_pass import Usability, usability_now
from ostiary.identity.passkey_registration import MOST_PASSKEYS
from ostiary.identity.policy.enforcing import (
    Standing,
    can_sign_in,
    facts_of,
    is_passwordless_offered,
    judge_stored,
    methods_without_profiles,
    unusable_kinds,
)
from ostiary.identity.policy.evaluate import (
    PasskeyFacts,
    Phase,
    accepted_types,
    allows_nothing,
    evaluate,
    includes,
    matching_profiles,
)
from ostiary.identity.policy.keeping import in_force
from ostiary.identity.policy.model import EVERYONE, Enforcement, PasskeyProfile, PasskeyType
from ostiary.identity.policy.prospects import Choice, names_of, outlook
from ostiary.identity.reasons import Reason
from ostiary.identity.sessions import SignedIn, owned_kinds
from ostiary.storage import methods, people
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person


class Mark(StrEnum):
    OK = "ok"
    NO = "no"
    NOTE = "note"


class Rule(StrEnum):
    """What was looked at, and what came out. In brackets the names that come with it."""

    ACCOUNT_ENABLED = "account_enabled"
    ACCOUNT_DISABLED = "account_disabled"
    PASSKEYS_ON = "passkeys_on"
    PASSKEYS_OFF = "passkeys_off"
    NOT_EXCLUDED = "not_excluded"
    EXCLUDED = "excluded"  # groups
    TARGETED = "targeted"  # profile, groups
    NOT_TARGETED = "not_targeted"
    SELF_SERVICE_ON = "self_service_on"
    SELF_SERVICE_OFF = "self_service_off"
    PROFILE_SELF_SERVICE_OFF = "profile_self_service_off"  # profile
    PROFILE_ANY_TYPE = "profile_any_type"  # profile
    PROFILE_DEVICE_BOUND = "profile_device_bound"  # profile
    PROFILE_SYNCED = "profile_synced"  # profile
    PROFILE_ATTESTED = "profile_attested"  # profile
    PROFILE_ACCEPTS = "profile_accepts"  # profile, providers
    PROFILE_BLOCKS = "profile_blocks"  # profile, providers
    PROFILE_TAKES_NONE = "profile_takes_none"  # profile
    PROFILE_FULL = "profile_full"  # profile, most
    ROOM = "room"  # owned, most
    NO_ROOM = "no_room"  # owned, most
    SECOND_FACTOR = "second_factor"
    NO_SECOND_FACTOR = "no_second_factor"
    PROOF_FRESH = "proof_fresh"
    PROOF_STALE = "proof_stale"
    PROOF_ASKED = "proof_asked"
    PASS_USABLE = "pass_usable"
    PASS_DISABLED = "pass_disabled"
    PASS_EXPIRED = "pass_expired"
    PASS_NOT_YET_VALID = "pass_not_yet_valid"
    PASS_USED = "pass_used"
    PASSWORD_OFF = "password_off"
    CODE_OFF = "code_off"
    AUTHENTICATOR_OFF = "authenticator_off"
    PASSWORDLESS = "passwordless"
    CAN_SIGN_IN = "can_sign_in"
    CANNOT_SIGN_IN = "cannot_sign_in"
    NO_METHOD_YET = "no_method_yet"


class Finding(NamedTuple):
    rule: Rule
    mark: Mark
    names: Mapping[str, str] = {}


class PasskeyVerdict(NamedTuple):
    """A passkey the person has. `reason` is why it signs in no more, None when it does; `until` when a grace period is
    all that keeps it; `allowed_by` the profile it satisfies."""

    method_id: str
    name: str
    aaguid: str
    provider: str | None
    type: PasskeyType
    is_attested: bool
    reason: Reason | None
    allowed_by: str | None
    until: int | None


class Explanation(NamedTuple):
    """`can_add`: now, apart from proving who they are afresh. `choices`: for each place why not, or None. `accepted`
    names the providers that may be used when only listed ones may."""

    person: Person
    policy_version: int
    can_add: bool
    types: tuple[PasskeyType, ...]
    choices: Mapping[Choice, Reason | None]
    accepted: tuple[str, ...]
    can_sign_in: bool
    findings: tuple[Finding, ...]
    passkeys: tuple[PasskeyVerdict, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "username": self.person.username,
            "policy_version": self.policy_version,
            "can_add": self.can_add,
            "types": list(self.types),
            "choices": dict(self.choices),
            "accepted": list(self.accepted),
            "can_sign_in": self.can_sign_in,
            "rules": [{"rule": one.rule, "verdict": one.mark, **one.names} for one in self.findings],
            "passkeys": [one._asdict() for one in self.passkeys],
        }


def explain(tx: Transaction, person: Person, now: int, *, signed_in: SignedIn | None = None) -> Explanation:
    """`signed_in` is the person's own session, when it is they who ask: it says how fresh their proof is."""
    force = in_force(tx)
    group_names = {group.id: group.name for group in people.groups_of(tx, person.id)}
    standing = Standing(force.policy, frozenset(group_names))
    passkeys = tuple(_verdicts(tx, person, standing, now))
    owned = owned_kinds(tx, person, now=now)
    usable = owned - set(unusable_kinds(tx, person.id, owned, now=now))
    policy = force.policy.passkey
    is_passwordless = is_passwordless_offered(force.policy)
    any_at_all = evaluate(
        policy, standing.groups, Phase.REGISTRATION, None, owned=len(passkeys), is_self_service=True, now=now
    )
    findings = (
        Finding(Rule.ACCOUNT_ENABLED, Mark.OK) if person.is_enabled else Finding(Rule.ACCOUNT_DISABLED, Mark.NO),
        *_passkey_rules(standing, group_names, owned=len(passkeys), is_open=any_at_all.is_allowed),
        *_proof(signed_in, owned, usable, now),
        *_pass(tx, person, now),
        *_others(standing, owned),
        _ways(person, owned, usable, is_passwordless=is_passwordless),
    )
    seen = outlook(policy, standing.groups, owned=len(passkeys), now=now)
    is_open = person.is_enabled and any_at_all.is_allowed and len(passkeys) < MOST_PASSKEYS
    return Explanation(
        person=person,
        policy_version=force.number,
        can_add=is_open and is_multi_factor(usable),
        types=tuple(type for type in PasskeyType if type in seen.types),
        choices=seen.choices,
        accepted=tuple(dict.fromkeys(name for names in seen.accepted.values() for name in names)),
        can_sign_in=person.is_enabled and can_sign_in(owned, usable, is_passwordless=is_passwordless),
        findings=findings,
        passkeys=passkeys,
    )


def _passkey_rules(
    standing: Standing, group_names: Mapping[str, str], *, owned: int, is_open: bool
) -> Iterator[Finding]:
    policy = standing.policy.passkey
    yield Finding(Rule.PASSKEYS_ON, Mark.OK) if policy.is_enabled else Finding(Rule.PASSKEYS_OFF, Mark.NO)
    excluded = [group for group in (EVERYONE, *group_names) if group in policy.exclude]
    if excluded:
        yield Finding(Rule.EXCLUDED, Mark.NO, {"groups": _named(excluded, group_names)})
    elif policy.exclude:
        yield Finding(Rule.NOT_EXCLUDED, Mark.OK)
    profiles = matching_profiles(policy, standing.groups)
    if not profiles:
        yield Finding(Rule.NOT_TARGETED, Mark.NO)
    yield (
        Finding(Rule.SELF_SERVICE_ON, Mark.OK)
        if policy.is_self_service_allowed
        else Finding(Rule.SELF_SERVICE_OFF, Mark.NO)
    )
    memberships = (EVERYONE, *group_names)
    for profile in profiles:
        by = [one.group_id for one in policy.targets if profile.id in one.profile_ids and one.group_id in memberships]
        yield Finding(Rule.TARGETED, Mark.OK, {"profile": profile.name, "groups": _named(by, group_names)})
        yield from _profile_rules(profile, owned=owned, is_open=is_open)
    names = {"owned": str(owned), "most": str(MOST_PASSKEYS)}
    yield Finding(Rule.ROOM, Mark.OK, names) if owned < MOST_PASSKEYS else Finding(Rule.NO_ROOM, Mark.NO, names)


def _profile_rules(profile: PasskeyProfile, *, owned: int, is_open: bool) -> Iterator[Finding]:
    """While another profile is open, one that says no only narrows the choice."""
    no = Mark.NOTE if is_open else Mark.NO
    name = {"profile": profile.name}
    if allows_nothing(profile.rules):
        yield Finding(Rule.PROFILE_TAKES_NONE, no, name)
        return
    if not profile.is_self_service_allowed:
        yield Finding(Rule.PROFILE_SELF_SERVICE_OFF, no, name)
    if profile.most_passkeys is not None and owned >= profile.most_passkeys:
        yield Finding(Rule.PROFILE_FULL, no, {**name, "most": str(profile.most_passkeys)})
    types = accepted_types(profile.rules)
    if types == frozenset(PasskeyType):
        yield Finding(Rule.PROFILE_ANY_TYPE, Mark.OK, name)
    else:
        is_synced = PasskeyType.SYNCED in types
        yield Finding(Rule.PROFILE_SYNCED if is_synced else Rule.PROFILE_DEVICE_BOUND, Mark.NOTE, name)
    if profile.rules.is_attestation_enforced:
        yield Finding(Rule.PROFILE_ATTESTED, Mark.NOTE, name)
    restrictions = profile.rules.key_restrictions
    if restrictions is not None:
        is_list = restrictions.enforcement is Enforcement.ALLOW
        providers = ", ".join(names_of(sorted(restrictions.aaguids)))
        if providers:
            rule = Rule.PROFILE_ACCEPTS if is_list else Rule.PROFILE_BLOCKS
            yield Finding(rule, Mark.NOTE, {**name, "providers": providers})


def _proof(signed_in: SignedIn | None, owned: set[MethodKind], usable: set[MethodKind], now: int) -> Iterator[Finding]:
    if not is_multi_factor(usable):
        yield Finding(Rule.NO_SECOND_FACTOR, Mark.NO)
        return
    yield Finding(Rule.SECOND_FACTOR, Mark.OK)
    if signed_in is None:
        yield Finding(Rule.PROOF_ASKED, Mark.NOTE)
    elif is_satisfied(signed_in.proofs, CHANGE_METHODS, owned=owned, now=now):
        yield Finding(Rule.PROOF_FRESH, Mark.OK)
    else:
        yield Finding(Rule.PROOF_STALE, Mark.NOTE)


_PASS_RULES = {
    Usability.ENABLED_BY_POLICY: (Rule.PASS_USABLE, Mark.OK),
    Usability.DISABLED_BY_POLICY: (Rule.PASS_DISABLED, Mark.NO),
    Usability.EXPIRED: (Rule.PASS_EXPIRED, Mark.NO),
    Usability.NOT_YET_VALID: (Rule.PASS_NOT_YET_VALID, Mark.NO),
    Usability.ONE_TIME_USED: (Rule.PASS_USED, Mark.NO),
}


def _pass(tx: Transaction, person: Person, now: int) -> Iterator[Finding]:
    held = methods.pass_of(tx, person.id)
    if held is not None:
        yield Finding(*_PASS_RULES[usability_now(tx, held, now=now)])


def _others(standing: Standing, owned: set[MethodKind]) -> Iterator[Finding]:
    rules = {
        MethodKind.PASSWORD: Rule.PASSWORD_OFF,
        MethodKind.CODE: Rule.CODE_OFF,
        MethodKind.AUTHENTICATOR: Rule.AUTHENTICATOR_OFF,
    }
    for kind, policy in methods_without_profiles(standing.policy).items():
        if kind not in owned:
            continue
        if includes(policy, standing.groups) is not None:
            yield Finding(rules[kind], Mark.NO)
        elif kind is MethodKind.AUTHENTICATOR and is_passwordless_offered(standing.policy):
            yield Finding(Rule.PASSWORDLESS, Mark.NOTE)


def _ways(person: Person, owned: set[MethodKind], usable: set[MethodKind], *, is_passwordless: bool) -> Finding:
    if not owned:
        return Finding(Rule.NO_METHOD_YET, Mark.NO)
    if person.is_enabled and can_sign_in(owned, usable, is_passwordless=is_passwordless):
        return Finding(Rule.CAN_SIGN_IN, Mark.OK)
    return Finding(Rule.CANNOT_SIGN_IN, Mark.NO)


def _verdicts(tx: Transaction, person: Person, standing: Standing, now: int) -> Iterator[PasskeyVerdict]:
    named = {method.id: method.name or "" for method in methods.methods_of(tx, person.id)}
    profiles = {profile.id: profile.name for profile in standing.policy.passkey.profiles}
    for passkey in methods.passkey_claims_of(tx, person.id):
        facts = facts_of(passkey)
        verdict = judge_stored(standing, facts, now=now)
        known = names_of((passkey.aaguid,))[0]
        yield PasskeyVerdict(
            method_id=passkey.method_id,
            name=named[passkey.method_id],
            aaguid=passkey.aaguid,
            provider=known if known != passkey.aaguid else None,
            type=facts.type,
            is_attested=facts.is_attested,
            reason=verdict.reason,
            allowed_by=profiles[verdict.allowed_by] if verdict.allowed_by else None,
            until=_end_of_grace(standing, facts, now) if verdict.is_allowed else None,
        )


def _end_of_grace(standing: Standing, facts: PasskeyFacts, now: int) -> int | None:
    """When a passkey that signs in now will do so no more."""
    ends = {one.until for profile in standing.policy.passkey.profiles for one in profile.superseded if one.until > now}
    for end in sorted(ends):
        if not judge_stored(standing, facts, now=end).is_allowed:
            return end
    return None


def _named(groups: list[str], group_names: Mapping[str, str]) -> str:
    return ", ".join(group_names.get(group, group) for group in groups)
