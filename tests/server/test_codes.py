"""Adding an authenticator app under Security info."""

import re
from html import unescape

import httpx2 as httpx
import pytest

from ostiary.clock import MINUTE, SECOND
from tests.organisation import PASSWORD, SECRET, Browser, Organisation
from tests.server.reading import asked_for, says, text_of


@pytest.fixture
def linus(org: Organisation) -> Browser:
    """Somebody with a password alone, signed in."""
    org.add_person("linus", with_code=False)
    browser = org.browser()
    browser.type_username("linus")
    browser.type_password()
    return browser


def _shown(page: httpx.Response) -> tuple[str, str]:
    """The pending enrolment, and its secret."""
    enrolment = re.search(r'name="enrolment" value="([^"]+)"', page.text)
    secret = re.search(r'<code class="secret"[^>]*>([A-Z2-7 ]+)<', page.text)
    assert enrolment
    assert secret
    return unescape(enrolment[1]), secret[1].replace(" ", "")


def _add(browser: Browser) -> httpx.Response:
    enrolment, secret = _shown(browser.get("/security-info/add/code"))
    return browser.post("/security-info/add/code", {"enrolment": enrolment, "code": browser.code(secret)})


def test_an_app_that_shows_the_right_code_is_kept(org: Organisation, linus: Browser) -> None:
    page = linus.get("/security-info/add/code")
    enrolment, secret = _shown(page)
    assert f"otpauth://totp/Contoso:linus%40contoso.example?secret={secret}&issuer=Contoso" in unescape(page.text)
    assert len(secret) == 32
    done = linus.post("/security-info/add/code", {"enrolment": enrolment, "code": linus.code(secret)})
    assert "Your authenticator app is set up." in text_of(linus.follow(done))
    assert org.person("linus").preferred_second_factor == "code"

    org.clock.advance(30 * SECOND)
    other = org.browser()
    other.type_username("linus")
    assert asked_for(other.follow(other.type_password())) == "code"
    assert other.type_code(other.code(secret)).headers["location"] == "/security-info"


def test_it_counts_as_a_second_proof_and_ends_the_old_token(linus: Browser) -> None:
    old = linus.copy()
    _add(linus)
    assert linus.send("/security-info/passkeys/options", {}).status_code == 200
    assert old.get("/security-info").status_code == 303


def test_every_page_shows_another_secret(linus: Browser) -> None:
    assert _shown(linus.get("/security-info/add/code")) != _shown(linus.get("/security-info/add/code"))


def test_refuses_a_wrong_code_and_keeps_the_secret(org: Organisation, linus: Browser) -> None:
    enrolment, secret = _shown(linus.get("/security-info/add/code"))
    page = linus.post("/security-info/add/code", {"enrolment": enrolment, "code": "000000"})
    assert (page.status_code, says(page, "code_wrong"), _shown(page)) == (401, True, (enrolment, secret))
    assert [method.kind for method in org.methods("linus")] == ["password"]


def test_refuses_an_enrolment_that_took_too_long(org: Organisation, linus: Browser) -> None:
    enrolment, secret = _shown(linus.get("/security-info/add/code"))
    for _ in range(3):
        org.clock.advance(5 * MINUTE)
        linus.get("/security-info")
    page = linus.post("/security-info/add/code", {"enrolment": enrolment, "code": linus.code(secret)})
    assert (page.status_code, says(page, "enrolment_expired")) == (400, True)
    assert _shown(page)[1] != secret
    assert [method.kind for method in org.methods("linus")] == ["password"]


def test_refuses_an_enrolment_of_another_person(org: Organisation, linus: Browser, ada: Browser) -> None:
    enrolment, secret = _shown(ada.get("/security-info/add/code"))
    page = linus.post("/security-info/add/code", {"enrolment": enrolment, "code": linus.code(secret)})
    assert (page.status_code, says(page, "enrolment_expired")) == (400, True)


@pytest.mark.parametrize("enrolment", ["", "x", "!", "AAAA", "A" * 200, "é"])
def test_refuses_an_enrolment_that_is_not_ours(linus: Browser, enrolment: str) -> None:
    page = linus.post("/security-info/add/code", {"enrolment": enrolment, "code": "123456"})
    assert (page.status_code, says(page, "enrolment_expired")) == (400, True)


def test_refuses_the_code_it_was_set_up_with_at_the_next_sign_in(org: Organisation, linus: Browser) -> None:
    enrolment, secret = _shown(linus.get("/security-info/add/code"))
    code = linus.code(secret)
    linus.post("/security-info/add/code", {"enrolment": enrolment, "code": code})
    other = org.browser()
    other.type_username("linus")
    other.type_password(PASSWORD)
    page = other.type_code(code)
    assert (page.status_code, says(page, "code_used")) == (401, True)


def test_refuses_a_sixth(org: Organisation, ada: Browser) -> None:
    for number in range(2, 6):
        assert _add(ada).status_code == 303
        assert org.method("code").name == f"Authenticator app {number}"
    page = ada.get("/security-info/add/code")
    assert (page.status_code, says(page, "code_limit")) == (409, True)
    assert says(ada.get("/security-info/add"), "code_limit")


def test_either_of_two_apps_works(org: Organisation, ada: Browser) -> None:
    enrolment, secret = _shown(ada.get("/security-info/add/code"))
    ada.post("/security-info/add/code", {"enrolment": enrolment, "code": ada.code(secret)})
    for one in (SECRET, secret):
        org.clock.advance(30 * SECOND)
        browser = org.browser()
        browser.type_username()
        browser.type_password()
        assert browser.type_code(browser.code(one)).headers["location"] == "/security-info"


def test_secrets_are_sealed_where_they_are_stored(org: Organisation, linus: Browser) -> None:
    secret = _shown(linus.get("/security-info/add/code"))[1]
    _add(linus)
    for file in org.directory.iterdir():
        for one in (SECRET, secret):
            assert one.encode() not in file.read_bytes(), file.name
