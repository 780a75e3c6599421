"""Sign-in stage by stage: username, password, code, and where it leads."""

import time

import pytest

from ostiary.clock import MINUTE, SECOND
from tests.organisation import PASSWORD, Browser, Organisation
from tests.server.reading import asked_for, reference_on, says, stage, without_references


def test_password_then_code(org: Organisation) -> None:
    browser = org.browser()
    assert stage(browser) == "username"
    assert asked_for(browser.follow(browser.type_username())) == "password"
    assert asked_for(browser.follow(browser.type_password())) == "code"
    assert browser.get("/security-info").headers["location"].startswith("/sign-in")  # half is nothing
    done = browser.type_code()
    assert done.headers["location"] == "/security-info"
    assert browser.get("/security-info").status_code == 200


def test_a_password_alone_suffices_whoever_has_nothing_else(org: Organisation) -> None:
    org.add_person("linus", with_code=False)
    browser = org.browser()
    browser.type_username("linus")
    assert browser.follow(browser.type_password()).status_code == 200


@pytest.mark.parametrize("typed", ["ada", "ADA", "ada@contoso.example", "  Ada@Contoso.Example ", "ａｄａ"])
def test_a_username_is_found_however_it_is_typed(org: Organisation, typed: str) -> None:
    assert org.browser().sign_in(typed).headers["location"] == "/security-info"


@pytest.mark.parametrize("typed", ["", "@", "a b", "ada@@contoso.example", "a" * 300, "ada\u202e", 'a"b', "<ada>"])
def test_refuses_what_is_no_username(org: Organisation, typed: str) -> None:
    page = org.browser().type_username(typed)
    assert page.status_code == 400
    assert says(page, "username_invalid")
    assert asked_for(page) == "username"


def test_refuses_a_domain_that_is_not_ours(org: Organisation) -> None:
    page = org.browser().type_username("ada@fabrikam.example")
    assert page.status_code == 404
    assert says(page, "domain_unknown")


# --- left and taken up again


def test_a_sign_in_can_be_left_and_taken_up_again(org: Organisation) -> None:
    browser = org.browser()
    browser.type_username()
    assert [stage(browser), stage(browser)] == ["password", "password"]
    browser.type_password()
    org.clock.advance(14 * MINUTE)
    assert stage(browser) == "code"
    assert browser.type_code().headers["location"] == "/security-info"


def test_a_sign_in_is_of_one_browser(org: Organisation) -> None:
    browser = org.browser()
    browser.type_username()
    browser.type_password()
    assert stage(org.browser()) == "username"


def test_a_sign_in_left_too_long_begins_anew(org: Organisation) -> None:
    browser = org.browser()
    browser.type_username()
    browser.type_password()
    org.clock.advance(15 * MINUTE)
    assert stage(browser) == "username"


@pytest.mark.parametrize("path", ["/sign-in/password", "/sign-in/code", "/sign-in/new-password"])
def test_refuses_a_proof_for_a_sign_in_that_took_too_long(org: Organisation, path: str) -> None:
    browser = org.browser()
    browser.type_username()
    org.clock.advance(16 * MINUTE)
    page = browser.post(path, {"password": PASSWORD, "code": browser.code(), "new": PASSWORD, "repeat": PASSWORD})
    assert page.status_code == 400
    assert says(page, "sign_in_expired")
    assert asked_for(page) == "username"
    assert org.sessions() == []


def test_not_you_begins_anew(org: Organisation) -> None:
    browser = org.browser()
    browser.type_username()
    browser.type_password()
    assert asked_for(browser.follow(browser.post("/sign-in/restart"))) == "username"
    browser.type_username()
    assert stage(browser) == "password"  # what was proven is forgotten


def test_another_username_forgets_what_was_proven(org: Organisation) -> None:
    browser = org.browser()
    browser.type_username("ada")
    browser.type_password()
    browser.type_username("grace")
    assert stage(browser) == "password"
    assert browser.type_code().status_code == 400
    assert org.sessions("grace") == org.sessions("ada") == []


def test_signing_in_as_somebody_else_replaces_the_session(org: Organisation) -> None:
    browser = org.signed_in("ada")
    browser.sign_in("grace")
    assert org.sessions("ada") == []
    assert "grace@contoso.example" in browser.get("/security-info").text


# --- the password


@pytest.mark.parametrize("password", ["wrong-password-here", "", " " + PASSWORD, PASSWORD.upper(), "x" * 20_000])
def test_refuses_a_wrong_password(org: Organisation, password: str) -> None:
    browser = org.browser()
    browser.type_username()
    page = browser.type_password(password)
    assert page.status_code == 401
    assert says(page, "credentials_wrong")
    assert asked_for(page) == "password"
    assert browser.get(f"/help/{reference_on(page)}").status_code == 200
    assert stage(browser) == "password"


def test_a_password_is_the_same_however_it_was_composed(org: Organisation) -> None:
    browser = org.signed_in()
    new = "grüße-aus-zürich"
    browser.post("/security-info/password", {"current": PASSWORD, "new": new, "repeat": new})
    assert org.browser().sign_in(password="gru\u0308ße-aus-zu\u0308rich").headers["location"] == "/security-info"


def _tried(org: Organisation, username: str, password: str) -> tuple[int, str, float]:
    """Status, body as everybody might see it, and the work it took."""
    best = 1e9
    for _ in range(3):
        browser = org.browser()
        browser.type_username(username)
        began = time.process_time()
        page = browser.type_password(password)
        best = min(best, time.process_time() - began)
    return page.status_code, without_references(page).replace(f"{username}@", "somebody@"), best


def test_unknown_wrong_and_disabled_look_the_same_and_cost_the_same(org: Organisation) -> None:
    org.disable("grace")
    wrong = _tried(org, "ada", "wrong-password-here")
    others = {
        "unknown": _tried(org, "nobody", PASSWORD),
        "disabled": _tried(org, "grace", PASSWORD),
        "disabled and wrong": _tried(org, "grace", "wrong-password-here"),
    }
    for what, (status, body, work) in others.items():
        assert (status, body) == wrong[:2], what
        assert wrong[2] / 2 < work < wrong[2] * 2, what  # hashing is by far the most of it


def test_the_first_step_looks_the_same_for_everybody(org: Organisation) -> None:
    org.disable("grace")
    pages = []
    for username in ("ada", "grace", "nobody"):
        browser = org.browser()
        page = browser.follow(browser.type_username(username))
        pages.append(page.text.replace(f"{username}@", "somebody@"))
    assert pages[0] == pages[1] == pages[2]


def test_refuses_a_disabled_person_in_the_middle(org: Organisation) -> None:
    browser = org.browser()
    browser.type_username()
    browser.type_password()
    org.disable()
    page = browser.type_code()
    assert (page.status_code, says(page, "sign_in_expired")) == (400, True)
    assert org.sessions() == []


# --- the code


@pytest.mark.parametrize("off", [-30, 0, 30])
def test_a_clock_may_be_a_step_off(org: Organisation, off: int) -> None:
    browser = org.browser()
    browser.type_username()
    browser.type_password()
    org.clock.advance(off * SECOND)
    code = browser.code()
    org.clock.advance(-off * SECOND)
    assert browser.type_code(code).headers["location"] == "/security-info"


@pytest.mark.parametrize("off", [-60, 60, -3600])
def test_refuses_a_code_of_another_time(org: Organisation, off: int) -> None:
    browser = org.browser()
    browser.type_username()
    browser.type_password()
    org.clock.advance(off * SECOND)
    code = browser.code()
    org.clock.advance(-off * SECOND)
    page = browser.type_code(code)
    assert (page.status_code, says(page, "code_wrong"), asked_for(page)) == (401, True, "code")


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥", "½½½½½½", "-12345"])
def test_refuses_what_is_no_code(org: Organisation, code: str) -> None:
    browser = org.browser()
    browser.type_username()
    browser.type_password()
    page = browser.type_code(code)
    assert (page.status_code, says(page, "code_wrong")) == (401, True)


def test_a_code_may_be_grouped_and_in_any_numerals(org: Organisation) -> None:
    for written in (
        lambda code: f"{code[:3]} {code[3:]}",
        lambda code: code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    ):
        org.clock.advance(30 * SECOND)
        browser = org.browser()
        browser.type_username()
        browser.type_password()
        assert browser.type_code(written(browser.code())).headers["location"] == "/security-info"


def test_refuses_a_code_used_before(org: Organisation) -> None:
    org.clock.advance(30 * SECOND)
    earlier = org.browser().code()
    org.signed_in()
    for code in (org.browser().code(), earlier):
        browser = org.browser()
        browser.type_username()
        browser.type_password()
        page = browser.type_code(code)
        assert (page.status_code, says(page, "code_used")) == (401, True)
    assert len(org.sessions()) == 1


def test_refuses_a_code_before_the_password(org: Organisation) -> None:
    browser = org.browser()
    browser.type_username()
    page = browser.type_code()
    assert (page.status_code, says(page, "method_not_offered")) == (400, True)


def test_refuses_another_way_that_is_not_offered(org: Organisation) -> None:
    browser = org.browser()
    browser.type_username()
    for method in ("code", "fingerprint", ""):
        page = browser.post("/sign-in/method", {"method": method})
        assert (page.status_code, says(page, "method_not_offered")) == (400, True)
    assert asked_for(browser.follow(browser.post("/sign-in/method", {"method": "passkey"}))) == "passkey"
    assert asked_for(browser.follow(browser.post("/sign-in/method", {"method": "password"}))) == "password"


def test_refuses_another_way_without_a_sign_in(org: Organisation) -> None:
    page = org.browser().post("/sign-in/method", {"method": "password"})
    assert (page.status_code, says(page, "sign_in_expired")) == (400, True)


# --- a password that an administrator set


NEW = "twelve-quiet-otters"


def _at_new_password(org: Organisation) -> Browser:
    org.add_person("linus", must_change_password=True)
    browser = org.browser()
    browser.sign_in("linus")
    assert stage(browser) == "new_password"
    return browser


def test_a_new_password_comes_before_the_session(org: Organisation) -> None:
    browser = _at_new_password(org)
    assert org.sessions("linus") == []
    assert browser.get("/security-info").status_code == 303
    done = browser.post("/sign-in/new-password", {"new": NEW, "repeat": NEW})
    assert done.headers["location"] == "/security-info"
    assert browser.get("/security-info").status_code == 200
    assert org.browser().sign_in("linus", NEW).headers["location"] == "/security-info"
    old = org.browser()
    old.type_username("linus")
    assert old.type_password(PASSWORD).status_code == 401


@pytest.mark.parametrize(
    ("new", "repeat", "code"),
    [
        ("short", "short", "password_too_short"),
        ("x7" * 200, "x7" * 200, "password_too_long"),
        ("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "password_too_easy"),
        ("linus-is-my-name", "linus-is-my-name", "password_too_easy"),
        ("correcthorsebatterystaple", "correcthorsebatterystaple", "password_too_easy"),
        (NEW, NEW + "!", "passwords_differ"),
        (PASSWORD, PASSWORD, "password_unchanged"),
        ("", "", "password_too_short"),
    ],
)
def test_refuses_a_new_password(org: Organisation, new: str, repeat: str, code: str) -> None:
    browser = _at_new_password(org)
    page = browser.post("/sign-in/new-password", {"new": new, "repeat": repeat})
    assert (page.status_code, says(page, code), asked_for(page)) == (400, True, "new_password")
    assert org.sessions("linus") == []


def test_refuses_a_new_password_out_of_turn(org: Organisation) -> None:
    browser = org.browser()
    browser.type_username("ada")
    browser.type_password()
    page = browser.post("/sign-in/new-password", {"new": NEW, "repeat": NEW})
    assert (page.status_code, says(page, "sign_in_expired")) == (400, True)
    still = org.browser()
    assert still.sign_in("ada", PASSWORD).headers["location"] == "/security-info"
