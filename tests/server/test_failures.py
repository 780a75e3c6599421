"""When something of ours fails, a person still gets words and a reference, and nobody learns more than that."""

import pytest
from sqlalchemy import text

from tests.organisation import Organisation
from tests.server.reading import reference_on, says

_LEAKS = ("no such table", "sqlite", "Traceback", "OperationalError", "SELECT")


def _break(org: Organisation, table: str) -> None:
    with org.database.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO {table}_lost"))


def test_a_program_gets_a_problem_with_a_reference(org: Organisation) -> None:
    browser = org.browser()
    _break(org, "challenges")
    answer = browser.send("/sign-in/passkey/options", {})
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert not any(leak in answer.text for leak in _LEAKS)
    assert says(browser.get(f"/help/{answer.json()['reference']}"), "internal_error")


@pytest.mark.parametrize("table", ["sign_in_attempts", "domains"])
def test_a_person_gets_a_page_with_a_reference(org: Organisation, table: str) -> None:
    browser = org.browser()
    browser.get("/sign-in")
    _break(org, table)
    page = browser.type_username()
    assert (page.status_code, says(page, "internal_error")) == (500, True)
    assert reference_on(page)
    assert not any(leak in page.text for leak in _LEAKS)


def test_a_refusal_is_told_when_it_cannot_be_recorded(org: Organisation) -> None:
    browser = org.browser()
    browser.type_username()
    _break(org, "audit_events")
    page = browser.type_password("wrong-password-here")
    assert (page.status_code, says(page, "credentials_wrong")) == (401, True)
    assert reference_on(page)


def test_not_being_ready_is_told(org: Organisation) -> None:
    _break(org, "organizations")
    answer = org.browser().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "why": "the database does not answer"})
    assert org.browser().get("/healthz").status_code == 200


def test_a_page_is_drawn_when_its_looks_cannot_be_read(org: Organisation) -> None:
    _break(org, "branding")
    page = org.browser().get("/sign-in")
    assert (page.status_code, "Contoso" in page.text) == (200, True)
