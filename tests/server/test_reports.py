"""`POST /ceremonies/reports`: what only the browser noticed."""

import pytest

from ostiary.web.wording import CLIENT_WORDING
from tests.organisation import Browser, Organisation
from tests.server.reading import recorded_problem, text_of

REPORT = {"code": "create_closed", "operation": "create", "elapsed_ms": 1500}


@pytest.mark.parametrize("code", CLIENT_WORDING)
def test_every_reason_of_the_browser_gets_a_reference(org: Organisation, code: str) -> None:
    browser = org.browser()
    answer = browser.send("/ceremonies/reports", {**REPORT, "code": code})
    assert answer.status_code == 201
    page = browser.get(f"/help/{answer.json()['reference']}")
    assert CLIENT_WORDING[code].title.rstrip(".") in text_of(page)


def test_a_report_tells_who_and_how_long(org: Organisation, ada: Browser) -> None:
    reference = ada.send("/ceremonies/reports", REPORT).json()["reference"]
    event = org.events("person:ceremony:report")[0]
    assert (event.reference, event.reason, event.actor) == (reference, "create_closed", "ada@contoso.example")
    assert event.detail == "create after 1500 ms"
    assert CLIENT_WORDING["create_closed"].title in text_of(ada.get("/security-info"))


@pytest.mark.parametrize(
    "change",
    [
        {"code": "nonsense"},
        {"code": "code_wrong"},
        {"code": None},
        {"code": 5},
        {"code": []},
        {"code": {}},
        {"operation": "delete"},
        {"operation": None},
        {"operation": []},
        {"elapsed_ms": -1},
        {"elapsed_ms": 10**9},
        {"elapsed_ms": 1.5},
        {"elapsed_ms": "1"},
        {"elapsed_ms": None},
    ],
)
def test_refuses_a_report_of_anything_else(org: Organisation, change: dict[str, object]) -> None:
    browser = org.browser()
    recorded_problem(browser, browser.send("/ceremonies/reports", {**REPORT, **change}), 400, "request_invalid")
    assert all(
        event.result == "refused" and event.reason == "request_invalid"
        for event in org.events("person:ceremony:report")
    )


def test_free_text_is_not_kept(org: Organisation) -> None:
    org.browser().send("/ceremonies/reports", {**REPORT, "message": "my password is hunter2"})
    assert "hunter2" not in repr(org.events())
