"""Which language a reader gets."""

import pytest

from ostiary.web.wording import WORDING
from tests.organisation import Browser, Organisation
from tests.server.reading import says, text_of


def _language(browser: Browser, accept: str) -> str:
    page = browser.get("/sign-in", **{"accept-language": accept}).text
    assert ('dir="rtl"' in page.split("<head>")[0]) is ('lang="ar"' in page.split("<head>")[0])
    return "ar" if '<html lang="ar"' in page else "en"


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("ar", "ar"),
        ("ar-EG", "ar"),
        ("AR", "ar"),
        ("en, ar;q=0.5", "en"),
        ("en;q=0.5, ar;q=0.9", "ar"),
        ("tlh, ar;q=0.1", "ar"),
        ("ar;q=0", "en"),
        ("ar;q=nonsense", "en"),
        ("*", "en"),
        (";;;,,,=", "en"),
        ("x," * 5000, "en"),
    ],
)
def test_the_browser_s_wish(org: Organisation, accept: str, language: str) -> None:
    assert _language(org.browser(), accept) == language


def test_a_choice_outlasts_the_browser_s_wish(org: Organisation) -> None:
    browser = org.browser()
    done = browser.post("/language", {"language": "ar", "return_to": "/sign-in/options"})
    assert done.headers["location"] == "/sign-in/options"
    assert _language(browser, "en") == "ar"
    browser.post("/language", {"language": "en"})
    assert _language(browser, "ar") == "en"


@pytest.mark.parametrize("language", ["tlh", "", "en-GB", "../ar", "__proto__"])
def test_refuses_a_language_we_do_not_speak(org: Organisation, language: str) -> None:
    browser = org.browser()
    page = browser.post("/language", {"language": language})
    assert (page.status_code, says(page, "request_invalid")) == (400, True)
    assert _language(browser, "en") == "en"


@pytest.mark.parametrize("cookie", ["tlh", "", "<script>", "ar; x"])
def test_a_cookie_that_is_no_language_is_ignored(org: Organisation, cookie: str) -> None:
    browser = org.browser()
    page = browser.get("/sign-in", cookie=f"__Host-ostiary-language={cookie}")
    assert page.status_code == 200


def test_refusals_are_told_in_the_reader_s_language(org: Organisation) -> None:
    browser = org.browser()
    browser.headers["accept-language"] = "ar"
    problem = browser.send("/sign-in/passkey", {}).json()
    assert problem["code"] == "malformed_response"
    assert problem["title"] != WORDING["malformed_response"].title
    page = browser.type_username("a b")
    assert not says(page, "username_invalid")
    assert page.status_code == 400


def test_dates_are_in_the_reader_s_language(ada: Browser) -> None:
    ada.headers["accept-language"] = "ar"
    seen = text_of(ada.get("/security-info"))
    assert "You signed in." not in seen
