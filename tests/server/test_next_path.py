"""Where a sign-in leads: a page of ours, whatever an address asks for."""

from urllib.parse import quote, urljoin, urlsplit

import pytest

from tests.organisation import ORIGIN, Browser, Organisation
from tests.software_authenticator import SoftwareAuthenticator

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "/\n/evil.example/",
    "/\u2028/evil.example/",
    "\t//evil.example/",
    " //evil.example/",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,hello",
    "evil.example",
    "@evil.example",
    "//[",
    "//\u2100",
    "//evil.example\\@login.contoso.example/",
    "/" + "a" * 600,
    "",
]
BACK = ["/sign-in", "/sign-in?next=/", "/sign-in/options", "/sign-out"]


@pytest.mark.parametrize("asked", [*ELSEWHERE, *BACK])
def test_refuses_to_lead_elsewhere(ada: Browser, asked: str) -> None:
    answer = ada.get(f"/sign-in?next={quote(asked)}")
    assert answer.headers["location"] == "/security-info"


@pytest.mark.parametrize("asked", ["/.//evil.example", "/%2f/evil.example", "/@evil.example", "/a//evil.example"])
def test_what_looks_like_another_host_is_a_path_here(ada: Browser, asked: str) -> None:
    answer = ada.get(f"/sign-in?next={quote(asked)}")
    assert urlsplit(urljoin(f"{ORIGIN}/sign-in", answer.headers["location"])).netloc == urlsplit(ORIGIN).netloc


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("/security-info/add", "/security-info/add"),
        ("/security-info?done=renamed", "/security-info?done=renamed"),
        ("/hilfe/für/日本", "/hilfe/f%C3%BCr/%E6%97%A5%E6%9C%AC"),
    ],
)
def test_leads_to_a_page_of_ours(ada: Browser, asked: str, location: str) -> None:
    assert ada.get(f"/sign-in?next={quote(asked)}").headers["location"] == location


def test_the_page_asked_for_is_remembered_through_every_stage(org: Organisation) -> None:
    browser = org.browser()
    first = browser.get("/security-info/add")
    browser.follow(first)
    assert browser.sign_in().headers["location"] == "/security-info/add"


@pytest.mark.parametrize("asked", ["//evil.example/", "/\\evil.example/", "https://evil.example/"])
def test_refuses_to_lead_elsewhere_after_a_passkey(
    org: Organisation, laptop: SoftwareAuthenticator, asked: str
) -> None:
    browser = org.browser()
    browser.get(f"/sign-in?next={quote(asked)}")
    assert browser.sign_in_with(laptop).json() == {"next": "/security-info"}


@pytest.mark.parametrize("asked", ["//evil.example/", "/\\evil.example/", "https://evil.example/"])
def test_refuses_to_lead_elsewhere_after_a_choice_of_language(org: Organisation, asked: str) -> None:
    answer = org.browser().post("/language", {"language": "ar", "return_to": asked})
    assert answer.headers["location"] == "/sign-in"
