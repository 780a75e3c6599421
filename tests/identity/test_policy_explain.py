"""Explanations: every cause is found, named and cured, and none contradicts what happens."""

import pytest

from ostiary.clock import DAY, MINUTE
from ostiary.identity import passes
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.policy.document import Fault, Flaw
from ostiary.identity.policy.explain import Explanation, Mark, Rule, explain
from ostiary.identity.policy.impact import preview
from ostiary.identity.policy.model import (
    DEFAULT_PROFILE,
    EVERYONE,
    MethodPolicy,
    PasskeyProfile,
    PasskeyTarget,
    Policy,
)
from ostiary.identity.policy.prospects import Choice
from ostiary.identity.reasons import Reason
from ostiary.identity.sessions import find_session
from ostiary.web import cookies
from ostiary.web.explaining import FLAWS, RULES, fault_words, impact_rows, passkey_rows, rule_rows
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
    with_passkeys,
    with_profile,
    with_rules,
)
from tests.software_authenticator import SoftwareAuthenticator

YUBIKEY = "fa2b99dc-9e39-4257-8f92-4a30d23c4118"


def explained(org: Organisation, username: str = "ada") -> Explanation:
    return org.administer(explain, org.person(username), org.clock())


def against(found: Explanation) -> set[Rule]:
    return {one.rule for one in found.findings if one.mark is Mark.NO}


def test_nothing_is_in_the_way_by_default(org: Organisation) -> None:
    found = explained(org)
    assert against(found) == set()
    assert (found.can_add, found.can_sign_in, found.policy_version) == (True, True, 0)
    assert set(found.choices.values()) == {None}


def test_an_account_that_is_disabled(org: Organisation) -> None:
    org.disable()
    found = explained(org)
    assert Rule.ACCOUNT_DISABLED in against(found)
    assert not found.can_add
    assert not found.can_sign_in


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (with_passkeys(is_enabled=False), Rule.PASSKEYS_OFF),
        (with_passkeys(targets=()), Rule.NOT_TARGETED),
        (with_passkeys(is_self_service_allowed=False), Rule.SELF_SERVICE_OFF),
        (with_profile(is_self_service_allowed=False), Rule.PROFILE_SELF_SERVICE_OFF),
        (Policy(code=OFF), Rule.NO_SECOND_FACTOR),
        (Policy(code=OFF), Rule.CODE_OFF),
        (Policy(password=OFF), Rule.PASSWORD_OFF),
        (Policy(password=OFF), Rule.CANNOT_SIGN_IN),
    ],
)
def test_what_is_in_the_way(org: Organisation, policy: Policy, rule: Rule) -> None:
    save(org, policy)
    found = explained(org)
    assert rule in against(found)
    assert not found.can_add


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (with_rules(types=DEVICE_BOUND), Rule.PROFILE_DEVICE_BOUND),
        (with_rules(types=SYNCED), Rule.PROFILE_SYNCED),
        (with_rules(is_attestation_enforced=True), Rule.PROFILE_ATTESTED),
        (with_rules(key_restrictions=allow(YUBIKEY)), Rule.PROFILE_ACCEPTS),
        (with_rules(key_restrictions=block(YUBIKEY)), Rule.PROFILE_BLOCKS),
    ],
)
def test_what_narrows_the_choice(org: Organisation, policy: Policy, rule: Rule) -> None:
    save(org, policy)
    found = explained(org)
    assert found.can_add
    finding = next(one for one in found.findings if one.rule is rule)
    assert finding.mark is Mark.NOTE
    assert finding.names["profile"] == "Pilot"


def test_names_the_excluding_groups_and_the_profiles_that_apply(org: Organisation) -> None:
    pilots, leavers = group_with(org, "Pilots", ["ada"]), group_with(org, "Leavers", ["ada"])
    save(org, with_passkeys(targets=for_group(pilots), exclude=frozenset({leavers})))
    names = {one.rule: one.names for one in explained(org).findings}
    assert names[Rule.EXCLUDED] == {"groups": "Leavers"}
    assert names[Rule.TARGETED] == {"profile": "Default passkey profile", "groups": "Pilots"}


def test_says_which_places_and_providers_are_taken(org: Organisation) -> None:
    save(org, with_rules(key_restrictions=allow(YUBIKEY)))
    found = explained(org)
    assert found.accepted == ("YubiKey 5 NFC",)
    assert found.choices[Choice.SECURITY_KEY] is None
    assert found.choices[Choice.PHONE_OR_TABLET] is Reason.AAGUID_NOT_ALLOWED


def test_the_verdict_on_each_passkey_now_and_after_its_grace(org: Organisation) -> None:
    assert org.signed_in().register(SoftwareAuthenticator()).status_code == 201
    save(org, with_profile())
    (passkey,) = explained(org).passkeys
    assert (passkey.reason, passkey.allowed_by, passkey.until) == (None, "Pilot", None)
    rules = with_rules(types=SYNCED).passkey.profiles[0].rules
    save(org, with_profile(rules, grace_days=7))
    (passkey,) = explained(org).passkeys
    assert (passkey.reason, passkey.until) == (None, org.clock() + 7 * DAY)
    org.clock.advance(7 * DAY)
    (passkey,) = explained(org).passkeys
    assert (passkey.reason, passkey.allowed_by) == (Reason.DEVICE_BOUND_NOT_ALLOWED, None)


def test_of_several_profiles_one_that_is_open_is_enough(org: Organisation) -> None:
    first, second = DEFAULT_PROFILE, "second"
    shut = [PasskeyProfile(id=name, name=name, is_self_service_allowed=False) for name in (first, second)]
    target = PasskeyTarget(group_id=EVERYONE, profile_ids=(first, second))
    save(org, with_passkeys(profiles=tuple(shut), targets=(target,)))
    assert Rule.PROFILE_SELF_SERVICE_OFF in against(explained(org))
    shut[1] = PasskeyProfile(id="second", name="second")
    save(org, with_passkeys(profiles=tuple(shut), targets=(target,)))
    assert against(explained(org)) == set()


def test_as_many_passkeys_as_there_may_be(org: Organisation) -> None:
    assert org.signed_in().register(SoftwareAuthenticator()).status_code == 201
    save(org, with_profile(most_passkeys=1))
    found = explained(org)
    assert Rule.PROFILE_FULL in against(found)
    assert not found.can_add


def test_the_freshness_of_the_persons_own_proof(org: Organisation) -> None:
    browser = org.signed_in()

    def rules() -> set[Rule]:
        with org.database.transaction() as tx:
            signed_in = find_session(tx, browser.cookies[cookies.SESSION], now=org.clock())
            assert signed_in is not None
            found = explain(tx, signed_in.person, org.clock(), signed_in=signed_in)
        return {one.rule for one in found.findings}

    assert Rule.PROOF_FRESH in rules()
    org.clock.advance(6 * MINUTE)
    assert Rule.PROOF_STALE in rules()
    assert Rule.PROOF_ASKED in {one.rule for one in explained(org).findings}


def test_a_pass_and_why_it_is_of_no_use(org: Organisation) -> None:
    org.administer(
        passes.issue,
        org.site.methods.temporary_access_pass,
        org.person(),
        actor=None,
        caller=COMMAND_LINE,
        now=org.clock(),
    )
    assert Rule.PASS_USABLE in {one.rule for one in explained(org).findings}
    save(org, Policy(temporary_access_pass=OFF))
    assert Rule.PASS_DISABLED in against(explained(org))
    save(org, Policy())
    org.clock.advance(61 * MINUTE)
    assert Rule.PASS_EXPIRED in against(explained(org))


def test_an_excluded_password_is_the_same_as_one_turned_off(org: Organisation) -> None:
    save(org, Policy(password=MethodPolicy(exclude=frozenset({group_with(org, "Passwordless", ["ada"])}))))
    assert Rule.PASSWORD_OFF in against(explained(org))
    assert against(explained(org, "grace")) == set()


@pytest.mark.parametrize("code", [OFF, MethodPolicy()])
@pytest.mark.parametrize("password", [OFF, MethodPolicy()])
def test_can_sign_in_says_what_a_sign_in_would(org: Organisation, password: MethodPolicy, code: MethodPolicy) -> None:
    save(org, Policy(password=password, code=code))
    browser = org.browser()
    browser.sign_in()
    is_in = browser.get("/security-info").status_code == 200
    assert explained(org).can_sign_in == is_in


def test_every_rule_and_every_flaw_has_words() -> None:
    assert set(RULES) == set(Rule)
    assert set(FLAWS) == {flaw.value for flaw in Flaw}
    fault = Fault("groups", Flaw.UNKNOWN_GROUP, {"group": "Pilots"})
    assert fault_words(fault, str) == fault.what == "There is no group Pilots."


def test_words_hold_every_name_that_comes_with_them(org: Organisation) -> None:
    org.signed_in().register(SoftwareAuthenticator())
    save(org, with_rules(types=SYNCED, key_restrictions=block(YUBIKEY)))
    found = explained(org)
    rows = (*rule_rows(found, str), *passkey_rows(found, str, str))
    assert all("%(" not in row.title for row in rows)
    assert [row.cure for row in rows if row.verdict == "no" and row.cure is None] == []
    assert found.to_json()["passkeys"][0]["reason"] == "device_bound_not_allowed"


def test_impact_rows_leave_out_what_happens_to_nobody(org: Organisation) -> None:
    seen = org.administer(preview, Policy(code=OFF), now=org.clock())
    assert [words for _, words in impact_rows(seen.at_once, str)] == ["lose every way to sign in"]
