"""`/help/{code}`: what a reason or a reference means, for anyone, saying nothing about anybody."""

import pytest

from ostiary.web.wording import CLIENT_WORDING, WORDING
from tests.organisation import Browser, Organisation
from tests.server.reading import reference_on, says, text_of


def test_explains_every_reason(org: Organisation) -> None:
    browser = org.browser()
    for code, wording in {**WORDING, **CLIENT_WORDING}.items():
        page = browser.get(f"/help/{code}")
        assert page.status_code == 200, code
        assert wording.title.rstrip(".") in text_of(page), code
        assert wording.next in text_of(page), code


def test_a_reference_leads_to_what_happened(org: Organisation) -> None:
    browser = org.browser()
    browser.type_username()
    reference = reference_on(browser.type_password("wrong-password-here"))
    for written in (reference, reference.lower(), reference.replace("-", "")):
        page = org.browser("203.0.113.9").get(f"/help/{written}")
        assert page.status_code == 200
        assert says(page, "credentials_wrong")
        assert reference in text_of(page)
        assert "2026" in text_of(page)


def test_says_nothing_about_anybody(org: Organisation, ada: Browser) -> None:
    reference = ada.send("/security-info/methods/nonsense", {"name": "a"}, verb="PATCH").json()["reference"]
    seen = org.browser().get(f"/help/{reference}").text
    for secret in ("ada", "198.51.100.7", "Windows", "Chrome"):
        assert secret not in seen, secret


def test_the_administrator_finds_the_event(org: Organisation, ada: Browser) -> None:
    reference = ada.send("/security-info/methods/nonsense", {"name": "a"}, verb="PATCH").json()["reference"]
    event = next(event for event in org.events() if event.reference == reference)
    assert (event.reason, event.actor, event.result) == ("method_unknown", "ada@contoso.example", "refused")


@pytest.mark.parametrize("code", ["nonsense", "P-0000-00", "P-AAAA-AA", "x" * 500, "<script>", "%00", "é", "P-7K3Q-2M"])
def test_refuses_a_code_nobody_gave(org: Organisation, code: str) -> None:
    page = org.browser().get(f"/help/{code}")
    assert page.status_code in (400, 404)
    assert "<script>" not in page.text.replace("<script type", "")
