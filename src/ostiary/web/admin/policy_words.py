"""A policy with the names its identifiers stand for, for the sentences of `templates/admin/_policy.html`."""

from ostiary.identity.policy.model import PasskeyProfile, Policy
from ostiary.identity.provider_names import name_of
from ostiary.passkeys import Aaguid
from ostiary.web.admin.pages import Difference, MethodPart, PolicyView

METHOD_PARTS: tuple[MethodPart, ...] = ("temporary_access_pass", "authenticator", "code", "password")


def policy_view(policy: Policy, groups: dict[str, str]) -> PolicyView:
    return PolicyView(
        passkey=policy.passkey,
        methods=tuple((part, getattr(policy, part)) for part in METHOD_PARTS),
        settings=policy.pass_settings,
        groups=groups,
        providers={profile.id: provider_names(profile) for profile in policy.passkey.profiles},
    )


def provider_names(profile: PasskeyProfile) -> tuple[str, ...]:
    """Each provider once, by name; what has none by its AAGUID."""
    restrictions = profile.rules.key_restrictions
    return names_of_aaguids(restrictions.aaguids) if restrictions else ()


def names_of_aaguids(aaguids: frozenset[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({_name(aaguid) for aaguid in aaguids}, key=str.casefold))


def _name(aaguid: str) -> str:
    try:
        return name_of(Aaguid.parse(aaguid)) or aaguid
    except ValueError:
        return aaguid


def differences(before: Policy, after: Policy, groups: dict[str, str]) -> tuple[Difference, ...]:
    """Every sentence that is not the same, before and after."""
    old, new = policy_view(before, groups), policy_view(after, groups)
    found = []
    if _frame_of(before) != _frame_of(after):
        found.append(Difference(key="passkey", before=old, after=new))
    earlier = {profile.id: profile for profile in before.passkey.profiles}
    later = {profile.id: profile for profile in after.passkey.profiles}
    for id in dict.fromkeys((*earlier, *later)):
        if _rules_of(earlier.get(id)) != _rules_of(later.get(id)):
            found.append(
                Difference(
                    key="profile",
                    before=old if id in earlier else None,
                    after=new if id in later else None,
                    profile_id=id,
                )
            )
    for part in METHOD_PARTS:
        if getattr(before, part) != getattr(after, part):
            found.append(Difference(key=part, before=old, after=new))
    if before.pass_settings != after.pass_settings:
        found.append(Difference(key="pass_settings", before=old, after=new))
    return tuple(found)


def _frame_of(policy: Policy) -> object:
    one = policy.passkey
    return one.is_enabled, one.targets, one.exclude, one.is_self_service_allowed


def _rules_of(profile: PasskeyProfile | None) -> object:
    """What an administrator set; what a grace period keeps follows from it."""
    if profile is None:
        return None
    return (
        profile.name,
        profile.rules,
        profile.is_self_service_allowed,
        profile.most_passkeys,
        profile.grace_days,
    )
