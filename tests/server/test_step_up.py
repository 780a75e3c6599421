"""A session that must prove itself afresh before something sensitive."""

import pytest

from ostiary.clock import MINUTE
from tests.organisation import PASSWORD, Browser, Organisation
from tests.server.reading import asked_for, recorded_problem, text_of
from tests.software_authenticator import SoftwareAuthenticator

PAGE = "/security-info/add/passkey?provider=security_key"


def _led_to_step_up(browser: Browser, path: str = PAGE) -> None:
    """Opens a page that needs fresh proof, a while later."""
    browser.clock.advance(6 * MINUTE)
    page = browser.follow(browser.get(path))
    assert page.status_code == 200
    assert "Confirm it is you" in text_of(page)


def test_by_password_and_code_through_the_pages(ada: Browser) -> None:
    _led_to_step_up(ada)
    page = ada.follow(ada.type_password())
    assert asked_for(page) == "code"
    done = ada.type_code()
    assert done.headers["location"] == PAGE
    assert ada.follow(done).status_code == 200


def test_by_another_way_through_the_pages(ada: Browser, laptop: SoftwareAuthenticator) -> None:
    _led_to_step_up(ada)
    assert asked_for(ada.get("/sign-in")) == "passkey"
    assert asked_for(ada.follow(ada.post("/sign-in/method", {"method": "password"}))) == "password"
    assert asked_for(ada.follow(ada.type_password())) == "code"
    assert ada.type_code().headers["location"] == PAGE


def test_by_passkey(ada: Browser, laptop: SoftwareAuthenticator) -> None:
    _led_to_step_up(ada)
    assert ada.sign_in_with(laptop, "ada").json() == {"next": PAGE}
    assert ada.get(PAGE).status_code == 200


def test_a_wrong_password_is_told_on_the_page(ada: Browser) -> None:
    _led_to_step_up(ada)
    page = ada.type_password("wrong-password-here")
    assert (page.status_code, asked_for(page)) == (401, "password")
    assert "Confirm it is you" in text_of(page)


def test_what_was_proven_recently_is_not_asked_again(ada: Browser) -> None:
    assert ada.get(PAGE).status_code == 200
    ada.clock.advance(5 * MINUTE)
    assert ada.get(PAGE).status_code == 200
    ada.clock.advance(1)
    assert ada.get(PAGE).status_code == 303


def test_one_session_stays_one(org: Organisation, ada: Browser) -> None:
    before = org.sessions()
    org.clock.advance(6 * MINUTE)
    ada.confirm()
    after = org.sessions()
    assert [session.id for session in after] == [session.id for session in before]
    assert len(org.events("person:session:step-up")) == 1


def test_leaving_it_keeps_the_session(ada: Browser) -> None:
    _led_to_step_up(ada)
    assert ada.get("/security-info").status_code == 200


def test_refuses_the_passkey_of_another_person(org: Organisation, ada: Browser) -> None:
    grace, key = org.signed_in("grace"), SoftwareAuthenticator()
    grace.register(key)
    _led_to_step_up(ada)
    recorded_problem(ada, ada.sign_in_with(key), 403, "different_person")
    assert "ada@contoso.example" in ada.get("/security-info").text
    assert ada.get(PAGE).status_code == 303


def test_refuses_proof_for_a_session_that_has_ended(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    _led_to_step_up(ada)
    other = org.signed_in("ada")
    other.post("/security-info/sign-out-everywhere")
    ada.type_password(PASSWORD)
    ada.type_code()
    assert org.sessions() == []


def test_refuses_to_raise_a_session_from_another_browser(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    _led_to_step_up(ada)
    thief = ada.copy()
    del thief.cookies["__Host-ostiary-session"]
    recorded = thief.sign_in_with(laptop)
    assert (recorded.status_code, recorded.json()["code"]) == (401, "sign_in_required")
    assert "__Host-ostiary-session" not in thief.cookies


@pytest.mark.parametrize(
    "path",
    ["/security-info/add/code", "/security-info/password", PAGE],
)
def test_every_page_that_changes_something_asks_first(ada: Browser, path: str) -> None:
    _led_to_step_up(ada, path)
    ada.type_password()
    assert ada.type_code().headers["location"] == path


def test_programs_are_told_where_to_go(ada: Browser) -> None:
    ada.clock.advance(6 * MINUTE)
    for body, back in (({}, "/security-info/add"), ({"provider": "security_key"}, PAGE)):
        answer = ada.send("/security-info/passkeys/options", body)
        assert answer.status_code == 403
        problem = answer.json()
        assert problem["code"] == "fresh_mfa_required"
        assert asked_for(ada.get(problem["next_path"])) == "password"
        ada.type_password()
        assert ada.type_code().headers["location"] == back
        ada.clock.advance(6 * MINUTE)
