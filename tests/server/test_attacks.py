"""What somebody in the middle of something could gain from a change made elsewhere: nothing."""

import pytest

from ostiary.clock import HOUR, MINUTE
from ostiary.identity import administration, passes
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.methods import Subject
from ostiary.identity.policy.model import MethodPolicy, Policy
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.roles import Role
from tests.organisation import PASSWORD, Browser, Organisation
from tests.policies import save
from tests.server.reading import problem_of, says
from tests.software_authenticator import SoftwareAuthenticator

NEW = "another-engine-1844"


def reset_password(org: Organisation) -> None:
    org.administer(
        administration.set_person_password,
        "ada",
        password="fourteen-quiet-otters",
        actor=None,
        caller=COMMAND_LINE,
        now=org.clock(),
    )


def test_a_sign_in_under_way_does_not_survive_a_password_reset(org: Organisation) -> None:
    thief = org.browser()
    thief.type_username()
    thief.type_password()
    reset_password(org)
    assert says(thief.type_code(), "sign_in_expired")
    assert org.sessions() == []


def test_a_sign_in_at_the_new_password_does_not_survive_another_reset(org: Organisation) -> None:
    reset_password(org)
    thief = org.browser()
    thief.type_username()
    thief.type_password("fourteen-quiet-otters")
    thief.type_code()
    reset_password(org)
    answer = thief.post("/sign-in/new-password", {"new": NEW, "repeat": NEW})
    assert says(answer, "sign_in_expired")
    assert org.sessions() == []


def test_a_sign_in_under_way_does_not_survive_the_owners_password_change(org: Organisation) -> None:
    ada, thief = org.signed_in("ada"), org.browser()
    thief.type_username()
    thief.type_password()
    done = ada.post("/security-info/password", {"current": PASSWORD, "new": NEW, "repeat": NEW})
    assert done.status_code == 303
    org.clock.advance(MINUTE)
    assert says(thief.type_code(), "sign_in_expired")


def test_a_password_judged_before_it_was_replaced_is_refused(org: Organisation) -> None:
    """The three steps of a proof, with a reset between the second and the third."""
    passwords = org.site.methods.password
    caller = COMMAND_LINE._replace(address="198.51.100.7")
    subject = Subject(caller, b"", org.clock(), "ada@contoso.example", org.person())
    material = org.administer(passwords.load, subject, PASSWORD)
    verified = passwords.verify(material, PASSWORD)
    reset_password(org)
    with pytest.raises(Refusal, match=Reason.CREDENTIALS_WRONG):
        org.administer(passwords.accept, subject, verified)


def test_an_administrators_old_passkey_and_a_phished_password_change_nothing(org: Organisation) -> None:
    admin, key = org.signed_in("admin"), SoftwareAuthenticator()
    assert admin.register(key).status_code == 201
    assert admin.sign_in_with(key).status_code == 200
    org.clock.advance(HOUR)
    admin.confirm()  # by password and code: enough for Security info, not for this
    answer = admin.send("/admin/roles", {})
    problem = problem_of(answer, 403, "phishing_resistant_required")
    assert "step_up=passkey" in problem["next_path"]


def test_refuses_a_password_change_where_policy_takes_it_from_people(org: Organisation, ada: Browser) -> None:
    save(org, Policy(password=MethodPolicy(is_self_service_allowed=False)))
    page = ada.post("/security-info/password", {"current": PASSWORD, "new": NEW, "repeat": NEW})
    assert says(page, "self_service_off")


def test_refuses_a_null_in_an_address(org: Organisation) -> None:
    answer = org.browser().request("GET", "/sign-in?next=%00", headers={"accept": "application/json"})
    problem_of(answer, 400, "request_invalid")


def test_the_helpdesk_does_not_learn_who_administers(org: Organisation) -> None:
    org.assign("grace", Role.HELPDESK)
    grace = org.signed_in("grace")
    listing = grace.get("/admin/people.csv")
    assert (listing.status_code, "global_administrator" in listing.text) == (200, False)
    problem_of(
        grace.request("GET", "/admin/people?role=global_administrator", headers={"accept": "*/*"}), 403, "not_permitted"
    )


def test_a_step_up_goes_on_after_the_pass_that_began_the_session_was_deleted(org: Organisation) -> None:
    issued = org.administer(
        passes.issue,
        org.site.methods.temporary_access_pass,
        org.person(),
        actor=None,
        caller=COMMAND_LINE,
        now=org.clock(),
    )
    ada, laptop = org.browser(), SoftwareAuthenticator()
    ada.get("/sign-in?with=pass")
    ada.type_username()
    ada.post("/sign-in/temporary-access-pass", {"pass": issued.code})
    assert ada.register(laptop).status_code == 201
    ada.get("/sign-in?step_up=1&next=/security-info")
    assert ada.sign_in_with(laptop).status_code == 200
    assert ada.request("DELETE", f"/security-info/methods/{issued.held.method_id}").status_code == 204
    org.clock.advance(10 * MINUTE)
    ada.get("/sign-in?step_up=1&next=/security-info")
    assert ada.sign_in_with(laptop).status_code == 200
    assert ada.get("/security-info").status_code == 200
