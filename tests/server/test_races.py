"""What is decided for everybody, decided by two people in the same moment; on each database."""

from collections.abc import Callable
from functools import partial

from ostiary.identity import administration, policy_changes
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.policy import keeping
from ostiary.identity.policy.model import MethodPolicy, Policy
from ostiary.identity.reasons import Refusal
from ostiary.identity.roles import Role
from ostiary.storage import people, policies
from ostiary.storage.people import Person
from tests.organisation import Organisation, at_once

GLOBAL = Role.GLOBAL_ADMINISTRATOR


def outcome(do: Callable[[], object]) -> str:
    try:
        do()
    except Refusal as refusal:
        return refusal.reason.value
    return "done"


def administrators(org: Organisation) -> list[str]:
    assigned = org.administer(people.role_assignments_by_person)
    return sorted(username for username, role, _ in assigned if role == GLOBAL)


def take_role(org: Organisation, actor: Person, other: Person) -> str:
    return outcome(
        lambda: org.administer(
            administration.remove_role,
            username=other.username,
            role=GLOBAL,
            actor=actor,
            caller=COMMAND_LINE,
            now=org.clock(),
        )
    )


def test_two_administrators_who_take_each_others_role_are_not_both_gone(org_on_each: Organisation) -> None:
    org = org_on_each
    admin, ada = org.person("admin"), org.person("ada")
    for _ in range(5):
        org.assign("admin", GLOBAL)
        org.assign("ada", GLOBAL)
        outcomes = at_once([partial(take_role, org, admin, ada), partial(take_role, org, ada, admin)])
        # the second had lost the right before their turn came
        assert sorted(outcomes) == ["done", "not_permitted"]
        assert len(administrators(org)) == 1


def test_two_administrators_who_are_deleted_at_once_are_not_both_gone(org_on_each: Organisation) -> None:
    org = org_on_each
    org.assign("ada", GLOBAL)

    def delete(username: str) -> str:
        return outcome(
            lambda: org.administer(
                administration.delete_person, username, actor=None, caller=COMMAND_LINE, now=org.clock()
            )
        )

    calls: list[Callable[[], str]] = [partial(delete, username) for username in ("admin", "ada")]
    assert sorted(at_once(calls)) == ["done", "last_administrator"]
    assert len(administrators(org)) == 1


def test_of_two_policies_made_from_one_version_one_is_saved(org_on_each: Organisation) -> None:
    org = org_on_each
    admin = org.person("admin")

    def save(policy: Policy, based_on: int) -> str:
        return outcome(
            lambda: org.administer(
                policy_changes.save,
                policy,
                based_on=based_on,
                note="",
                actor=admin,
                caller=COMMAND_LINE,
                now=org.clock(),
            )
        )

    for number in range(5):
        changes = [Policy(code=MethodPolicy(is_self_service_allowed=allowed)) for allowed in (True, False)]
        outcomes = at_once([partial(save, policy, number) for policy in changes])
        assert sorted(outcomes) == ["done", "policy_changed_meanwhile"]
        assert org.administer(policies.newest_number) == number + 1


def test_policies_saved_on_the_machine_at_once_follow_each_other(org_on_each: Organisation) -> None:
    org = org_on_each
    calls = [
        lambda: outcome(
            lambda: org.administer(keeping.save, Policy(), note="", actor=None, caller=COMMAND_LINE, now=org.clock())
        )
    ] * 4
    assert at_once(calls) == ["done"] * 4
    assert org.administer(policies.newest_number) == 4
