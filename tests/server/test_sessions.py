"""Sessions: their cookies, how long they last, and how they end."""

import hashlib

import pytest

from ostiary.clock import DAY, HOUR, MINUTE
from tests.organisation import Browser, Organisation
from tests.server.reading import problem_of, recorded_problem, stage, text_of
from tests.software_authenticator import SoftwareAuthenticator

SESSION = "__Host-ostiary-session"
BROWSER = "__Host-ostiary-browser"
SIGN_IN = "__Host-ostiary-sign-in"


def _is_open(browser: Browser) -> bool:
    return browser.get("/security-info").status_code == 200


# --- cookies


def test_cookies_are_bound_to_this_host_and_hidden_from_scripts(org: Organisation) -> None:
    browser = org.browser()
    lines = browser.get("/sign-in").headers.get_list("set-cookie")
    lines += browser.sign_in().headers.get_list("set-cookie")
    seen = set()
    for line in lines:
        name, _, rest = line.partition("=")
        attributes = [part.strip() for part in rest.split(";")[1:]]
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(attributes)
        assert not any(part.startswith("Domain") for part in attributes)
        lasts = [part for part in attributes if part.startswith("Max-Age") and part != "Max-Age=0"]
        assert bool(lasts) is (name == BROWSER)
        seen.add(name)
    assert seen == {SESSION, BROWSER, SIGN_IN}


def test_a_session_cookie_is_stored_only_as_a_hash(org: Organisation, ada: Browser) -> None:
    token = ada.cookies[SESSION]
    assert org.sessions()[0].token_hash == hashlib.sha256(token.encode()).digest()
    for file in org.directory.iterdir():
        assert token.encode() not in file.read_bytes(), file.name


def test_a_session_planted_before_a_sign_in_is_not_taken_over(org: Organisation) -> None:
    browser = org.browser()
    browser.cookies[SESSION] = planted = "planted-by-somebody-else-0123456789abcdefghi"
    browser.sign_in()
    assert browser.cookies[SESSION] != planted
    thief = org.browser()
    thief.cookies[SESSION] = planted
    assert not _is_open(thief)


@pytest.mark.parametrize("value", ["", "x", "x" * 5000, "a=b=c", '"quoted"'])
def test_refuses_a_session_that_never_was(org: Organisation, value: str) -> None:
    browser = org.browser()
    answer = browser.request(
        "POST", "/security-info/passkeys/options", json={}, headers={"cookie": f"{SESSION}={value}"}
    )
    problem_of(answer, 401, "sign_in_required")


def test_refuses_a_session_named_twice(ada: Browser) -> None:
    twice = f"{SESSION}={ada.cookies[SESSION]}; {SESSION}={ada.cookies[SESSION]}"
    answer = ada.request("GET", "/security-info", headers={"cookie": twice})
    assert answer.headers["location"].startswith("/sign-in")


# --- a session whose privilege grows gets another token


def test_a_step_up_ends_the_old_token(org: Organisation, ada: Browser) -> None:
    old = ada.copy()
    org.clock.advance(6 * MINUTE)
    ada.confirm()
    assert _is_open(ada)
    assert not _is_open(old)


def test_a_step_up_by_passkey_ends_the_old_token(ada: Browser, laptop: SoftwareAuthenticator) -> None:
    old = ada.copy()
    ada.clock.advance(6 * MINUTE)
    ada.get("/sign-in?step_up=1")
    ada.sign_in_with(laptop)
    assert _is_open(ada)
    assert not _is_open(old)


# --- how long they last


def test_security_info_is_open_while_it_is_used(org: Organisation, ada: Browser) -> None:
    for _ in range(8):
        org.clock.advance(14 * MINUTE)
        assert _is_open(ada)


def test_security_info_asks_again_after_an_idle_quarter_of_an_hour(org: Organisation, ada: Browser) -> None:
    org.clock.advance(15 * MINUTE)
    assert _is_open(ada)
    org.clock.advance(15 * MINUTE + 1)
    assert ada.get("/security-info").headers["location"] == "/sign-in?step_up=1&next=/security-info"
    program = ada.send("/security-info/passkeys/options", {})
    problem_of(program, 403, "fresh_mfa_required")
    assert not _is_open(ada)  # asking does not open it
    ada.confirm()
    assert _is_open(ada)


def test_a_session_ends_after_twelve_idle_hours(org: Organisation, ada: Browser) -> None:
    org.clock.advance(12 * HOUR)
    assert ada.get("/sign-out").status_code == 200
    org.clock.advance(1)
    assert ada.get("/sign-out").headers["location"] == "/sign-in"
    assert ada.get("/security-info").headers["location"] == "/sign-in?next=/security-info"


def test_a_session_ends_after_seven_days_however_busy(org: Organisation, ada: Browser) -> None:
    end = org.clock() + 7 * DAY
    while org.clock() + 11 * HOUR < end:
        org.clock.advance(11 * HOUR)
        ada.confirm()
        assert _is_open(ada)
    org.clock.now = end
    assert ada.get("/security-info").headers["location"] == "/sign-in?next=/security-info"


# --- how they end


def test_signing_out_ends_the_session(org: Organisation, ada: Browser) -> None:
    old = ada.copy()
    assert "Sign out?" in text_of(ada.get("/sign-out"))
    assert _is_open(ada)  # a link signs nobody out
    answer = ada.post("/sign-out")
    assert answer.headers["location"] == "/sign-in?done=signed_out"
    assert "You are signed out" in text_of(ada.follow(answer))
    assert SESSION not in ada.cookies
    assert not _is_open(old)
    assert org.sessions() == []


def test_signing_out_twice_is_no_error(org: Organisation, ada: Browser) -> None:
    again = ada.copy()
    ada.post("/sign-out")
    assert again.post("/sign-out").status_code == 303
    assert org.browser().post("/sign-out").status_code == 303


def test_signing_out_everywhere_ends_every_session(org: Organisation, ada: Browser) -> None:
    other, grace = org.signed_in("ada"), org.signed_in("grace")
    assert ada.post("/security-info/sign-out-everywhere").headers["location"] == "/sign-in?done=signed_out"
    assert not _is_open(ada)
    assert not _is_open(other)
    assert _is_open(grace)


def test_one_of_several_sessions_is_ended(org: Organisation, ada: Browser) -> None:
    first = org.sessions()[0].id
    other = org.signed_in("ada")
    assert f"/security-info/sessions/{first}/end" in other.get("/security-info").text
    answer = other.post(f"/security-info/sessions/{first}/end")
    assert "That session is ended." in text_of(other.follow(answer))
    assert not _is_open(ada)


def test_ending_this_session_is_signing_out(org: Organisation, ada: Browser) -> None:
    answer = ada.post(f"/security-info/sessions/{org.sessions()[0].id}/end")
    assert answer.headers["location"] == "/sign-in?done=signed_out"
    assert stage(ada) == "username"


def test_refuses_to_end_another_persons_session(org: Organisation, ada: Browser) -> None:
    grace = org.signed_in("grace")
    path = f"/security-info/sessions/{org.sessions('grace')[0].id}/end"
    recorded_problem(ada, ada.request("POST", path, content=b""), 404, "session_unknown")
    assert _is_open(grace)


def test_refuses_to_end_a_session_that_never_was(ada: Browser) -> None:
    answer = ada.request("POST", "/security-info/sessions/nonsense/end", content=b"")
    recorded_problem(ada, answer, 404, "session_unknown")


def test_a_disabled_person_is_out_at_once(org: Organisation, ada: Browser) -> None:
    org.disable()
    assert not _is_open(ada)
