"""What somebody in the middle of something could gain from a change made elsewhere: nothing."""

import re

import pytest

from ostiary.clock import HOUR, MINUTE, SECOND
from ostiary.identity import administration, limits, passes
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.events import Event
from ostiary.identity.methods import Subject
from ostiary.identity.policy.model import EVERYONE, MethodPolicy, PasskeyPolicy, PasskeyProfile, PasskeyTarget, Policy
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.roles import Role
from tests.organisation import PASSWORD, Browser, Organisation
from tests.policies import save
from tests.server.reading import problem_of, says, text_of
from tests.server.test_notices import link_of
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


# --- a password alone


def add_newcomer(org: Organisation, username: str = "eve", role: Role | None = None) -> Browser:
    """Somebody with a password and nothing else, just signed in."""
    org.add_person(username, with_code=False)
    if role is not None:
        org.assign(username, role)
    browser = org.browser()
    browser.type_username(username)
    assert browser.type_password().headers["location"] == "/security-info"
    return browser


def add_code(browser: Browser) -> str:
    """Adds an authenticator app under Security info; answers its secret."""
    page = browser.get("/security-info/add/code").text
    enrolment = re.search(r'name="enrolment" value="([^"]+)"', page)
    secret = re.search(r"secret=([A-Z2-7]+)", page)
    assert enrolment and secret
    code = browser.code(secret[1])
    assert browser.post("/security-info/add/code", {"enrolment": enrolment[1], "code": code}).status_code == 303
    return secret[1]


def disavow(org: Organisation, event: Event, username: str = "eve") -> str:
    """Presses the link in the newest notice of this event; answers the page."""
    return text_of(org.browser().post(link_of(org, event, f"{username}@contoso.example")))


def test_a_link_that_takes_the_last_strong_method_ends_the_password_too(org: Organisation) -> None:
    """Who reads the mailbox and knows the password has not enough, for neither is left alone."""
    eve = add_newcomer(org)
    add_code(eve)
    assert {one.kind for one in org.methods("eve")} == {"password", "code"}
    page = disavow(org, Event.CODE_ADD)
    assert "Your password was ended too" in page
    assert "Temporary Access Pass" in page
    assert org.methods("eve") == []
    [event] = org.events("person:change:disavow")
    assert "password ended" in (event.detail or "")
    thief = org.browser()
    thief.type_username("eve")
    assert says(thief.type_password(), "credentials_wrong")


def test_a_link_leaves_the_password_that_has_a_second_factor(org: Organisation, ada: Browser) -> None:
    assert ada.register(SoftwareAuthenticator()).status_code == 201
    page = disavow(org, Event.PASSKEY_ADD, "ada")
    assert "Your password was ended too" not in page
    assert {one.kind for one in org.methods()} == {"password", "code"}


def test_a_pass_does_not_keep_the_password_it_stands_beside(org: Organisation) -> None:
    """It will be over soon, and then the password would be enough."""
    add_code(add_newcomer(org))
    issue_pass(org, "eve")
    disavow(org, Event.CODE_ADD)
    assert {one.kind for one in org.methods("eve")} == {"temporary_access_pass"}


def test_a_password_alone_does_not_open_the_admin_centre(org: Organisation) -> None:
    eve = add_newcomer(org, role=Role.GLOBAL_ADMINISTRATOR)
    for path in ("/admin/people", "/admin/people/new"):
        page = eve.get(path)
        assert page.status_code == 403
        assert says(page, "administrator_needs_two_factors")
        assert "/security-info" in page.text
    assert eve.post("/admin/roles", {"username": "grace", "role": Role.HELPDESK}).status_code == 403
    # and the way out that the words name
    secret = add_code(eve)  # which proves it, too
    assert eve.get("/admin/people").status_code == 200
    org.clock.advance(30 * SECOND)
    other = org.browser()
    other.type_username("eve")
    other.type_password()
    other.type_code(other.code(secret))
    assert other.get("/admin/people").status_code == 200


def test_a_pass_opens_the_admin_centre_to_who_has_no_second_factor(org: Organisation) -> None:
    """The first administrator, say, on the machine itself: `ostiary admin tap issue`."""
    add_newcomer(org, role=Role.GLOBAL_ADMINISTRATOR)
    eve = sign_in_by_pass(org, "eve", issue_pass(org, "eve"))
    assert eve.get("/admin/people").status_code == 200


# --- passes


def issue_pass(org: Organisation, username: str, actor: str | None = None) -> str:
    return org.administer(
        passes.issue,
        org.site.methods.temporary_access_pass,
        org.person(username),
        actor=org.person(actor) if actor else None,
        caller=COMMAND_LINE,
        now=org.clock(),
    ).code


def sign_in_by_pass(org: Organisation, username: str, code: str, address: str = "203.0.113.50") -> Browser:
    browser = org.browser(address)
    browser.get("/sign-in?with=pass")
    browser.type_username(username)
    browser.post("/sign-in/temporary-access-pass", {"pass": code})
    return browser


def test_an_administrator_by_a_pass_of_lesser_rights_is_none(org: Organisation) -> None:
    """Whoever issued it knows it, and may give none to administrators."""
    org.assign("grace", Role.AUTHENTICATION_ADMINISTRATOR)
    code = issue_pass(org, "ada", "grace")
    kept = sign_in_by_pass(org, "ada", code)
    assert kept.get("/security-info").status_code == 200
    org.assign("ada", Role.GLOBAL_ADMINISTRATOR)
    assert kept.get("/security-info").headers["location"].startswith("/sign-in")
    assert sign_in_by_pass(org, "ada", code).get("/admin").headers["location"].startswith("/sign-in")
    assert "temporary_access_pass" not in {one.kind for one in org.methods()}
    assert org.events("admin:pass:remove")[0].target == "ada@contoso.example"


@pytest.mark.parametrize("issuer", ["admin", None])
def test_a_pass_of_enough_rights_outlives_the_role(org: Organisation, issuer: str | None) -> None:
    code = issue_pass(org, "ada", issuer)
    org.assign("ada", Role.HELPDESK)
    assert sign_in_by_pass(org, "ada", code).get("/security-info").status_code == 200


def test_a_pass_whose_issuer_lost_the_right_goes_too(org: Organisation) -> None:
    org.assign("grace", Role.GLOBAL_ADMINISTRATOR)
    issue_pass(org, "ada", "grace")
    org.administer(
        administration.remove_role,
        username="grace",
        role=Role.GLOBAL_ADMINISTRATOR,
        actor=None,
        caller=COMMAND_LINE,
        now=org.clock(),
    )
    org.assign("ada", Role.HELPDESK)
    assert "temporary_access_pass" not in {one.kind for one in org.methods()}


def test_strangers_who_type_wrong_passes_do_not_keep_a_newcomer_out(org: Organisation) -> None:
    code = issue_pass(org, "ada")
    for number in range(3):
        stranger = org.browser(f"203.0.113.{number}")
        stranger.get("/sign-in?with=pass")
        stranger.type_username()
        for _ in range(10):
            assert says(stranger.post("/sign-in/temporary-access-pass", {"pass": "wrongpass"}), "pass_wrong")
        assert says(stranger.post("/sign-in/temporary-access-pass", {"pass": code}), "too_many_attempts")
    assert sign_in_by_pass(org, "ada", code).get("/security-info").status_code == 200


def test_strangers_everywhere_together_are_stopped(org: Organisation) -> None:
    issue_pass(org, "ada")
    most, now = limits.PASSES_PER_ACCOUNT, org.clock()
    for _ in range(most.most):
        org.administer(limits.charge, most, "ada@contoso.example\nstranger", now=now)
    stranger = org.browser("203.0.113.99")
    stranger.get("/sign-in?with=pass")
    stranger.type_username()
    assert says(stranger.post("/sign-in/temporary-access-pass", {"pass": "wrongpass"}), "too_many_attempts")


# --- policy


def test_the_default_profile_cannot_be_deleted(org: Organisation) -> None:
    other = PasskeyProfile(id="00000000-0000-0000-0000-000000000002", name="Other")
    targets = (PasskeyTarget(group_id=EVERYONE, profile_ids=(other.id,)),)
    with pytest.raises(Refusal, match=Reason.POLICY_INVALID) as refused:
        save(org, Policy(passkey=PasskeyPolicy(profiles=(other,), targets=targets)))
    assert "The default profile cannot be deleted." in (refused.value.detail or "")
