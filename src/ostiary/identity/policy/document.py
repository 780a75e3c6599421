"""A policy as the JSON it is stored as, and what must hold before it is."""

import json
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from ostiary.identity.policy.evaluate import accepted_types, allows_nothing
from ostiary.identity.policy.model import (
    DEFAULT_PROFILE,
    EVERYONE,
    LONGEST_PASS,
    LONGEST_PASS_CODE,
    SHORTEST_PASS,
    SHORTEST_PASS_CODE,
    Enforcement,
    PasskeyRules,
    PasskeyType,
    Policy,
)
from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import Aaguid, ProviderKind, provider_of

_POLICY = TypeAdapter(Policy)


class Flaw(StrEnum):
    """What can be wrong with a policy, as a sentence with names to fill in; `web.explaining` translates it."""

    NAME_LENGTH = "A profile needs a name of 1 to 60 characters."
    NAME_TWICE = "There are two profiles of this name."
    TAKES_NONE = "No passkey can satisfy this profile: its types and restrictions have nothing in common."
    NO_AAGUID = "This is not an AAGUID: %(aaguid)s"
    MOST_PASSKEYS = "The largest number of passkeys is 1 to 10."
    GRACE_DAYS = "The grace period is 0 to 365 days."
    NO_DEFAULT = "The default profile cannot be deleted. Take it from its targets instead."
    NO_PROFILE = "A target needs at least one profile."
    UNKNOWN_PROFILE = "It names a profile that does not exist."
    LIFETIMES = "Lifetimes rise from minimum over default to maximum, %(least)s to %(most)s minutes."
    LENGTH = "A pass has %(least)s to %(most)s characters."
    NO_TARGET = "No target names this profile, so it counts for nobody."
    UNLIKELY = "None of the providers it accepts usually makes the type of passkey it asks for."
    EXCLUDES_EVERYONE = "It excludes everyone."
    UNKNOWN_GROUP = "There is no group %(group)s."


class Fault(NamedTuple):
    """What is wrong with a policy, and where (`passkey.profiles.Pilot`)."""

    where: str
    flaw: Flaw
    names: Mapping[str, str] = {}

    @property
    def what(self) -> str:
        """In English."""
        return self.flaw.value % self.names

    def to_json(self) -> dict[str, str]:
        return {"where": self.where, "code": self.flaw.name.lower(), "what": self.what}


def dump(policy: Policy, *, indent: int | None = None) -> str:
    """The same text for the same policy, always."""
    return json.dumps(_in_order(_POLICY.dump_python(policy, mode="json")), ensure_ascii=False, indent=indent)


def load(text: str) -> Policy:
    """Raises `Refusal(POLICY_INVALID)`, also for a member that means nothing here: a rule misspelt is no rule."""
    try:
        policy = _POLICY.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Refusal(Reason.POLICY_INVALID, detail=f"{where}: {first['msg']}") from error
    unknown = next(_unknown(json.loads(text), _POLICY.dump_python(policy, mode="json"), ""), None)
    if unknown is not None:
        raise Refusal(Reason.POLICY_INVALID, detail=f"{unknown}: there is no such member")
    return policy


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_order(member) for name, member in value.items()}
    if isinstance(value, list):  # lists of text are sets: their order means nothing
        return sorted(value) if all(isinstance(one, str) for one in value) else [_in_order(one) for one in value]
    return value


def _unknown(given: Any, known: Any, where: str) -> Iterator[str]:
    """Members of `given` that did not become part of `known`."""
    if isinstance(given, dict) and isinstance(known, dict):
        for name, member in given.items():
            place = f"{where}.{name}" if where else name
            if name not in known:
                yield place
            else:
                yield from _unknown(member, known[name], place)
    elif isinstance(given, list) and isinstance(known, list):
        for number, (one, other) in enumerate(zip(given, known, strict=False)):
            yield from _unknown(one, other, f"{where}.{number}")


def faults(policy: Policy) -> list[Fault]:
    """Everything that contradicts itself. A policy with faults is not saved."""
    found: list[Fault] = []
    passkey, settings = policy.passkey, policy.pass_settings
    ids = [profile.id for profile in passkey.profiles]
    names = [profile.name.casefold() for profile in passkey.profiles]
    for profile in passkey.profiles:
        where = f"passkey.profiles.{profile.name}"
        if not 1 <= len(profile.name.strip()) <= 60:
            found.append(Fault(where, Flaw.NAME_LENGTH))
        if ids.count(profile.id) > 1 or names.count(profile.name.casefold()) > 1:
            found.append(Fault(where, Flaw.NAME_TWICE))
        if allows_nothing(profile.rules):
            found.append(Fault(where, Flaw.TAKES_NONE))
        restrictions = profile.rules.key_restrictions
        for aaguid in sorted(restrictions.aaguids) if restrictions else ():
            if not _is_aaguid(aaguid):
                found.append(Fault(where, Flaw.NO_AAGUID, {"aaguid": aaguid}))
        if profile.most_passkeys is not None and not 1 <= profile.most_passkeys <= 10:
            found.append(Fault(where, Flaw.MOST_PASSKEYS))
        if not 0 <= profile.grace_days <= 365:
            found.append(Fault(where, Flaw.GRACE_DAYS))
    if DEFAULT_PROFILE not in ids:
        found.append(Fault("passkey.profiles", Flaw.NO_DEFAULT))
    for target in passkey.targets:
        where = f"passkey.targets.{target.group_id}"
        if not target.profile_ids:
            found.append(Fault(where, Flaw.NO_PROFILE))
        found.extend(Fault(where, Flaw.UNKNOWN_PROFILE) for id in target.profile_ids if id not in ids)
    limits = (settings.minimum_minutes, settings.default_minutes, settings.maximum_minutes)
    if not SHORTEST_PASS <= limits[0] <= limits[1] <= limits[2] <= LONGEST_PASS:
        names_of_limits = {"least": str(SHORTEST_PASS), "most": str(LONGEST_PASS)}
        found.append(Fault("pass_settings", Flaw.LIFETIMES, names_of_limits))
    if not SHORTEST_PASS_CODE <= settings.length <= LONGEST_PASS_CODE:
        names_of_lengths = {"least": str(SHORTEST_PASS_CODE), "most": str(LONGEST_PASS_CODE)}
        found.append(Fault("pass_settings", Flaw.LENGTH, names_of_lengths))
    return found


def doubts(policy: Policy, groups: Collection[str]) -> list[Fault]:
    """What is allowed to be saved but hardly meant. `groups` are the identifiers of all there are."""
    found: list[Fault] = []
    passkey = policy.passkey
    known = {EVERYONE, *groups}
    targeted = {id for target in passkey.targets for id in target.profile_ids}
    for profile in passkey.profiles:
        where = f"passkey.profiles.{profile.name}"
        if profile.id not in targeted:
            found.append(Fault(where, Flaw.NO_TARGET))
        if not allows_nothing(profile.rules) and not _takes_a_known_provider(profile.rules):
            found.append(Fault(where, Flaw.UNLIKELY))
    named = {target.group_id for target in passkey.targets} | passkey.exclude
    for where, one in (
        ("password", policy.password),
        ("code", policy.code),
        ("authenticator", policy.authenticator),
        ("temporary_access_pass", policy.temporary_access_pass),
    ):
        named |= one.include | one.exclude
        if EVERYONE in one.exclude:
            found.append(Fault(where, Flaw.EXCLUDES_EVERYONE))
    if EVERYONE in passkey.exclude:
        found.append(Fault("passkey", Flaw.EXCLUDES_EVERYONE))
    found.extend(Fault("groups", Flaw.UNKNOWN_GROUP, {"group": group}) for group in sorted(named - known))
    return found


def _takes_a_known_provider(rules: PasskeyRules) -> bool:
    """Whether an accepted AAGUID is of a provider whose passkeys usually have an accepted type, or of one we do not
    know."""
    restrictions = rules.key_restrictions
    if restrictions is None or restrictions.enforcement is not Enforcement.ALLOW:
        return True
    types = accepted_types(rules)
    for aaguid in restrictions.aaguids:
        provider = provider_of(Aaguid.parse(aaguid)) if _is_aaguid(aaguid) else None
        is_synced = provider is not None and provider.kind is ProviderKind.SYNCED
        if provider is None or (PasskeyType.SYNCED if is_synced else PasskeyType.DEVICE_BOUND) in types:
            return True
    return False


def _is_aaguid(text: str) -> bool:
    try:
        Aaguid.parse(text)
    except ValueError:
        return False
    return True
