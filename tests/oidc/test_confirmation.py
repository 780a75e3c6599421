"""The person is asked: signed in, freshly proven, on a page nobody can press a button of but they."""

import re

import httpx2 as httpx
import pytest

from ostiary.clock import MINUTE, SECOND
from ostiary.identity import limits
from ostiary.oidc.authorization import REQUEST_LIFETIME
from tests.oidc.native_app import NativeApp, answer_of, count_grants, decide
from tests.organisation import ORIGIN, Browser, Organisation
from tests.server.reading import asked_for, problem_of, says, text_of


@pytest.fixture
def app(org: Organisation) -> NativeApp:
    return NativeApp(org)


def test_asks_whoever_is_signed_in_and_proven(app: NativeApp, org: Organisation) -> None:
    ada = org.signed_in()
    page = ada.get(app.ask(ada))
    assert page.status_code == 200
    assert "Ostiary Authenticator wants to set up sign-in for ada@contoso.example on this computer" in text_of(page)
    assert org.administer(count_grants) == 0


def test_signs_in_first_and_comes_back(app: NativeApp, org: Organisation) -> None:
    browser = org.browser()
    page = app.ask(browser)
    assert page.startswith("/sign-in?next=/oauth2/v2.0/authorize/")
    browser.get(page)
    org.clock.advance(30 * SECOND)
    browser.type_username()
    browser.type_password()
    asks = browser.follow(browser.type_code())
    assert says_who(asks, "ada@contoso.example")


def test_fills_in_the_username_that_was_hinted(app: NativeApp, org: Organisation) -> None:
    browser = org.browser()
    assert app.ask(browser, login_hint="ada@contoso.example") == "/sign-in"
    page = browser.get("/sign-in")
    assert (asked_for(page), "ada@contoso.example" in page.text) == ("password", True)
    org.clock.advance(30 * SECOND)
    browser.type_password()
    assert says_who(browser.follow(browser.type_code()), "ada@contoso.example")


@pytest.mark.parametrize("hint", ["nobody@elsewhere.example", "a b", "x" * 2000, "\x00"])
def test_a_hint_that_is_no_username_of_ours_is_passed_over(app: NativeApp, org: Organisation, hint: str) -> None:
    assert app.ask(org.browser(), login_hint=hint).startswith("/sign-in?next=/oauth2/v2.0/authorize/")


def test_asks_for_a_fresh_proof(app: NativeApp, org: Organisation) -> None:
    ada = org.signed_in()
    org.clock.advance(6 * MINUTE)
    page = app.ask(ada)
    assert ada.get(page).headers["location"] == "/sign-in"
    assert says_who(confirmed(ada), "ada@contoso.example")


def test_refuses_to_go_on_with_a_proof_that_grew_old_on_the_page(app: NativeApp, org: Organisation) -> None:
    ada = org.signed_in()
    page = app.ask(ada)
    form = {"decision": "continue", "account": org.person().id}
    org.clock.advance(6 * MINUTE)
    assert ada.post(page, form).headers["location"] == "/sign-in"
    assert org.administer(count_grants) == 0


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
def test_proves_afresh_where_the_application_asks_for_it(
    app: NativeApp, org: Organisation, changes: dict[str, str | None]
) -> None:
    ada = org.signed_in()
    org.clock.advance(SECOND)
    page = app.ask(ada, **changes)
    assert ada.get(page).headers["location"] == "/sign-in"
    asks = confirmed(ada)
    assert says_who(asks, "ada@contoso.example")
    assert "code" in answer_of(decide(ada, page))


def test_a_longer_age_is_enough_where_it_is_allowed(app: NativeApp, org: Organisation) -> None:
    ada = org.signed_in()
    org.clock.advance(MINUTE)
    assert ada.get(app.ask(ada, max_age="120")).status_code == 200


def test_refuses_without_asking_when_nothing_may_be_shown(app: NativeApp, org: Organisation) -> None:
    assert answer_of(app.open(org.signed_in(), prompt="none"))["error"] == "interaction_required"


def test_says_no(app: NativeApp, org: Organisation) -> None:
    ada = org.signed_in()
    page = app.ask(ada)
    answer = answer_of(decide(ada, page, "cancel"))
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", app.state, ORIGIN)
    gone = ada.get(page)
    assert (gone.status_code, says(gone, "authorization_unknown")) == (410, True)


def test_uses_another_account(app: NativeApp, org: Organisation) -> None:
    ada = org.signed_in()
    page = app.ask(ada)
    response = decide(ada, page, "switch")
    assert response.headers["location"].startswith(f"/sign-in?next={page}")
    assert org.sessions("ada") == []
    ada.follow(response)
    org.clock.advance(30 * SECOND)
    ada.type_username("grace")
    ada.type_password()
    assert says_who(ada.follow(ada.type_code()), "grace@contoso.example")


def test_names_the_account_where_the_application_wants_one_chosen(app: NativeApp, org: Organisation) -> None:
    ada = org.signed_in()
    assert says_who(ada.get(app.ask(ada, prompt="select_account")), "ada@contoso.example")


@pytest.mark.parametrize("decision", ["", "yes", "CONTINUE"])
def test_refuses_a_decision_there_is_not(app: NativeApp, org: Organisation, decision: str) -> None:
    ada = org.signed_in()
    response = ada.post(app.ask(ada), {"decision": decision})
    assert (response.status_code, says(response, "request_invalid")) == (400, True)


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_refuses_a_request_it_does_not_know(org: Organisation, verb: str) -> None:
    ada = org.signed_in()
    form = {"decision": "continue"} if verb == "POST" else None
    page = ada.request(verb, "/oauth2/v2.0/authorize/nothing", form=form)
    assert (page.status_code, says(page, "authorization_unknown")) == (410, True)


def test_refuses_a_request_that_waited_too_long(app: NativeApp, org: Organisation) -> None:
    ada = org.signed_in()
    page = app.ask(ada)
    org.clock.advance(REQUEST_LIFETIME)
    assert ada.get(page).status_code == 410


def test_refuses_to_be_answered_twice(app: NativeApp, org: Organisation) -> None:
    ada = org.signed_in()
    page = app.ask(ada)
    assert "code" in answer_of(decide(ada, page))
    again = ada.post(page, {"decision": "continue"})
    assert (again.status_code, says(again, "authorization_unknown")) == (410, True)


@pytest.mark.parametrize("account", ["ada", "", None])
def test_asks_again_whoever_signed_in_meanwhile(app: NativeApp, org: Organisation, account: str | None) -> None:
    """The page asked Ada; Grace, who has signed in since in another window, has agreed to nothing."""
    grace = org.signed_in("grace")
    page = app.ask(grace)
    form = {"decision": "continue"}
    if account is not None:
        form["account"] = org.person(account).id if account else account
    assert grace.post(page, form).headers["location"] == page
    assert org.administer(count_grants) == 0
    assert says_who(grace.get(page), "grace@contoso.example")


def test_asks_every_time(app: NativeApp, org: Organisation) -> None:
    """RFC 8252 §8.6: another program may pretend to be the application."""
    ada = org.signed_in()
    app.sign_in(ada)
    assert ada.get(app.ask(ada)).status_code == 200


# --- attacks on the page


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "same-site", "origin": "https://other.contoso.example"},
        {"sec-fetch-site": "cross-site", "origin": "null"},
        {"origin": "http://127.0.0.1:53117"},
    ],
)
def test_refuses_a_decision_from_another_site(app: NativeApp, org: Organisation, headers: dict[str, str]) -> None:
    ada = org.signed_in()
    page = app.ask(ada)
    form = {"decision": "continue", "account": org.person().id}
    response = ada.request("POST", page, form=form, headers=headers)
    assert (response.status_code, says(response, "cross_site_request")) == (403, True)
    assert "location" not in response.headers
    assert org.administer(count_grants) == 0


def test_the_page_cannot_be_framed_and_leads_to_the_application_alone(app: NativeApp, org: Organisation) -> None:
    ada = org.signed_in()
    headers = ada.get(app.ask(ada)).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:53117;" in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert "form-action 'self';" in ada.get("/security-info").headers["content-security-policy"]


def test_the_request_of_one_person_gives_nobody_elses_account(app: NativeApp, org: Organisation) -> None:
    """A link to the page, sent to somebody, asks that somebody; the code goes to their own computer."""
    link = app.ask(org.signed_in("grace"))
    page = org.signed_in("ada").get(link)
    assert says_who(page, "ada@contoso.example")


def test_what_is_typed_stands_nowhere_unescaped(app: NativeApp, org: Organisation) -> None:
    ada = org.signed_in()
    page = ada.get(app.ask(ada, state='"><script>', nonce="<b>", login_hint="<i>"))
    assert "<script>" not in page.text
    assert "<b>" not in page.text


def test_refuses_too_many_requests_from_one_address(
    app: NativeApp, org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUTHORIZATIONS_PER_ADDRESS", limits.Limit("authorization", 2, MINUTE))
    browser = org.browser()
    for _ in range(2):
        app.ask(browser)
    page = app.open(browser)
    assert (page.status_code, says(page, "too_many_attempts")) == (429, True)


def test_a_program_is_told_as_programs_are(org: Organisation) -> None:
    response = org.browser().request("GET", "/oauth2/v2.0/authorize", headers={"accept": "application/json"})
    problem_of(response, 400, "client_unknown")


# --- what to read


def says_who(page: httpx.Response, username: str) -> bool:
    found = re.search(r"wants to set up sign-in for (\S+) on this computer", text_of(page))
    return found is not None and found[1] == username


def confirmed(browser: Browser) -> httpx.Response:
    """After the step-up, wherever it leads."""
    browser.clock.advance(30 * SECOND)
    browser.post("/sign-in/method", {"method": "password"})
    response = browser.type_password()
    if response.headers.get("location") == "/sign-in":
        response = browser.type_code()
    return browser.follow(response)
