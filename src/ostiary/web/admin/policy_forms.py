"""The policy editor's forms: each changes one part of the policy. Fields are named once each, groups by identifier."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from uuid import uuid4

from ostiary.identity.policy.model import (
    EVERYONE,
    AuthenticatorPolicy,
    Enforcement,
    KeyRestrictions,
    MethodPolicy,
    PasskeyPolicy,
    PasskeyProfile,
    PasskeyRules,
    PasskeyTarget,
    PasskeyType,
    PassSettings,
    Policy,
)
from ostiary.identity.provider_names import choices
from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import provider_of
from ostiary.web.admin.pages import GroupChoice, ProviderChoice
from ostiary.web.refusals import RequestReason

Form = Mapping[str, str]
MOST_FIELDS: Final = 5000
"""Two for each group and profile; a body has its own limit."""


def changed(policy: Policy, form: Form, groups: Mapping[str, str]) -> Policy:
    """The policy as the form of one part would have it. Raises `Refusal(REQUEST_INVALID)` for what no form sends."""
    part = form.get("part", "")
    if part == "passkey":
        return replace(policy, passkey=_passkey(policy.passkey, form, groups))
    if part == "profile":
        return replace(policy, passkey=_profile(policy.passkey, form))
    if part == "profile_delete":
        return replace(policy, passkey=_without(policy.passkey, form.get("profile", "")))
    method = _method(form, groups)
    if part == "temporary_access_pass":
        return replace(policy, temporary_access_pass=method, pass_settings=_settings(form))
    if part == "authenticator":
        return replace(policy, authenticator=_authenticator(method, form))
    if part == "code":
        return replace(policy, code=method)
    if part == "password":
        return replace(policy, password=method)
    raise Refusal(RequestReason.REQUEST_INVALID)


def _method(form: Form, groups: Mapping[str, str]) -> MethodPolicy:
    return MethodPolicy(
        is_enabled="enabled" in form,
        include=_ticked(form, "include", groups),
        exclude=_ticked(form, "exclude", groups),
        is_self_service_allowed="self_service" in form,
    )


def _authenticator(method: MethodPolicy, form: Form) -> AuthenticatorPolicy:
    return AuthenticatorPolicy(
        is_enabled=method.is_enabled,
        include=method.include,
        exclude=method.exclude,
        is_self_service_allowed=method.is_self_service_allowed,
        is_passwordless_allowed="passwordless" in form,
    )


def _passkey(policy: PasskeyPolicy, form: Form, groups: Mapping[str, str]) -> PasskeyPolicy:
    targets = []
    for key in (EVERYONE, *groups):
        chosen = tuple(profile.id for profile in policy.profiles if f"target:{key}:{profile.id}" in form)
        if chosen:
            targets.append(PasskeyTarget(group_id=key, profile_ids=chosen))
    return replace(
        policy,
        is_enabled="enabled" in form,
        is_self_service_allowed="self_service" in form,
        exclude=_ticked(form, "exclude", groups),
        targets=tuple(targets),
    )


def _profile(policy: PasskeyPolicy, form: Form) -> PasskeyPolicy:
    id = form.get("profile", "")
    old = next((profile for profile in policy.profiles if profile.id == id), None)
    if old is None and id != "new":
        raise Refusal(RequestReason.REQUEST_INVALID)
    new = PasskeyProfile(
        id=old.id if old else str(uuid4()),
        name=" ".join(form.get("name", "").split()),
        rules=PasskeyRules(
            types=frozenset(type for type in PasskeyType if f"type:{type}" in form),
            is_attestation_enforced="attestation" in form,
            key_restrictions=_restrictions(form),
        ),
        is_self_service_allowed="self_service" in form,
        most_passkeys=_number(form, "most", "most_passkeys"),
        grace_days=_number(form, "grace_days", "grace_days") or 0,
        superseded=old.superseded if old else (),
    )
    if old is None:
        return replace(policy, profiles=(*policy.profiles, new))
    return replace(policy, profiles=tuple(new if one is old else one for one in policy.profiles))


def _without(policy: PasskeyPolicy, id: str) -> PasskeyPolicy:
    """Its targets go with it, those that name another profile keep that."""
    kept = (
        replace(target, profile_ids=tuple(one for one in target.profile_ids if one != id)) for target in policy.targets
    )
    return replace(
        policy,
        profiles=tuple(profile for profile in policy.profiles if profile.id != id),
        targets=tuple(target for target in kept if target.profile_ids),
    )


def _restrictions(form: Form) -> KeyRestrictions | None:
    enforcement = form.get("restrictions", "")
    if not enforcement:
        return None
    try:
        kind = Enforcement(enforcement)
    except ValueError as error:
        raise Refusal(RequestReason.REQUEST_INVALID) from error
    chosen = {str(aaguid) for aaguid, name in choices().items() if f"provider:{name}" in form}
    typed = form.get("aaguids", "").replace(",", " ").split()
    return KeyRestrictions(enforcement=kind, aaguids=frozenset({*chosen, *typed}))


def _settings(form: Form) -> PassSettings:
    names = ("minimum_minutes", "maximum_minutes", "default_minutes", "length")
    numbers = {name: _number(form, name, name) for name in names}
    given = {name: number for name, number in numbers.items() if number is not None}
    return PassSettings(**given, is_one_time_required="one_time" in form)


def _number(form: Form, name: str, field: str) -> int | None:
    text = form.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise Refusal(Reason.POLICY_INVALID, field=field, detail=f"{name}: {text[:20]}")
    return int(text)


def _ticked(form: Form, name: str, groups: Mapping[str, str]) -> frozenset[str]:
    return frozenset(key for key in (EVERYONE, *groups) if f"{name}:{key}" in form)


# --- What a form starts with


def group_choices(
    groups: Mapping[str, str], *, include: frozenset[str], exclude: frozenset[str], policy: PasskeyPolicy | None = None
) -> tuple[GroupChoice, ...]:
    """Everyone first; the name of everyone is the template's."""
    targets = {target.group_id: frozenset(target.profile_ids) for target in policy.targets} if policy else {}
    return tuple(
        GroupChoice(
            key=key,
            name=name,
            is_included=key in include,
            is_excluded=key in exclude,
            profiles=targets.get(key, frozenset()),
        )
        for key, name in ((EVERYONE, ""), *sorted(groups.items(), key=lambda pair: pair[1].casefold()))
    )


def provider_choices(profile: PasskeyProfile) -> tuple[ProviderChoice, ...]:
    """By name: a name is chosen when any of its AAGUIDs is."""
    restrictions = profile.rules.key_restrictions
    chosen = restrictions.aaguids if restrictions else frozenset()
    kinds: dict[str, str] = {}
    ticked: set[str] = set()
    for aaguid, name in choices().items():
        provider = provider_of(aaguid)
        kinds.setdefault(name, provider.kind.value if provider else "")
        if str(aaguid) in chosen:
            ticked.add(name)
    return tuple(
        ProviderChoice(key=name, name=name, kind=kind, is_chosen=name in ticked) for name, kind in kinds.items()
    )


def other_aaguids(profile: PasskeyProfile) -> str:
    restrictions = profile.rules.key_restrictions
    known = {str(aaguid) for aaguid in choices()}
    return "\n".join(sorted(restrictions.aaguids - known)) if restrictions else ""
