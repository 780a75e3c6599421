"""Versions: kept with who and why, in force at once and everywhere, put back, and what grace remembers."""

import pytest

from ostiary.clock import DAY
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.policy import keeping
from ostiary.identity.policy.model import PasskeyProfile, Policy
from ostiary.identity.reasons import Reason, Refusal
from ostiary.storage import policies
from ostiary.storage.database import Database
from tests.organisation import Organisation
from tests.policies import DEVICE_BOUND, OFF, SYNCED, allow, put_back, save, with_profile, with_rules

SYNCED_RULES = with_rules(types=SYNCED).passkey.profiles[0].rules
BOUND_RULES = with_rules(types=DEVICE_BOUND).passkey.profiles[0].rules


def profile_in_force(org: Organisation) -> PasskeyProfile:
    (profile,) = org.administer(keeping.current).passkey.profiles
    return profile


def test_the_default_policy_is_in_force_until_somebody_changes_it(org: Organisation) -> None:
    assert org.administer(keeping.current) is keeping.DEFAULT
    assert org.administer(policies.newest_versions) == []


def test_a_version_says_who_when_and_why(org: Organisation) -> None:
    admin = org.person("admin")
    number = org.administer(
        keeping.save, Policy(code=OFF), note=" no codes ", actor=admin, caller=COMMAND_LINE, now=org.clock()
    )
    (version,) = org.administer(policies.newest_versions)
    assert (version.version, version.at, version.actor_id, version.note) == (number, org.clock(), admin.id, "no codes")
    (event,) = org.events("admin:policy:save")
    assert (event.actor, event.detail) == ("admin@contoso.example", "version 1: no codes")


def test_a_policy_that_contradicts_itself_leaves_no_version(org: Organisation) -> None:
    with pytest.raises(Refusal) as caught:
        save(org, with_rules(key_restrictions=allow()))
    assert caught.value.reason is Reason.POLICY_INVALID
    assert org.administer(policies.newest_versions) == []


def test_a_change_by_another_process_is_in_force_at_once(org: Organisation) -> None:
    save(org, with_rules(types=SYNCED))
    assert profile_in_force(org).rules == SYNCED_RULES
    other = Database(org.database.url)
    with other.transaction() as tx:
        keeping.save(tx, with_rules(types=DEVICE_BOUND), note="", actor=None, caller=COMMAND_LINE, now=org.clock())
    other.close()
    assert profile_in_force(org).rules == BOUND_RULES


def test_grace_remembers_the_rules_that_were_replaced(org: Organisation) -> None:
    save(org, with_profile())
    save(org, with_profile(SYNCED_RULES, grace_days=7))
    (kept,) = profile_in_force(org).superseded
    assert (kept.rules, kept.until) == (with_profile().passkey.profiles[0].rules, org.clock() + 7 * DAY)
    org.clock.advance(DAY)
    save(org, with_profile(BOUND_RULES, grace_days=7))
    assert [one.rules for one in profile_in_force(org).superseded] == [kept.rules, SYNCED_RULES]
    org.clock.advance(6 * DAY)
    save(org, with_profile(BOUND_RULES, grace_days=7))
    assert [one.rules for one in profile_in_force(org).superseded] == [SYNCED_RULES]


def test_grace_is_given_by_the_server_and_not_by_the_document(org: Organisation) -> None:
    save(org, with_profile())
    save(org, with_profile(SYNCED_RULES, grace_days=7))
    claimed = profile_in_force(org).superseded
    save(org, Policy())
    save(org, with_profile(SYNCED_RULES, superseded=claimed))
    assert profile_in_force(org).superseded == ()


def test_a_profile_without_a_grace_period_ends_the_grace_there_was(org: Organisation) -> None:
    save(org, with_profile())
    save(org, with_profile(SYNCED_RULES, grace_days=7))
    save(org, with_profile(SYNCED_RULES))
    assert profile_in_force(org).superseded == ()


def test_put_back_is_a_new_version(org: Organisation) -> None:
    save(org, Policy(code=OFF))
    assert put_back(org, 0) == 2
    assert org.administer(keeping.current) == Policy()
    assert put_back(org, 1) == 3
    assert org.administer(keeping.current) == Policy(code=OFF)
    with pytest.raises(Refusal) as caught:
        put_back(org, 9)
    assert caught.value.reason is Reason.POLICY_VERSION_UNKNOWN
