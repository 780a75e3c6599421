"""The policy in force, asked where somebody acts: at registration, at every sign-in, before a method is offered."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from ostiary.identity.assurance import MethodKind, is_multi_factor, starts
from ostiary.identity.policy.evaluate import PasskeyFacts, Phase, Verdict, evaluate, includes
from ostiary.identity.policy.keeping import DEFAULT, in_force
from ostiary.identity.policy.model import EVERYONE, MethodPolicy, PasskeyType, Policy
from ostiary.identity.policy.prospects import names_of, takeable_providers
from ostiary.identity.provider_names import name_of
from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import Aaguid, AttestationKind, VerifiedRegistration
from ostiary.storage import methods, people
from ostiary.storage.database import Transaction


class Standing(NamedTuple):
    """What decides about a person: the policy in force, and the groups they are in."""

    policy: Policy
    groups: frozenset[str]


class Claims(Protocol):
    """A stored passkey, as far as policy asks."""

    @property
    def aaguid(self) -> str: ...
    @property
    def backup_eligible(self) -> bool: ...
    @property
    def attestation_kind(self) -> str: ...


def standing_of(tx: Transaction, person_id: str) -> Standing:
    return Standing(in_force(tx).policy, people.group_ids_of(tx, person_id))


def facts_of(passkey: Claims) -> PasskeyFacts:
    return PasskeyFacts(
        aaguid=passkey.aaguid,
        type=PasskeyType.SYNCED if passkey.backup_eligible else PasskeyType.DEVICE_BOUND,
        is_attested=passkey.attestation_kind == AttestationKind.ATTESTED,
    )


def facts_of_new(facts: VerifiedRegistration, *, is_compromised: bool) -> PasskeyFacts:
    return PasskeyFacts(
        aaguid=str(facts.aaguid),
        type=PasskeyType.SYNCED if facts.backup_eligible else PasskeyType.DEVICE_BOUND,
        is_attested=facts.attested_aaguid is not None,
        is_compromised=is_compromised,
    )


# --- registration


def require_may_register(tx: Transaction, person_id: str, *, is_self_service: bool = True, now: int) -> Standing:
    """Before the ceremony: whether any passkey could be accepted at all. Raises `Refusal`."""
    standing = standing_of(tx, person_id)
    owned = methods.kinds_of(tx, person_id).get(MethodKind.PASSKEY, 0)
    verdict = _judge_new(standing, None, owned=owned, is_self_service=is_self_service, now=now)
    if not verdict.is_allowed:
        raise _refusal(standing, verdict, None, person_id=person_id)
    return standing


def require_acceptable(
    tx: Transaction,
    person_id: str,
    passkey: PasskeyFacts,
    *,
    owned: int,
    is_self_service: bool = True,
    now: int,
) -> None:
    """After the ceremony: whether this passkey is accepted. Raises `Refusal`."""
    standing = standing_of(tx, person_id)
    verdict = _judge_new(standing, passkey, owned=owned, is_self_service=is_self_service, now=now)
    if not verdict.is_allowed:
        raise _refusal(standing, verdict, passkey, person_id=person_id)


def _judge_new(
    standing: Standing, passkey: PasskeyFacts | None, *, owned: int, is_self_service: bool, now: int
) -> Verdict:
    return evaluate(
        standing.policy.passkey,
        standing.groups,
        Phase.REGISTRATION,
        passkey,
        owned=owned,
        is_self_service=is_self_service,
        now=now,
    )


# --- sign-in


def require_usable(tx: Transaction, person_id: str, method_id: str, passkey: Claims, *, now: int) -> None:
    """At every sign-in with a passkey. One query while the policy could refuse nobody's, two otherwise.

    Raises `Refusal`."""
    force = in_force(tx)
    if force.takes_any_passkey:
        return
    standing = Standing(force.policy, people.group_ids_of(tx, person_id))
    facts = facts_of(passkey)
    verdict = judge_stored(standing, facts, now=now)
    if not verdict.is_allowed:
        raise _refusal(standing, verdict, facts, person_id=person_id, method_id=method_id)


def judge_stored(standing: Standing, passkey: PasskeyFacts | None, *, now: int) -> Verdict:
    """Whether a passkey that is registered may sign in now; with None, whether any could."""
    return evaluate(
        standing.policy.passkey, standing.groups, Phase.SIGN_IN, passkey, owned=0, is_self_service=True, now=now
    )


def methods_without_profiles(policy: Policy) -> Mapping[MethodKind, MethodPolicy]:
    return {
        MethodKind.PASSWORD: policy.password,
        MethodKind.CODE: policy.code,
        MethodKind.AUTHENTICATOR: policy.authenticator,
    }


def require_method(tx: Transaction, person_id: str, kind: MethodKind, *, method_id: str | None = None) -> None:
    """At sign-in with a method that has no profiles, for somebody who has just proven it. Raises `Refusal`."""
    reason = _against_method(tx, person_id, methods_without_profiles(in_force(tx).policy)[kind])
    if reason is not None:
        raise Refusal(reason, person_id=person_id, method_id=method_id)


def require_may_add(tx: Transaction, person_id: str, kind: MethodKind) -> None:
    """Before a person adds a method without profiles themselves. Raises `Refusal`."""
    policy = methods_without_profiles(in_force(tx).policy)[kind]
    reason = _against_method(tx, person_id, policy)
    if reason is None and not policy.is_self_service_allowed:
        reason = Reason.SELF_SERVICE_OFF
    if reason is not None:
        raise Refusal(reason, person_id=person_id)


def _against_method(tx: Transaction, person_id: str, policy: MethodPolicy) -> Reason | None:
    if _is_for_everybody(policy):
        return None
    return includes(policy, people.group_ids_of(tx, person_id))


def _is_for_everybody(policy: MethodPolicy) -> bool:
    """Then nothing about anybody needs to be looked up."""
    return policy.is_enabled and EVERYONE in policy.include and not policy.exclude


def kinds_for_nobody(policy: Policy) -> frozenset[MethodKind]:
    """Methods that are off for all people alike: not offering them says nothing about anybody."""
    if policy is DEFAULT:
        return frozenset()
    off = {kind for kind, one in methods_without_profiles(policy).items() if is_for_nobody(one)}
    if not policy.passkey.is_enabled or EVERYONE in policy.passkey.exclude or not policy.passkey.targets:
        off.add(MethodKind.PASSKEY)
    if is_for_nobody(policy.temporary_access_pass):
        off.add(MethodKind.PASS)
    return frozenset(off)


def is_for_nobody(policy: MethodPolicy) -> bool:
    return not policy.is_enabled or EVERYONE in policy.exclude or not policy.include


def is_passwordless_offered(policy: Policy) -> bool:
    """Whether an approval may begin a sign-in: offered to everybody alike, for offering it must say nothing of
    anybody."""
    return policy.authenticator.is_passwordless_allowed and not is_for_nobody(policy.authenticator)


def unusable_kinds(
    tx: Transaction, person_id: str, owned: Collection[MethodKind], *, now: int
) -> Mapping[MethodKind, Reason]:
    """The kinds of a person's methods that policy lets them use no more, and why."""
    force = in_force(tx)
    restricted = {
        kind: one
        for kind, one in methods_without_profiles(force.policy).items()
        if kind in owned and not _is_for_everybody(one)
    }
    asks_passkeys = MethodKind.PASSKEY in owned and not force.takes_any_passkey
    if not restricted and not asks_passkeys:
        return {}
    standing = Standing(force.policy, people.group_ids_of(tx, person_id))
    found: dict[MethodKind, Reason] = {}
    for kind, one in restricted.items():
        reason = includes(one, standing.groups)
        if reason is not None:
            found[kind] = reason
    if asks_passkeys:
        passkeys = methods.passkey_claims_of(tx, person_id)
        reasons = [judge_stored(standing, facts_of(one), now=now).reason for one in passkeys]
        newest = reasons[-1] if reasons else None
        if newest is not None and None not in reasons:
            found[MethodKind.PASSKEY] = newest
    return found


def can_sign_in(
    owned: Collection[MethodKind], usable: Collection[MethodKind], *, is_passwordless: bool = False
) -> bool:
    """Whether what policy leaves is enough, and something to begin with. Whoever owns two factors is asked for two,
    also when policy has taken one: a rule about methods never makes an account weaker."""
    if not any(kind in usable for kind in starts(is_passwordless=is_passwordless)):
        return False
    return is_multi_factor(usable) or not is_multi_factor(owned)


# --- what a refusal tells


def _refusal(
    standing: Standing,
    verdict: Verdict,
    passkey: PasskeyFacts | None,
    *,
    person_id: str,
    method_id: str | None = None,
) -> Refusal:
    closest = verdict.closest
    assert closest is not None  # it was denied
    particulars: dict[str, str] = {}
    profile = next((one for one in standing.policy.passkey.profiles if one.id == closest.profile_id), None)
    if profile is not None:
        particulars["rule"] = profile.name
        if profile.most_passkeys is not None:
            particulars["most"] = str(profile.most_passkeys)
    if passkey is not None:
        provider = name_of(Aaguid.parse(passkey.aaguid))
        if provider is not None:
            particulars["provider"] = provider
        accepted = names_of(takeable_providers(standing.policy.passkey, standing.groups))
        if accepted:
            particulars["accepted"] = ", ".join(accepted)
    return Refusal(
        closest.reason,
        person_id=person_id,
        method_id=method_id,
        aaguid=passkey.aaguid if passkey else None,
        detail=f"profile {profile.name}" if profile else None,
        particulars=particulars,
        is_at_sign_in=method_id is not None,
    )
