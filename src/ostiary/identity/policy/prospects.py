"""What could be registered, told before anybody tries: `evaluate` asked about passkeys that do not exist yet."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from ostiary.identity.policy.evaluate import PasskeyFacts, Phase, Verdict, evaluate, matching_profiles
from ostiary.identity.policy.model import Enforcement, PasskeyPolicy, PasskeyType
from ostiary.identity.provider_names import name_of
from ostiary.identity.reasons import Reason
from ostiary.passkeys import PROVIDERS, Aaguid, AttestationConveyance, ProviderKind


class Choice(StrEnum):
    """Where the person wants the passkey; passed on to the browser as a hint."""

    THIS_DEVICE = "this_device"
    PHONE_OR_TABLET = "phone_or_tablet"
    SECURITY_KEY = "security_key"


_KINDS: Final = {
    # "this device" may be a phone as well, and a password manager is on both
    Choice.THIS_DEVICE: frozenset({ProviderKind.PLATFORM, ProviderKind.AUTHENTICATOR, ProviderKind.SYNCED}),
    Choice.PHONE_OR_TABLET: frozenset({ProviderKind.AUTHENTICATOR, ProviderKind.SYNCED}),
    Choice.SECURITY_KEY: frozenset({ProviderKind.SECURITY_KEY}),
}
_NOBODYS: Final = "6e6f626f-6479-4e73-8000-6d6f64656c00"
"""Stands for every model that no list names."""


class Prospect(NamedTuple):
    """A passkey that might be made: its provider's AAGUID, None for one that no list names, and where it would live."""

    aaguid: str | None
    type: PasskeyType
    kind: ProviderKind | None

    def suits(self, choice: Choice) -> bool:
        if self.kind is not None:
            return self.kind in _KINDS[choice]
        return self.type is PasskeyType.DEVICE_BOUND or choice is not Choice.SECURITY_KEY


class Outlook(NamedTuple):
    """What a person could register. `choices` gives for each place why not, or None; `types` what kinds are taken;
    `accepted` names the providers, for each place, when only listed ones are taken, and is empty otherwise."""

    choices: dict[Choice, Reason | None]
    types: frozenset[PasskeyType]
    accepted: dict[Choice, tuple[str, ...]]
    conveyance: AttestationConveyance


def outlook(
    policy: PasskeyPolicy, groups: Iterable[str], *, owned: int, is_self_service: bool = True, now: int
) -> Outlook:
    groups = frozenset(groups)

    def judge(one: Prospect) -> Verdict:
        # attested: whoever can vouch for itself is asked to
        facts = PasskeyFacts(one.aaguid or _NOBODYS, one.type, is_attested=True)
        return evaluate(
            policy, groups, Phase.REGISTRATION, facts, owned=owned, is_self_service=is_self_service, now=now
        )

    verdicts = [(one, judge(one)) for one in _prospects(policy)]
    taken = [one for one, verdict in verdicts if verdict.is_allowed]
    choices: dict[Choice, Reason | None] = {}
    for choice in Choice:
        suited = [verdict for one, verdict in verdicts if one.suits(choice)]
        unnamed = [verdict for one, verdict in verdicts if one.suits(choice) and one.aaguid is None]
        is_open = any(verdict.is_allowed for verdict in suited)
        choices[choice] = None if is_open else next(iter(unnamed)).reason
    is_listed_only = not any(one.aaguid is None for one in taken)
    accepted = {
        choice: names_of(one.aaguid for one in taken if one.suits(choice) and one.aaguid) if is_listed_only else ()
        for choice in Choice
    }
    is_enforced = any(profile.rules.is_attestation_enforced for profile in matching_profiles(policy, groups))
    conveyance = AttestationConveyance.DIRECT if is_enforced else AttestationConveyance.NONE
    return Outlook(choices, frozenset(one.type for one in taken), accepted, conveyance)


def takeable_providers(policy: PasskeyPolicy, groups: Iterable[str]) -> tuple[str, ...]:
    """AAGUIDs of the providers that the person's profiles take, when they take only listed ones."""
    profiles = matching_profiles(policy, groups)
    listed: set[str] = set()
    for profile in profiles:
        restrictions = profile.rules.key_restrictions
        if restrictions is None or restrictions.enforcement is not Enforcement.ALLOW:
            return ()
        listed |= restrictions.aaguids
    return tuple(sorted(listed))


def names_of(aaguids: Iterable[str]) -> tuple[str, ...]:
    """Each provider once, by name; one we do not know by its AAGUID."""
    names: dict[str, None] = {}
    for aaguid in aaguids:
        names[name_of(Aaguid.parse(aaguid)) or aaguid] = None
    return tuple(names)


def _prospects(policy: PasskeyPolicy) -> Iterator[Prospect]:
    """Something of every kind that rules can tell apart."""
    for aaguid, provider in PROVIDERS.items():
        is_synced = provider.kind is ProviderKind.SYNCED
        yield Prospect(str(aaguid), PasskeyType.SYNCED if is_synced else PasskeyType.DEVICE_BOUND, provider.kind)
    named = {str(aaguid) for aaguid in PROVIDERS}
    listed = {
        aaguid
        for profile in policy.profiles
        if profile.rules.key_restrictions is not None
        for aaguid in profile.rules.key_restrictions.aaguids
    }
    others: tuple[str | None, ...] = (*sorted(listed - named), None)
    for other in others:
        for type in PasskeyType:
            yield Prospect(other, type, None)
