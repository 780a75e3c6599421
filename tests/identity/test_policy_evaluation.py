"""The one decision, against a slow and obvious reading of the same rules, and each rule by name."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.policy.evaluate import PasskeyFacts, Phase, evaluate, includes, takes_any_passkey
from ostiary.identity.policy.model import (
    EVERYONE,
    Enforcement,
    KeyRestrictions,
    MethodPolicy,
    PasskeyPolicy,
    PasskeyProfile,
    PasskeyRules,
    PasskeyTarget,
    PasskeyType,
    Superseded,
)
from ostiary.identity.reasons import Reason

MODELS = tuple(f"{number:08d}-0000-4000-8000-000000000000" for number in range(4))
UNLISTED = "99999999-0000-4000-8000-000000000000"
GROUPS = ("pilots", "staff", "guests")
NOW = 1_000

# --- the reference: no shortcuts, no reasons, every passkey there could be


def is_member(group: str, groups: Iterable[str]) -> bool:
    return group == EVERYONE or group in set(groups)


def satisfies(rules: PasskeyRules, passkey: PasskeyFacts, *, is_registration: bool) -> bool:
    if passkey.type not in rules.types:
        return False
    if rules.is_attestation_enforced:
        if passkey.type is PasskeyType.SYNCED:
            return False
        if is_registration and not passkey.is_attested:
            return False
    if rules.key_restrictions is not None:
        is_on_list = passkey.aaguid in rules.key_restrictions.aaguids
        if rules.key_restrictions.enforcement is Enforcement.BLOCK:
            if is_on_list:
                return False
        else:
            if not is_on_list:
                return False
            if rules.is_attestation_enforced and not passkey.is_attested:
                return False
    return True


def may_register(policy: PasskeyPolicy, groups: set[str], passkey: PasskeyFacts, owned: int, is_self: bool) -> bool:
    for profile in policy.profiles:
        targets = [one for one in policy.targets if profile.id in one.profile_ids]
        if not any(is_member(one.group_id, groups) for one in targets):
            continue
        if is_self and not (policy.is_self_service_allowed and profile.is_self_service_allowed):
            continue
        if profile.most_passkeys is not None and owned + 1 > profile.most_passkeys:
            continue
        if not passkey.is_compromised and satisfies(profile.rules, passkey, is_registration=True):
            return True
    return False


def may_sign_in(policy: PasskeyPolicy, groups: set[str], passkey: PasskeyFacts, now: int) -> bool:
    for profile in policy.profiles:
        targets = [one for one in policy.targets if profile.id in one.profile_ids]
        if not any(is_member(one.group_id, groups) for one in targets):
            continue
        if satisfies(profile.rules, passkey, is_registration=False):
            return True
        for one in profile.superseded:
            if now < one.until and satisfies(one.rules, passkey, is_registration=False):
                return True
    return False


def reference(
    policy: PasskeyPolicy,
    groups: set[str],
    phase: Phase,
    passkey: PasskeyFacts | None,
    *,
    owned: int,
    is_self: bool,
    now: int,
) -> bool:
    if not policy.is_enabled or any(is_member(group, groups) for group in policy.exclude):
        return False
    if passkey is None:
        every = product((*MODELS, UNLISTED), PasskeyType, (False, True))
        candidates = [PasskeyFacts(aaguid, type, attested) for aaguid, type, attested in every]
    else:
        candidates = [passkey]
    if phase is Phase.REGISTRATION:
        return any(may_register(policy, groups, one, owned, is_self) for one in candidates)
    return any(may_sign_in(policy, groups, one, now) for one in candidates)


# --- everything there could be

restrictions = st.builds(
    KeyRestrictions, enforcement=st.sampled_from(Enforcement), aaguids=st.frozensets(st.sampled_from(MODELS))
)
rules = st.builds(
    PasskeyRules,
    types=st.frozensets(st.sampled_from(PasskeyType)),
    is_attestation_enforced=st.booleans(),
    key_restrictions=st.none() | restrictions,
)
superseded = st.builds(Superseded, rules=rules, until=st.integers(NOW - 2, NOW + 2))
profile_ids = ("one", "two", "three")


@st.composite
def policies(draw: st.DrawFn) -> PasskeyPolicy:
    profiles = tuple(
        PasskeyProfile(
            id=id,
            name=id,
            rules=draw(rules),
            is_self_service_allowed=draw(st.booleans()),
            most_passkeys=draw(st.none() | st.integers(1, 3)),
            superseded=tuple(draw(st.lists(superseded, max_size=2))),
        )
        for id in profile_ids[: draw(st.integers(0, 3))]
    )
    targets = st.builds(
        PasskeyTarget,
        group_id=st.sampled_from((*GROUPS, EVERYONE)),
        profile_ids=st.lists(st.sampled_from(profile_ids), max_size=3).map(tuple),
    )
    return PasskeyPolicy(
        is_enabled=draw(st.booleans() | st.just(True)),
        targets=tuple(draw(st.lists(targets, max_size=4))),
        exclude=draw(st.just(frozenset()) | st.frozensets(st.sampled_from((*GROUPS, EVERYONE)), max_size=2)),
        is_self_service_allowed=draw(st.booleans() | st.just(True)),
        profiles=profiles,
    )


passkeys = st.builds(
    PasskeyFacts,
    aaguid=st.sampled_from((*MODELS, UNLISTED)),
    type=st.sampled_from(PasskeyType),
    is_attested=st.booleans(),
    is_compromised=st.sampled_from((False, False, False, True)),
)


@given(
    policy=policies(),
    groups=st.sets(st.sampled_from(GROUPS)),
    phase=st.sampled_from(Phase),
    passkey=st.none() | passkeys,
    owned=st.integers(0, 3),
    is_self=st.booleans(),
    now=st.integers(NOW - 2, NOW + 2),
)
def test_agrees_with_the_slow_and_obvious_reading(
    policy: PasskeyPolicy,
    groups: set[str],
    phase: Phase,
    passkey: PasskeyFacts | None,
    owned: int,
    is_self: bool,
    now: int,
) -> None:
    verdict = evaluate(policy, groups, phase, passkey, owned=owned, is_self_service=is_self, now=now)
    assert verdict.is_allowed == reference(policy, groups, phase, passkey, owned=owned, is_self=is_self, now=now)
    if verdict.is_allowed:
        assert verdict.reason is None
        assert verdict.allowed_by in {profile.id for profile in policy.profiles}
    else:
        assert verdict.closest in verdict.findings
    if phase is Phase.SIGN_IN and takes_any_passkey(policy):
        assert verdict.is_allowed


@given(policy=policies(), groups=st.sets(st.sampled_from(GROUPS)), passkey=passkeys)
def test_leaving_every_excluded_group_never_shuts_anybody_out(
    policy: PasskeyPolicy, groups: set[str], passkey: PasskeyFacts
) -> None:
    without = replace(policy, exclude=frozenset())
    arguments = {"owned": 0, "is_self_service": True, "now": NOW}
    if evaluate(policy, groups, Phase.SIGN_IN, passkey, **arguments).is_allowed:  # type: ignore[arg-type]
        assert evaluate(without, groups, Phase.SIGN_IN, passkey, **arguments).is_allowed  # type: ignore[arg-type]


# --- each rule by name

PASSKEY = PasskeyFacts(MODELS[0], PasskeyType.DEVICE_BOUND, is_attested=False)


def policy_of(*profiles: PasskeyRules, **settings: object) -> PasskeyPolicy:
    made = tuple(PasskeyProfile(id=f"{place}", name=f"{place}", rules=one) for place, one in enumerate(profiles))
    target = PasskeyTarget(group_id=EVERYONE, profile_ids=tuple(one.id for one in made))
    return replace(PasskeyPolicy(profiles=made, targets=(target,)), **settings)  # type: ignore[arg-type]


def judged(
    policy: PasskeyPolicy, passkey: PasskeyFacts | None = PASSKEY, phase: Phase = Phase.REGISTRATION
) -> Reason | None:
    return evaluate(policy, {"pilots"}, phase, passkey, owned=0, is_self_service=True, now=NOW).reason


def listed(enforcement: Enforcement, *aaguids: str) -> KeyRestrictions:
    return KeyRestrictions(enforcement=enforcement, aaguids=frozenset(aaguids))


@pytest.mark.parametrize("phase", Phase)
def test_no_restrictions_and_an_empty_allow_list_are_different_things(phase: Phase) -> None:
    assert judged(policy_of(PasskeyRules(key_restrictions=None)), phase=phase) is None
    empty = policy_of(PasskeyRules(key_restrictions=listed(Enforcement.ALLOW)))
    assert judged(empty, phase=phase) is Reason.AAGUID_NOT_ALLOWED
    assert judged(empty, None, phase) is Reason.PROFILE_ALLOWS_NOTHING
    assert judged(policy_of(PasskeyRules(key_restrictions=listed(Enforcement.BLOCK))), phase=phase) is None


@pytest.mark.parametrize("phase", Phase)
def test_exclude_beats_include(phase: Phase) -> None:
    target = PasskeyTarget(group_id="pilots", profile_ids=("0",))
    policy = policy_of(PasskeyRules(), targets=(target,), exclude=frozenset({"pilots"}))
    assert judged(policy, phase=phase) is Reason.METHOD_EXCLUDED
    assert includes(MethodPolicy(include=frozenset({"pilots"}), exclude=frozenset({"pilots"})), {"pilots"})


def test_one_profile_satisfied_is_enough_and_two_halves_are_not() -> None:
    synced = PasskeyRules(types=frozenset({PasskeyType.SYNCED}))
    other_model = PasskeyRules(key_restrictions=listed(Enforcement.ALLOW, MODELS[1]))
    assert judged(policy_of(synced, other_model)) is not None  # each rule is met by one of them, neither by both
    assert judged(policy_of(synced, other_model, PasskeyRules())) is None


def test_attestation_turned_on_later_shuts_nobody_out() -> None:
    enforced = policy_of(PasskeyRules(is_attestation_enforced=True))
    assert judged(enforced) is Reason.ATTESTATION_REQUIRED
    assert judged(enforced, phase=Phase.SIGN_IN) is None


@pytest.mark.parametrize("phase", Phase)
def test_an_allow_list_never_matches_a_claim_where_attestation_is_enforced(phase: Phase) -> None:
    rules = PasskeyRules(is_attestation_enforced=True, key_restrictions=listed(Enforcement.ALLOW, PASSKEY.aaguid))
    assert judged(policy_of(rules), phase=phase) is Reason.ATTESTATION_REQUIRED
    assert judged(policy_of(rules), PASSKEY._replace(is_attested=True), phase) is None


def test_aaguids_in_capitals_are_the_same_models() -> None:
    written = "ABCDEF00-0000-4000-8000-000000000000"
    blocked = policy_of(PasskeyRules(key_restrictions=listed(Enforcement.BLOCK, written)))
    assert judged(blocked, PASSKEY._replace(aaguid=written.lower())) is Reason.AAGUID_NOT_ALLOWED


def test_a_compromised_model_is_refused_at_registration_alone() -> None:
    compromised = PASSKEY._replace(is_compromised=True)
    assert judged(policy_of(PasskeyRules()), compromised) is Reason.AUTHENTICATOR_COMPROMISED
    assert judged(policy_of(PasskeyRules()), compromised, Phase.SIGN_IN) is None


def test_administrators_may_provision_where_self_service_is_off() -> None:
    policy = policy_of(PasskeyRules(), is_self_service_allowed=False)
    assert judged(policy) is Reason.SELF_SERVICE_OFF
    by_administrator = evaluate(policy, (), Phase.REGISTRATION, PASSKEY, owned=0, is_self_service=False, now=NOW)
    assert by_administrator.is_allowed


def test_the_largest_number_counts_the_others() -> None:
    profile = PasskeyProfile(id="0", name="0", most_passkeys=2)
    policy = replace(policy_of(PasskeyRules()), profiles=(profile,))
    reasons = [
        evaluate(policy, (), Phase.REGISTRATION, PASSKEY, owned=owned, is_self_service=True, now=NOW).reason
        for owned in (1, 2)
    ]
    assert reasons == [None, Reason.PASSKEY_LIMIT]


def test_tells_the_hardest_reason_of_the_profile_that_came_closest() -> None:
    keys = PasskeyRules(
        types=frozenset({PasskeyType.DEVICE_BOUND}),
        is_attestation_enforced=True,
        key_restrictions=listed(Enforcement.ALLOW, MODELS[1]),
    )
    synced = PasskeyFacts(MODELS[0], PasskeyType.SYNCED, is_attested=False)
    assert judged(policy_of(keys), synced) is Reason.SYNCED_NOT_ALLOWED
    others = PasskeyRules(key_restrictions=listed(Enforcement.BLOCK, MODELS[0]))
    assert judged(policy_of(keys, others), synced) is Reason.AAGUID_NOT_ALLOWED


def test_grace_lets_sign_in_until_it_ends() -> None:
    profile = PasskeyProfile(
        id="0",
        name="0",
        rules=PasskeyRules(key_restrictions=listed(Enforcement.BLOCK, PASSKEY.aaguid)),
        superseded=(Superseded(rules=PasskeyRules(), until=NOW + 1),),
    )
    policy = replace(policy_of(PasskeyRules()), profiles=(profile,))

    def at(now: int, phase: Phase = Phase.SIGN_IN) -> Reason | None:
        return evaluate(policy, (), phase, PASSKEY, owned=0, is_self_service=True, now=now).reason

    assert at(NOW) is None
    assert at(NOW + 1) is Reason.AAGUID_NOT_ALLOWED
    assert at(NOW, Phase.REGISTRATION) is Reason.AAGUID_NOT_ALLOWED
