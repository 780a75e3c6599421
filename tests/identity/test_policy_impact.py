"""What a change does to people: the numbers against counting one by one, and the storage they come from."""

import random
import time
from collections import Counter
from dataclasses import replace

import pytest

from ostiary.clock import DAY
from ostiary.identity.assurance import MethodKind
from ostiary.identity.policy import document
from ostiary.identity.policy.evaluate import PasskeyFacts, Phase, evaluate, includes
from ostiary.identity.policy.impact import Impact, compare, preview
from ostiary.identity.policy.model import MethodPolicy, PasskeyPolicy, PasskeyType, Policy
from ostiary.storage.census import HeldPasskey, Holder, all_holders
from tests.organisation import Organisation
from tests.policies import (
    DEVICE_BOUND,
    OFF,
    SYNCED,
    allow,
    block,
    for_group,
    group_with,
    save,
    with_profile,
    with_rules,
)
from tests.software_authenticator import SoftwareAuthenticator

MODELS = tuple(f"{number:08d}-0000-4000-8000-000000000000" for number in range(4))
NOW = 1_000


def somebody(number: int, chance: random.Random) -> Holder:
    kinds = {kind for kind in (MethodKind.PASSWORD, MethodKind.CODE) if chance.random() < 0.6}
    passkeys = tuple(
        HeldPasskey(chance.choice(MODELS), chance.random() < 0.5, chance.choice(("none", "attested")))
        for _ in range(chance.randrange(4))
    )
    groups = frozenset(group for group in ("pilots", "staff", "guests") if chance.random() < 0.4)
    held = frozenset({*kinds, *([MethodKind.PASSKEY] if passkeys else [])})
    return Holder(f"{number:06d}", f"p{number}@contoso.example", f"P {number}", groups, passkeys, held)


POLICIES = [
    Policy(),
    with_rules(types=DEVICE_BOUND),
    with_rules(types=SYNCED),
    with_rules(key_restrictions=allow(*MODELS[:2])),
    with_rules(key_restrictions=block(MODELS[3])),
    with_rules(is_attestation_enforced=True, key_restrictions=allow(MODELS[0])),
    with_profile(most_passkeys=2),
    Policy(password=OFF),
    Policy(code=MethodPolicy(exclude=frozenset({"guests"}))),
    Policy(passkey=replace(PasskeyPolicy(), targets=for_group("pilots"), exclude=frozenset({"guests"}))),
]


def counted(before: Policy, after: Policy, holders: list[Holder]) -> Counter[str]:
    """One by one, from the words of `Impact` alone."""

    def usable(policy: Policy, holder: Holder) -> int:
        number = 0
        for aaguid, is_synced, attestation in holder.passkeys:
            type = PasskeyType.SYNCED if is_synced else PasskeyType.DEVICE_BOUND
            facts = PasskeyFacts(aaguid, type, attestation == "attested")
            verdict = evaluate(
                policy.passkey, holder.groups, Phase.SIGN_IN, facts, owned=0, is_self_service=True, now=NOW
            )
            number += verdict.is_allowed
        return number

    def gets_in(policy: Policy, holder: Holder) -> bool:
        has_password = "password" in holder.kinds
        password = has_password and includes(policy.password, holder.groups) is None
        has_code = "code" in holder.kinds
        code = has_code and includes(policy.code, holder.groups) is None
        if usable(policy, holder):
            return True
        if holder.passkeys or (has_password and has_code):  # two factors are asked of whoever has them
            return password and code
        return password

    def may_add(policy: Policy, holder: Holder) -> bool:
        owned = len(holder.passkeys)
        return evaluate(
            policy.passkey, holder.groups, Phase.REGISTRATION, None, owned=owned, is_self_service=True, now=NOW
        ).is_allowed

    found: Counter[str] = Counter()
    for holder in holders:
        had, has = usable(before, holder), usable(after, holder)
        found["lose_every_passkey"] += had > 0 and has == 0
        found["lose_some"] += had > has > 0
        found["gain_passkeys"] += has > had
        found["lose_every_way"] += gets_in(before, holder) and not gets_in(after, holder)
        found["gain_a_way"] += gets_in(after, holder) and not gets_in(before, holder)
        found["may_add_no_more"] += may_add(before, holder) and not may_add(after, holder)
        found["may_add_now"] += may_add(after, holder) and not may_add(before, holder)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_are_those_of_counting_one_by_one(seed: int) -> None:
    chance = random.Random(seed)
    holders = [somebody(number, chance) for number in range(60)]
    for before in POLICIES:
        for after in POLICIES:
            impact = compare(before, after, holders, now=NOW)
            expected = counted(before, after, holders)
            assert impact.people == len(holders)
            assert {name: getattr(impact, name).number for name in Impact._fields[1:]} == dict(expected)
            assert impact.changes_nothing == (not any(expected.values()))


def test_names_the_first_few() -> None:
    chance = random.Random(1)
    holders = [somebody(number, chance) for number in range(100)]
    impact = compare(Policy(), with_rules(types=SYNCED), holders, now=NOW)
    assert impact.lose_every_passkey.number > len(impact.lose_every_passkey.examples) == 5
    assert impact.lose_every_passkey.examples[0].username.endswith("@contoso.example")


def test_tells_the_last_way_to_sign_in(org: Organisation) -> None:
    seen = org.administer(preview, Policy(code=OFF), now=org.clock())
    assert seen.faults == ()
    assert seen.at_once.people == 3
    assert seen.at_once.lose_every_way.number == 3  # password alone is never asked of whoever has two factors


def test_grace_moves_the_loss_to_its_end(org: Organisation) -> None:
    assert org.signed_in().register(SoftwareAuthenticator()).status_code == 201
    save(org, with_profile())
    rules = with_rules(types=SYNCED).passkey.profiles[0].rules
    seen = org.administer(preview, with_profile(rules, grace_days=7), now=org.clock())
    assert seen.at_once.lose_every_passkey.number == 0
    assert seen.in_the_end.lose_every_passkey.examples[0].username == "ada@contoso.example"
    assert seen.grace_ends == org.clock() + 7 * DAY
    assert org.administer(preview, with_profile(rules), now=org.clock()).at_once.lose_every_passkey.number == 1


def test_empty_intersections_are_faults_and_unlikely_ones_doubts(org: Organisation) -> None:
    nothing = with_rules(types=SYNCED, is_attestation_enforced=True)
    seen = org.administer(preview, nothing, now=org.clock())
    assert [one.where for one in seen.faults] == ["passkey.profiles.Pilot"]
    only_synced = with_rules(types=DEVICE_BOUND, key_restrictions=allow("bada5566-a7aa-401f-bd96-45619a55120d"))
    seen = org.administer(preview, only_synced, now=org.clock())
    assert (seen.faults, len(seen.doubts)) == ((), 1)
    unknown_group = Policy(passkey=replace(PasskeyPolicy(), targets=for_group("nobody-knows")))
    assert "There is no group nobody-knows." in [
        one.what for one in org.administer(preview, unknown_group, now=org.clock()).doubts
    ]


def test_the_census_reads_everybody(org_on_each: Organisation) -> None:
    org = org_on_each
    browser = org.signed_in()
    assert browser.register(SoftwareAuthenticator(backup_eligible=True)).status_code == 201
    pilots = group_with(org, "Pilots", ["ada"])
    org.disable("grace")
    with org.database.snapshot() as tx:
        found = {holder.username: holder for holder in all_holders(tx)}
    assert set(found) == {"admin@contoso.example", "ada@contoso.example"}
    ada = found["ada@contoso.example"]
    assert ada.groups == {pilots}
    assert [one.backup_eligible for one in ada.passkeys] == [True]
    assert ada.kinds == {"password", "code", "passkey"}


# --- documents


def test_a_policy_is_the_same_after_a_journey_through_json() -> None:
    for policy in POLICIES:
        text = document.dump(policy)
        assert document.load(text) == policy
        assert document.dump(document.load(text)) == text


def test_a_hundred_thousand_people_take_seconds() -> None:
    chance = random.Random(7)
    some = [somebody(number, chance) for number in range(2_000)]
    holders = (one for _ in range(50) for one in some)
    start = time.process_time()
    impact = compare(Policy(), with_rules(types=SYNCED), holders, now=NOW)
    assert impact.people == 100_000
    assert time.process_time() - start < 5
