"""How pages look: by the verified domain of whoever is looking."""

import pytest

from ostiary.identity import administration
from ostiary.identity.reasons import Reason, Refusal
from tests.organisation import Browser, Organisation
from tests.server.reading import text_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def _brand(org: Organisation, domain: str, name: str, *, accent: str | None = None, logo: bytes | None = None) -> None:
    org.administer(
        administration.set_branding,
        domain=domain,
        name=name,
        accent=accent,
        helpdesk="Call 555-0100",
        logo=logo,
        now=org.clock(),
    )


@pytest.fixture
def fabrikam(org: Organisation) -> Organisation:
    """A second verified domain, with looks of its own, and Bob in it."""
    org.administer(administration.add_domain, "fabrikam.example", now=org.clock())
    _brand(org, "contoso.example", "Contoso Group", accent="#0f766e")
    _brand(org, "fabrikam.example", "Fabrikam", accent="#7b2ff7", logo=PNG)
    org.add_person("bob@fabrikam.example")
    return org


def test_without_branding_the_organisation_s_name_stands(org: Organisation) -> None:
    page = org.browser().get("/sign-in")
    assert "Contoso" in text_of(page)
    assert org.browser().get("/branding/default.css").text == ""


def test_before_anybody_is_known_it_is_the_primary_domain_s(fabrikam: Organisation) -> None:
    page = fabrikam.browser().get("/sign-in")
    assert "Contoso Group" in text_of(page)
    assert "Call 555-0100" in text_of(page)
    assert "/branding/contoso.example.css" in page.text


@pytest.mark.parametrize("username", ["bob@fabrikam.example", "nobody@fabrikam.example"])
def test_a_typed_username_brings_its_domain_s(fabrikam: Organisation, username: str) -> None:
    browser = fabrikam.browser()
    page = browser.follow(browser.type_username(username))
    assert "Fabrikam" in text_of(page)
    assert "Contoso" not in text_of(page)
    assert 'src="/branding/fabrikam.example/logo"' in page.text


def test_a_session_keeps_it(fabrikam: Organisation) -> None:
    browser = fabrikam.browser()
    browser.sign_in("bob@fabrikam.example")
    for path in ("/security-info", "/security-info/add", "/security-info/methods/nonsense/rename"):
        assert "Fabrikam" in text_of(browser.get(path)), path


def test_each_domain_has_its_stylesheet_and_logo(fabrikam: Organisation) -> None:
    browser = fabrikam.browser()
    sheets = [browser.get(f"/branding/{domain}.css") for domain in ("contoso.example", "fabrikam.example")]
    assert all(sheet.headers["content-type"].startswith("text/css") for sheet in sheets)
    assert "--accent-light:" in sheets[0].text
    assert sheets[0].text != sheets[1].text
    logo = browser.get("/branding/fabrikam.example/logo")
    assert (logo.content, logo.headers["content-type"]) == (PNG, "image/png")
    assert browser.get("/branding/contoso.example/logo").status_code == 404


def test_a_drawing_cannot_run_its_script(org: Organisation) -> None:
    _brand(org, "contoso.example", "Contoso", logo=SVG)
    logo = org.browser().get("/branding/contoso.example/logo")
    assert logo.headers["content-type"] == "image/svg+xml"
    policy = logo.headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert "sandbox" in policy[0]
    assert "script-src" not in policy[0]
    assert "default-src 'none'" in policy[0]
    assert logo.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("key", ["nowhere.example", "default", "..", "%2e%2e%2f", "é"])
def test_an_unknown_domain_has_an_empty_stylesheet_or_none(org: Organisation, key: str) -> None:
    answer = org.browser().get(f"/branding/{key}.css")
    assert (answer.status_code, answer.text) == (200, "") or answer.status_code == 404


def test_a_name_cannot_write_into_the_page(org: Organisation) -> None:
    _brand(org, "contoso.example", "<img src=x onerror=alert(1)>")
    assert "<img src=x" not in org.browser().get("/sign-in").text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"domain": "nowhere.example"}, Reason.DOMAIN_UNKNOWN),
        ({"accent": "teal"}, Reason.ACCENT_INVALID),
        ({"accent": "#0f766e;}"}, Reason.ACCENT_INVALID),
        ({"accent": "#0f766e\n"}, Reason.ACCENT_INVALID),
        ({"logo": b"MZ"}, Reason.LOGO_INVALID),
        ({"logo": b""}, Reason.LOGO_INVALID),
        ({"logo": PNG + bytes(200_000)}, Reason.LOGO_INVALID),
        ({"name": ""}, Reason.NAME_INVALID),
        ({"name": "a\u202eb"}, Reason.NAME_INVALID),
    ],
)
def test_refuses_looks(org: Organisation, change: dict[str, object], reason: Reason) -> None:
    given: dict[str, object] = {
        "domain": "contoso.example", "name": "Contoso", "accent": None, "helpdesk": None, "logo": None, **change
    }  # fmt: skip
    with pytest.raises(Refusal) as refused:
        org.administer(administration.set_branding, now=org.clock(), **given)  # type: ignore[arg-type]
    assert refused.value.reason is reason


def test_a_session_of_an_unbranded_domain_looks_like_the_primary_one(fabrikam: Organisation, ada: Browser) -> None:
    assert "Contoso Group" in text_of(ada.get("/security-info"))
