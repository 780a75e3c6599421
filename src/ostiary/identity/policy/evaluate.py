"""The one decision about passkeys: may this person register, or sign in with, this passkey?

`Exclude` wins; then a passkey is allowed when it fully satisfies at least one profile that the person matches.
Attestation is judged at registration; AAGUID and type at registration and at every sign-in. Turning attestation on
later therefore shuts nobody out, with one exception: a list of allowed AAGUIDs in a profile that enforces attestation
never matches an AAGUID that nobody vouched for, whenever it was registered.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from ostiary.identity.policy.model import (
    EVERYONE,
    Enforcement,
    KeyRestrictions,
    MethodPolicy,
    PasskeyPolicy,
    PasskeyProfile,
    PasskeyRules,
    PasskeyType,
)
from ostiary.identity.reasons import Reason


class Phase(StrEnum):
    REGISTRATION = "registration"
    SIGN_IN = "sign_in"


class PasskeyFacts(NamedTuple):
    """What a passkey is, as far as policy asks. `aaguid` is a claim unless `is_attested`.

    `is_compromised`: its model is revoked or compromised by metadata we trust.
    """

    aaguid: str
    type: PasskeyType
    is_attested: bool
    is_compromised: bool = False


class Finding(NamedTuple):
    """One rule that spoke against it, and in which profile; None for a rule above all profiles."""

    reason: Reason
    profile_id: str | None = None


class Verdict(NamedTuple):
    """`allowed_by` is the profile fully satisfied, None when denied; `findings` say why the others, or all, are not."""

    allowed_by: str | None
    findings: tuple[Finding, ...]

    @property
    def is_allowed(self) -> bool:
        return self.allowed_by is not None

    @property
    def closest(self) -> Finding | None:
        """The one finding to tell a person: the hardest of the profile that came closest, for whoever cures a lesser
        one only meets the next."""
        if self.is_allowed:
            return None
        hardest: dict[str | None, Finding] = {}
        for finding in self.findings:
            other = hardest.get(finding.profile_id)
            if other is None or _distance(finding) > _distance(other):
                hardest[finding.profile_id] = finding
        return min(hardest.values(), key=_distance, default=None)

    @property
    def reason(self) -> Reason | None:
        closest = self.closest
        return closest.reason if closest else None


def includes(policy: MethodPolicy, groups: Iterable[str]) -> Reason | None:
    """Why a method without profiles is not for somebody in these groups; None when it is."""
    memberships = {EVERYONE, *groups}
    if not policy.is_enabled:
        return Reason.METHOD_DISABLED
    if policy.exclude & memberships:
        return Reason.METHOD_EXCLUDED
    return None if policy.include & memberships else Reason.METHOD_NOT_TARGETED


def matching_profiles(policy: PasskeyPolicy, groups: Iterable[str]) -> tuple[PasskeyProfile, ...]:
    """Every profile that somebody in these groups matches, in the policy's order."""
    memberships = {EVERYONE, *groups}
    wanted = {
        profile_id for target in policy.targets if target.group_id in memberships for profile_id in target.profile_ids
    }
    return tuple(profile for profile in policy.profiles if profile.id in wanted)


def evaluate(
    policy: PasskeyPolicy,
    groups: Iterable[str],
    phase: Phase,
    passkey: PasskeyFacts | None,
    *,
    owned: int,
    is_self_service: bool,
    now: int,
) -> Verdict:
    """Judges one passkey, or with `passkey=None` whether any could be registered at all.

    `owned` counts the person's passkeys apart from this one; `is_self_service`: the person acts, not an administrator.
    """
    memberships = {EVERYONE, *groups}
    if not policy.is_enabled:
        return Verdict(None, (Finding(Reason.METHOD_DISABLED),))
    if policy.exclude & memberships:
        return Verdict(None, (Finding(Reason.METHOD_EXCLUDED),))
    profiles = matching_profiles(policy, groups)
    if not profiles:
        return Verdict(None, (Finding(Reason.METHOD_NOT_TARGETED),))
    is_registration = phase is Phase.REGISTRATION
    if is_registration and is_self_service and not policy.is_self_service_allowed:
        return Verdict(None, (Finding(Reason.SELF_SERVICE_OFF),))
    if is_registration and passkey is not None and passkey.is_compromised:
        return Verdict(None, (Finding(Reason.AUTHENTICATOR_COMPROMISED),))
    findings: list[Finding] = []
    for profile in profiles:
        reasons = _against(profile, phase, passkey, owned=owned, is_self_service=is_self_service, now=now)
        if not reasons:
            return Verdict(profile.id, tuple(findings))
        findings.extend(Finding(reason, profile.id) for reason in reasons)
    return Verdict(None, tuple(findings))


def _against(
    profile: PasskeyProfile,
    phase: Phase,
    passkey: PasskeyFacts | None,
    *,
    owned: int,
    is_self_service: bool,
    now: int,
) -> list[Reason]:
    """What in this profile speaks against it; nothing: it is fully satisfied."""
    if phase is Phase.SIGN_IN:
        rules = [profile.rules, *(one.rules for one in profile.superseded if now < one.until)]
        against = [_rules_against(one, phase, passkey) for one in rules]
        return min(against, key=len)
    reasons = []
    if is_self_service and not profile.is_self_service_allowed:
        reasons.append(Reason.SELF_SERVICE_OFF)
    if profile.most_passkeys is not None and owned >= profile.most_passkeys:
        reasons.append(Reason.PASSKEY_LIMIT)
    return reasons + _rules_against(profile.rules, phase, passkey)


def _rules_against(rules: PasskeyRules, phase: Phase, passkey: PasskeyFacts | None) -> list[Reason]:
    types = accepted_types(rules)
    restrictions = rules.key_restrictions
    if passkey is None:
        return [Reason.PROFILE_ALLOWS_NOTHING] if allows_nothing(rules) else []
    reasons = []
    if passkey.type not in types:
        is_synced = passkey.type is PasskeyType.SYNCED
        reasons.append(Reason.SYNCED_NOT_ALLOWED if is_synced else Reason.DEVICE_BOUND_NOT_ALLOWED)
    if restrictions is not None and not _passes(restrictions, passkey.aaguid):
        reasons.append(Reason.AAGUID_NOT_ALLOWED)
    if rules.is_attestation_enforced and not passkey.is_attested:
        # an AAGUID nobody vouched for is only a claim, and where attestation is enforced a claim matches nothing
        claims = restrictions is not None and restrictions.enforcement is Enforcement.ALLOW
        if phase is Phase.REGISTRATION or claims:
            reasons.append(Reason.ATTESTATION_REQUIRED)
    return reasons


def accepted_types(rules: PasskeyRules) -> frozenset[PasskeyType]:
    """Attestation says where a key lives, so where it is enforced only device-bound passkeys can satisfy."""
    return rules.types & {PasskeyType.DEVICE_BOUND} if rules.is_attestation_enforced else rules.types


def takes_any_passkey(policy: PasskeyPolicy) -> bool:
    """Whether no passkey of anybody could be refused at sign-in."""
    if not policy.is_enabled or policy.exclude:
        return False
    return any(
        profile.rules.key_restrictions is None and accepted_types(profile.rules) == frozenset(PasskeyType)
        for profile in matching_profiles(policy, ())
    )


def allows_nothing(rules: PasskeyRules) -> bool:
    """Whether no passkey at all could satisfy: an empty intersection, refused when a policy is saved."""
    restrictions = rules.key_restrictions
    has_empty_list = (
        restrictions is not None and restrictions.enforcement is Enforcement.ALLOW and not restrictions.aaguids
    )
    return has_empty_list or not accepted_types(rules)


def _passes(restrictions: KeyRestrictions, aaguid: str) -> bool:
    is_listed = aaguid in restrictions.aaguids
    return is_listed if restrictions.enforcement is Enforcement.ALLOW else not is_listed


def _distance(finding: Finding) -> int:
    return _DISTANCE.index(finding.reason)


_DISTANCE = (
    # the nearer to being allowed, the earlier
    Reason.PASSKEY_LIMIT,
    Reason.ATTESTATION_REQUIRED,
    Reason.AAGUID_NOT_ALLOWED,
    Reason.SYNCED_NOT_ALLOWED,
    Reason.DEVICE_BOUND_NOT_ALLOWED,
    Reason.AUTHENTICATOR_COMPROMISED,
    Reason.SELF_SERVICE_OFF,
    Reason.PROFILE_ALLOWS_NOTHING,
    Reason.METHOD_NOT_TARGETED,
    Reason.METHOD_EXCLUDED,
    Reason.METHOD_DISABLED,
)
