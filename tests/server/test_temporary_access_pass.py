"""Temporary Access Passes: from an administrator's hand to the first passkey, and everything that refuses one."""

import re
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from ostiary.clock import DAY, HOUR, MINUTE, SECOND
from ostiary.identifiers import token_hash
from ostiary.identity import administration, passes, sign_in
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.passes import Held, Issued, Usability
from ostiary.identity.policy import keeping
from ostiary.identity.policy.model import MethodPolicy, PassSettings, Policy
from ostiary.identity.reasons import Refusal
from ostiary.identity.roles import Role
from ostiary.storage.database import Transaction
from ostiary.web.sign_in import WITH_PASS
from tests.organisation import ORIGIN, Browser, Organisation, at_once
from tests.server.reading import (
    asked_for,
    problem_of,
    recorded_problem,
    reference_on,
    says,
    stage,
    text_of,
    without_references,
)
from tests.software_authenticator import SoftwareAuthenticator

WRONG = "abcdefgh"
ADD = "/security-info/add/passkey?provider=this_device"


def add_linus(org: Organisation) -> None:
    """Somebody new, without any way to sign in."""
    org.administer(
        administration.create_person_without_password,
        username="linus",
        display_name=None,
        actor=None,
        caller=COMMAND_LINE,
        now=org.clock(),
    )


def issue(org: Organisation, username: str = "linus", *, by: str | None = None, **terms: Any) -> Issued:
    return org.administer(
        passes.issue,
        org.site.methods.temporary_access_pass,
        org.person(username),
        actor=org.person(by) if by else None,
        caller=COMMAND_LINE,
        now=org.clock(),
        **terms,
    )


def remove(org: Organisation, username: str = "linus", *, by: str | None = None) -> None:
    actor = org.person(by) if by else None
    org.administer(passes.remove, org.person(username), actor=actor, caller=COMMAND_LINE, now=org.clock())


def found(org: Organisation, username: str = "linus") -> Held:
    held = org.administer(passes.find, org.person(username), now=org.clock())
    assert held is not None
    return held


def save(org: Organisation, **changes: Any) -> None:
    policy = replace(org.administer(keeping.current), **changes)
    org.clock.advance(1)
    org.administer(keeping.save, policy, note="", actor=None, caller=COMMAND_LINE, now=org.clock())


def type_pass(browser: Browser, code: str, username: str | None = "linus") -> Any:
    if username is not None:
        browser.type_username(username)
    return browser.post("/sign-in/temporary-access-pass", {"pass": code})


def signed_in_by(org: Organisation, code: str, username: str = "linus") -> Browser:
    browser = org.browser()
    assert type_pass(browser, code, username).headers["location"] == "/security-info"
    return browser


def refused(page: Any, status: int, code: str) -> bool:
    return (page.status_code, says(page, code)) == (status, True)


# --- the way in


@pytest.mark.parametrize("is_one_time", [False, True], ids=["multi-use", "one-time"])
def test_from_a_pass_to_a_passkey_that_signs_in(org_on_each: Organisation, is_one_time: bool) -> None:
    org = org_on_each
    add_linus(org)
    issued = issue(org, is_one_time=is_one_time)
    browser = org.browser()
    browser.type_username("linus")
    assert asked_for(browser.follow(browser.post("/sign-in/method", {"method": "temporary_access_pass"}))) == "pass"
    page = browser.follow(type_pass(browser, issued.code, None))
    assert "Add a sign-in method of your own now" in text_of(page)
    assert browser.get(ADD).status_code == 200  # straight away: no password, no second factor first
    authenticator = SoftwareAuthenticator()
    assert browser.register(authenticator).status_code == 201
    page = browser.get("/security-info")
    assert "Add a sign-in method of your own now" not in text_of(page)
    assert "Only a password" not in text_of(page)
    browser.post("/sign-out")
    assert browser.sign_in_with(authenticator).status_code == 200


def test_a_pass_is_multi_factor_by_itself(org: Organisation) -> None:
    """Also for somebody who has a password and an authenticator app, and may have lost both."""
    browser = signed_in_by(org, issue(org, "ada").code, "ada")
    assert browser.get(ADD).status_code == 200
    assert org.events("person:session:open")[0].method == "temporary_access_pass"


@pytest.mark.parametrize("write", [str.upper, lambda code: f" {code[:4]} {code[4:]} ", lambda code: "-".join(code)])
def test_a_pass_is_the_same_however_it_is_typed(org: Organisation, write: Any) -> None:
    add_linus(org)
    assert type_pass(org.browser(), write(issue(org).code)).headers["location"] == "/security-info"


def test_the_code_is_stored_only_as_a_hash_and_not_recorded(org: Organisation) -> None:
    add_linus(org)
    code = issue(org).code
    signed_in_by(org, code)
    assert code not in repr(org.events())
    for file in org.directory.iterdir():
        assert code.encode() not in file.read_bytes(), file.name


def test_a_multi_use_pass_signs_in_again(org: Organisation) -> None:
    add_linus(org)
    code = issue(org).code
    signed_in_by(org, code)
    signed_in_by(org, code)
    assert len(org.sessions("linus")) == 2


def test_a_password_still_signs_in_beside_a_used_up_pass(org: Organisation) -> None:
    """A pass that works no more asks nobody for a second factor they do not have."""
    org.add_person("linus", with_code=False)
    issue(org, lifetime_minutes=60)
    org.clock.advance(HOUR)
    browser = org.browser()
    browser.type_username("linus")
    assert browser.type_password().headers["location"] == "/security-info"


def test_after_a_password_the_pass_is_asked_first(org: Organisation) -> None:
    code = issue(org, "ada").code
    browser = org.browser()
    browser.type_username("ada")
    assert asked_for(browser.follow(browser.type_password())) == "pass"
    assert asked_for(browser.follow(browser.post("/sign-in/method", {"method": "code"}))) == "code"
    assert type_pass(browser, code, None).headers["location"] == "/security-info"


def test_a_browser_that_knows_the_person_offers_a_usable_pass_first(org: Organisation, ada: Browser) -> None:
    ada.post("/sign-out")
    ada.type_username("ada")
    assert stage(ada) == "password"
    issue(org, "ada")
    assert stage(ada) == "pass"
    org.clock.advance(HOUR)
    ada.type_username("ada")
    assert stage(ada) == "password"


@pytest.mark.parametrize("username", ["linus", "ada", "nobody"])
def test_the_link_handed_out_with_a_pass_asks_for_it_first(org: Organisation, username: str) -> None:
    add_linus(org)
    code = issue(org).code
    browser = org.browser()
    assert asked_for(browser.get(WITH_PASS)) == "username"
    assert asked_for(browser.follow(browser.type_username(username))) == "pass"
    page = type_pass(browser, code, None)
    assert (page.status_code, says(page, "pass_wrong")) == ((303, False) if username == "linus" else (401, True))


# --- what strangers learn


def _seen(org: Organisation, username: str, code: str) -> tuple[str, ...]:
    browser = org.browser()
    first = browser.follow(browser.type_username(username))
    asked = browser.follow(browser.post("/sign-in/method", {"method": "temporary_access_pass"}))
    answered = type_pass(browser, code, None)
    options = browser.send("/sign-in/passkey/options", {"username": username})
    bodies = (first.text, asked.text, f"{answered.status_code} {without_references(answered)}")
    same = tuple(body.replace(f"{username}@", "somebody@") for body in bodies)
    return (*same, str(sorted(options.json())))


def test_with_without_and_unknown_look_the_same_before_the_first_proof(org: Organisation) -> None:
    """Whatever state the pass is in, and whether the code typed was right for an account that is disabled."""
    for name in ("usable", "expired", "later", "spent", "disabled"):
        org.add_person(name)
    issue(org, "expired", lifetime_minutes=60)
    spent = issue(org, "spent", is_one_time=True)
    org.clock.advance(30 * SECOND)
    signed_in_by(org, spent.code, "spent")
    org.clock.advance(HOUR)
    issue(org, "usable")
    issue(org, "later", starts_at=org.clock() + DAY)
    right = issue(org, "disabled").code
    org.disable("disabled")
    without = _seen(org, "ada", WRONG)
    for name in ("usable", "expired", "later", "spent", "nobody"):
        assert _seen(org, name, WRONG) == without, name
    assert _seen(org, "disabled", right) == without


def test_the_same_is_read_for_everybody(org: Organisation) -> None:
    """So that no answer comes sooner: statements are counted, as time is noisy."""
    add_linus(org)
    issue(org)
    counts = {}
    for username in ("linus", "ada", "nobody"):
        browser = org.browser()
        browser.type_username(username)
        browser.get("/sign-in")
        counts[username] = _statements(org, browser)
    assert counts["linus"] == counts["ada"] == counts["nobody"]


def _statements(org: Organisation, browser: Browser) -> int:
    """How many statements `load` runs for what this browser typed."""
    ran = 0
    token = browser.cookies["__Host-ostiary-sign-in"]

    class Counting(Transaction):
        def _execute(self, *args: Any) -> None:
            nonlocal ran
            ran += 1
            super()._execute(*args)

    def load(tx: Transaction) -> None:
        state = sign_in.find_attempt(tx, token, caller=COMMAND_LINE, now=org.clock())
        subject = sign_in.subject_of(state, caller=COMMAND_LINE, binding=token_hash(token), now=org.clock())
        counting = Counting(tx._cursor, tx.dialect, tx.kept)
        org.site.methods.temporary_access_pass.load(counting, subject, WRONG)

    org.administer(load)
    return ran


# --- refused at sign-in


def test_refuses_a_wrong_pass(org: Organisation) -> None:
    add_linus(org)
    issue(org)
    for code in (WRONG, "", "x" * 5000, "\u202e"):
        browser = org.browser()
        browser.type_username("linus")
        browser.post("/sign-in/method", {"method": "temporary_access_pass"})
        page = type_pass(browser, code, None)
        assert refused(page, 401, "pass_wrong")
        assert asked_for(page) == "pass"
        assert browser.get(f"/help/{reference_on(page)}").status_code == 200


def test_refuses_the_pass_of_another_person(org: Organisation) -> None:
    add_linus(org)
    issue(org, "grace")
    code = issue(org).code
    assert refused(type_pass(org.browser(), code, "grace"), 401, "pass_wrong")


def test_refuses_an_expired_pass(org: Organisation) -> None:
    add_linus(org)
    code = issue(org, lifetime_minutes=60).code
    org.clock.advance(HOUR - 1)
    signed_in_by(org, code)
    org.clock.advance(1)
    assert refused(type_pass(org.browser(), code), 401, "pass_expired")
    assert refused(type_pass(org.browser(), WRONG), 401, "pass_wrong")  # told only to whoever has the code
    assert found(org).usability is Usability.EXPIRED


def test_refuses_a_pass_that_is_not_valid_yet(org: Organisation) -> None:
    add_linus(org)
    issued = issue(org, starts_at=org.clock() + DAY, lifetime_minutes=60)
    assert issued.usability is Usability.NOT_YET_VALID
    assert refused(type_pass(org.browser(), issued.code), 401, "pass_not_yet_valid")
    org.clock.advance(DAY)
    signed_in_by(org, issued.code)
    org.clock.advance(HOUR)
    assert refused(type_pass(org.browser(), issued.code), 401, "pass_expired")


def test_refuses_a_one_time_pass_used_before(org: Organisation) -> None:
    add_linus(org)
    code = issue(org, is_one_time=True).code
    signed_in_by(org, code)
    assert refused(type_pass(org.browser(), code), 401, "pass_used")
    assert found(org).usability is Usability.ONE_TIME_USED


def test_of_two_at_once_a_one_time_pass_lets_one_in(org_on_each: Organisation) -> None:
    org = org_on_each
    add_linus(org)
    code = issue(org, is_one_time=True).code
    browsers = [org.browser() for _ in range(4)]
    for browser in browsers:
        browser.type_username("linus")
    answers = at_once([partial(type_pass, browser, code, None) for browser in browsers])
    assert sorted(answer.status_code for answer in answers) == [303, 401, 401, 401]
    assert len(org.sessions("linus")) == 1


@pytest.mark.parametrize(
    "policy",
    [
        MethodPolicy(is_enabled=False),
        MethodPolicy(include=frozenset({"somebody-else"})),
        MethodPolicy(exclude=frozenset({"everyone"})),
    ],
    ids=["off", "not targeted", "excluded"],
)
def test_refuses_a_pass_that_policy_does_not_let_them_use(org: Organisation, policy: MethodPolicy) -> None:
    add_linus(org)
    browser = org.browser()
    browser.type_username("linus")
    save(org, temporary_access_pass=policy)
    issued = issue(org)  # to anybody; it says what will become of it
    assert issued.usability is Usability.DISABLED_BY_POLICY
    page = type_pass(browser, issued.code, None)
    is_offered = policy.is_enabled and not policy.exclude
    assert refused(page, 403 if is_offered else 400, "pass_disabled" if is_offered else "method_not_offered")
    assert refused(type_pass(org.browser(), WRONG), 401 if is_offered else 400, "pass_wrong") or not is_offered


def test_refuses_a_multi_use_pass_once_policy_wants_one_time_passes(org: Organisation) -> None:
    add_linus(org)
    code = issue(org).code
    save(org, pass_settings=PassSettings(is_one_time_required=True))
    assert refused(type_pass(org.browser(), code), 403, "pass_disabled")
    assert found(org).usability is Usability.DISABLED_BY_POLICY
    assert issue(org).held.is_one_time  # whatever was asked for


def test_is_not_offered_where_nobody_may_use_one(org: Organisation) -> None:
    def offers(browser: Browser) -> bool:
        return "I have a Temporary Access Pass" in text_of(browser.follow(browser.type_username("ada")))

    assert offers(org.browser())
    save(org, temporary_access_pass=MethodPolicy(is_enabled=False))
    assert not offers(org.browser())


def test_refuses_the_eleventh_pass(org: Organisation) -> None:
    add_linus(org)
    code = issue(org).code
    browser = org.browser()
    browser.type_username("linus")
    for _ in range(10):
        assert type_pass(browser, WRONG, None).status_code == 401
    assert refused(type_pass(browser, code, None), 429, "too_many_attempts")
    assert refused(type_pass(org.browser(), code), 429, "too_many_attempts")  # from the same network
    org.clock.advance(15 * MINUTE)
    signed_in_by(org, code)


def test_refuses_a_pass_out_of_turn(org: Organisation) -> None:
    assert refused(type_pass(org.browser(), WRONG, None), 400, "sign_in_expired")


# --- what a pass opens ends with it


def test_a_session_ends_with_its_pass(org: Organisation) -> None:
    add_linus(org)
    browser = signed_in_by(org, issue(org, lifetime_minutes=60).code)
    assert browser.register(SoftwareAuthenticator()).status_code == 201
    for _ in range(5):
        org.clock.advance(10 * MINUTE)
        assert browser.get("/security-info").status_code == 200
    org.clock.advance(10 * MINUTE)
    assert browser.get("/security-info").headers["location"].startswith("/sign-in")


def test_a_session_that_a_pass_confirmed_ends_with_it_too(org: Organisation, ada: Browser) -> None:
    issued = issue(org, "ada", lifetime_minutes=60)
    org.clock.advance(6 * MINUTE)
    ada.get("/sign-in?step_up=1&next=/security-info")
    assert type_pass(ada, issued.code, None).headers["location"] == "/security-info"
    assert [session.expires_at for session in org.sessions()] == [issued.held.expires_at]


@pytest.mark.parametrize("by", ["remove", "issue"])
def test_removing_or_replacing_a_pass_ends_what_it_opened(org: Organisation, by: str) -> None:
    add_linus(org)
    code = issue(org).code
    browser = signed_in_by(org, code)
    if by == "remove":
        remove(org)
    else:
        issue(org)
    assert org.sessions("linus") == []
    assert browser.get("/security-info").headers["location"].startswith("/sign-in")
    assert refused(type_pass(org.browser(), code), 401, "pass_wrong")


def test_there_is_one_pass_to_a_person(org_on_each: Organisation) -> None:
    org = org_on_each
    add_linus(org)
    at_once([lambda: issue(org) for _ in range(4)])
    last = issue(org)
    assert [method.id for method in org.methods("linus")] == [last.held.method_id]
    assert found(org).held == last.held


# --- fresh proof


def test_a_one_time_pass_counts_as_fresh_for_ten_minutes(org: Organisation) -> None:
    add_linus(org)
    browser = signed_in_by(org, issue(org, is_one_time=True).code)
    org.clock.advance(10 * MINUTE)
    assert browser.get(ADD).status_code == 200
    assert browser.register(SoftwareAuthenticator()).status_code == 201


def test_refuses_to_register_more_than_ten_minutes_after_a_one_time_pass(org: Organisation) -> None:
    add_linus(org)
    browser = signed_in_by(org, issue(org, is_one_time=True).code)
    org.clock.advance(10 * MINUTE + 1)
    page = browser.get(ADD)
    assert refused(page, 403, "pass_registration_over")
    assert 'href="/sign-out"' in page.text
    assert refused(browser.get("/security-info/add/code"), 403, "pass_registration_over")
    recorded_problem(browser, browser.send("/security-info/passkeys/options", {}), 403, "pass_registration_over")


def test_refuses_a_passkey_begun_in_time_and_finished_too_late(org: Organisation) -> None:
    add_linus(org)
    browser = signed_in_by(org, issue(org, is_one_time=True).code)
    org.clock.advance(9 * MINUTE)
    options = browser.send("/security-info/passkeys/options", {}).json()
    org.clock.advance(2 * MINUTE)
    answer = browser.send("/security-info/passkeys", SoftwareAuthenticator().create(options, ORIGIN))
    problem_of(answer, 403, "pass_registration_over")
    assert org.credentials("linus") == []


def test_refuses_a_code_begun_in_time_and_finished_too_late(org: Organisation) -> None:
    add_linus(org)
    browser = signed_in_by(org, issue(org, is_one_time=True).code)
    page = browser.get("/security-info/add/code")
    enrolment = re.search(r'name="enrolment" value="([^"]+)"', page.text)
    assert enrolment
    org.clock.advance(11 * MINUTE)
    answer = browser.post("/security-info/add/code", {"enrolment": enrolment[1], "code": "000000"})
    assert refused(answer, 403, "pass_registration_over")


def test_an_idle_session_of_a_one_time_pass_is_over_with_a_way_on(org: Organisation) -> None:
    add_linus(org)
    browser = signed_in_by(org, issue(org, is_one_time=True).code)
    org.clock.advance(16 * MINUTE)
    page = browser.get("/security-info")
    assert refused(page, 403, "pass_registration_over")
    assert 'href="/sign-out"' in page.text


def test_a_password_goes_on_where_a_one_time_pass_ended(org: Organisation) -> None:
    org.add_person("linus", with_code=False)
    browser = signed_in_by(org, issue(org, is_one_time=True).code)
    org.clock.advance(11 * MINUTE)
    page = browser.follow(browser.get("/security-info/add/code"))
    assert asked_for(page) == "password"
    assert browser.type_password().headers["location"] == "/security-info/add/code"
    # it is a password's session now, and a password alone adds no passkey
    problem_of(browser.send("/security-info/passkeys/options", {}), 403, "second_factor_required")


def test_a_multi_use_pass_is_asked_again_in_a_step_up(org: Organisation) -> None:
    add_linus(org)
    code = issue(org).code
    browser = signed_in_by(org, code)
    org.clock.advance(5 * MINUTE + 1)
    page = browser.follow(browser.get(ADD))
    assert asked_for(page) == "pass"
    assert "Confirm it is you" in text_of(page)
    assert type_pass(browser, code, None).headers["location"] == ADD
    assert browser.register(SoftwareAuthenticator()).status_code == 201


def test_only_a_multi_use_pass_may_start_guided_registration(org: Organisation) -> None:
    assert passes.may_be_guided(issue(org, "ada").held)
    assert not passes.may_be_guided(issue(org, "ada", is_one_time=True).held)


# --- Security info


def test_security_info_shows_until_when(org: Organisation) -> None:
    add_linus(org)
    browser = signed_in_by(org, issue(org, lifetime_minutes=60).code)
    page = browser.get("/security-info")
    assert re.search(r"Temporary Access Pass valid until \d+ November 2026, \d\d:\d\d UTC", text_of(page))
    assert re.search(r'valid until <time datetime="[^"]+" title="[^"]+UTC"', page.text)
    assert "An administrator gave you a Temporary Access Pass." in text_of(page)


def _row(browser: Browser) -> str:
    """What Security info says of the pass."""
    return text_of(browser.get("/security-info")).partition("Temporary Access Pass ")[2][:120]


def test_security_info_says_what_became_of_a_pass(org: Organisation) -> None:
    ada = org.signed_in("ada")
    issue(org, "ada", starts_at=org.clock() + DAY)
    assert _row(ada).startswith("valid from 19 November 2026")
    issued = issue(org, "ada", is_one_time=True)
    assert "for one use" in _row(ada)
    signed_in_by(org, issued.code, "ada")
    assert _row(ada).startswith("was for one use, and was used")
    issue(org, "ada", lifetime_minutes=60)
    org.clock.advance(HOUR)
    ada = org.signed_in("ada")
    assert _row(ada).startswith("expired ")
    save(org, temporary_access_pass=MethodPolicy(is_enabled=False))
    assert _row(ada).startswith("turned off by your organisation")


def test_its_owner_may_delete_a_pass(org: Organisation, ada: Browser) -> None:
    code = issue(org, "ada").code
    other = signed_in_by(org, code, "ada")
    path = f"/security-info/methods/{org.method('temporary_access_pass').id}"
    assert ada.get(f"{path}/delete").status_code == 200
    assert ada.post(f"{path}/delete").headers["location"] == "/security-info?done=deleted"
    assert ada.get("/security-info").status_code == 200
    assert other.get("/security-info").headers["location"].startswith("/sign-in")
    event = org.events("admin:pass:remove")[0]
    assert (event.actor, event.target) == ("ada@contoso.example", "ada@contoso.example")


def test_deleting_the_pass_one_stands_on_signs_out(org: Organisation) -> None:
    add_linus(org)
    browser = signed_in_by(org, issue(org).code)
    path = f"/security-info/methods/{org.method('temporary_access_pass', 'linus').id}"
    problem_of(browser.send(path, {}, verb="DELETE"), 409, "last_strong_method")
    assert browser.send(path, {"understood": True}, verb="DELETE").status_code == 204
    assert org.sessions("linus") == []


def test_refuses_to_rename_a_pass(org: Organisation, ada: Browser) -> None:
    issue(org, "ada")
    path = f"/security-info/methods/{org.method('temporary_access_pass').id}"
    answer = ada.send(path, {"name": "Mine"}, verb="PATCH")
    assert answer.json()["code"] == "method_not_renamable"


# --- issuing


@pytest.mark.parametrize("minutes", [0, 9, 59, 481, 43_201, -60])
def test_refuses_a_lifetime_outside_the_policy(org: Organisation, minutes: int) -> None:
    with pytest.raises(Refusal, match="pass_lifetime_invalid"):
        issue(org, "ada", lifetime_minutes=minutes)


def test_a_policy_decides_lifetime_and_length(org: Organisation) -> None:
    settings = PassSettings(minimum_minutes=10, maximum_minutes=43_200, default_minutes=30, length=48)
    save(org, pass_settings=settings)
    issued = issue(org, "ada")
    assert len(issued.code) == 48
    assert issued.held.expires_at - issued.held.starts_at == 30 * MINUTE
    assert not set(issued.code) & set("il1o0")
    signed_in_by(org, issued.code, "ada")
    for minutes in (10, 43_200):
        held = issue(org, "ada", lifetime_minutes=minutes).held
        assert held.expires_at - held.starts_at == minutes * MINUTE


def test_a_start_that_is_over_is_now(org: Organisation) -> None:
    assert issue(org, "ada", starts_at=org.clock() - DAY).held.starts_at == org.clock()


_AUTHENTICATION = Role.AUTHENTICATION_ADMINISTRATOR
_PRIVILEGED = Role.PRIVILEGED_AUTHENTICATION_ADMINISTRATOR


@pytest.mark.parametrize(
    ("role", "target", "reason"),
    [
        (_AUTHENTICATION, "ada", None),
        (_AUTHENTICATION, "admin", "not_permitted"),
        (_AUTHENTICATION, "grace", "not_yourself"),
        (_PRIVILEGED, "admin", None),
        (_PRIVILEGED, "grace", "not_yourself"),
        (Role.AUTHENTICATION_POLICY_ADMINISTRATOR, "ada", None),
        (Role.AUTHENTICATION_POLICY_ADMINISTRATOR, "admin", "not_permitted"),
        (Role.GLOBAL_ADMINISTRATOR, "admin", None),
        (Role.HELPDESK, "ada", "not_permitted"),
        (Role.GLOBAL_READER, "ada", "not_permitted"),
    ],
)
def test_who_may_issue_and_remove(org: Organisation, role: Role, target: str, reason: str | None) -> None:
    org.assign("grace", role)
    if reason is None:
        issue(org, target, by="grace")
        event = org.events("admin:pass:issue")[0]
        assert (event.actor, event.target) == ("grace@contoso.example", f"{target}@contoso.example")
        remove(org, target, by="grace")
        assert org.administer(passes.find, org.person(target), now=org.clock()) is None
        return
    issue(org, target)
    for attempt in (issue, remove):
        with pytest.raises(Refusal, match=reason):
            attempt(org, target, by="grace")


def test_refuses_to_remove_what_is_not_there(org: Organisation) -> None:
    with pytest.raises(Refusal, match="method_unknown"):
        remove(org, "ada")


def test_usability_is_pure(org: Organisation) -> None:
    held = issue(org, "ada", is_one_time=True).held
    now, used = held.starts_at, held._replace(used_at=held.starts_at)
    off = Policy(temporary_access_pass=MethodPolicy(is_enabled=False))
    group = Policy(temporary_access_pass=MethodPolicy(include=frozenset({"pilots"})))
    for row, policy, groups, at, is_what in (
        (held, Policy(), (), now, "EnabledByPolicy"),
        (held, Policy(), (), now - 1, "NotYetValid"),
        (held, Policy(), (), held.expires_at, "Expired"),
        (used, Policy(), (), now, "OneTimeUsed"),
        (used, Policy(), (), held.expires_at, "Expired"),
        (used, off, (), held.expires_at, "DisabledByPolicy"),
        (held, group, (), now, "DisabledByPolicy"),
        (held, group, ("pilots",), now, "EnabledByPolicy"),
    ):
        assert passes.usability(row, policy, groups, at) == is_what
