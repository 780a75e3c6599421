"""A request that another site makes in somebody's browser changes nothing."""

import re

import httpx2 as httpx
import pytest

from ostiary.web.application import ROUTES
from tests.organisation import ORIGIN, Browser, Organisation
from tests.server.reading import problem_of, recorded_problem, says

EVIL = "https://evil.example"
ALLOWED = [
    ("same-origin", ORIGIN),
    ("same-origin", None),
    ("none", None),
    (None, ORIGIN),
    (None, None),  # a program, which has nobody's cookies but its own
]
REFUSED = [
    ("cross-site", EVIL),
    ("cross-site", None),
    ("cross-site", ORIGIN),
    ("same-site", "https://other.contoso.example"),
    ("same-site", None),
    ("same-origin", EVIL),
    (None, EVIL),
    (None, "null"),
    (None, ""),
    (None, ORIGIN.replace("https", "http")),
    (None, f"{ORIGIN}:444"),
    (None, f"{ORIGIN}.evil.example"),
    ("", ORIGIN),
    ("nonsense", ORIGIN),
]
FORM = {"content-type": "application/x-www-form-urlencoded"}


def _headers(site: str | None, origin: str | None) -> dict[str, str]:
    given = {"sec-fetch-site": site, "origin": origin}
    return {name: value for name, value in given.items() if value is not None}


def _post(browser: Browser, path: str, site: str | None, origin: str | None, *, accept: str = "*/*") -> httpx.Response:
    """As any site's form can make it: the cookies go along, the two headers are the browser's own."""
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {**_headers(site, origin), **FORM, "accept": accept, "cookie": cookie}
    response: httpx.Response = browser.client.request(
        "POST", path, content=b"kind=code", headers=headers, follow_redirects=False
    )
    return response


@pytest.mark.parametrize(("site", "origin"), ALLOWED)
def test_takes_a_request_from_here(org: Organisation, ada: Browser, site: str | None, origin: str | None) -> None:
    assert _post(ada, "/security-info/default-second-factor", site, origin).status_code == 303
    assert len(org.events("person:second-factor:choose")) == 1


@pytest.mark.parametrize(("site", "origin"), REFUSED)
def test_refuses_a_request_from_elsewhere(
    org: Organisation, ada: Browser, site: str | None, origin: str | None
) -> None:
    answer = _post(ada, "/security-info/default-second-factor", site, origin)
    problem_of(answer, 403, "cross_site_request")
    assert {event.result for event in org.events("person:second-factor:choose")} == {"refused"}
    assert ada.get("/security-info").status_code == 200


@pytest.mark.parametrize(
    ("path", "verb"), [(path, verb) for path, faces in ROUTES.items() for verb in faces if verb != "GET"]
)
def test_refuses_every_write_from_elsewhere(org: Organisation, ada: Browser, path: str, verb: str) -> None:
    known = {"method_id": org.method("code").id, "session_id": org.sessions()[0].id}
    address = re.sub(r"\{(\w+)\}", lambda part: known.get(part[1], "x"), path)
    before = (org.methods(), org.sessions(), org.person(), dict(ada.cookies))
    answer = ada.request(verb, address, json={}, headers={"sec-fetch-site": "cross-site", "origin": EVIL})
    recorded_problem(ada, answer, 403, "cross_site_request")
    assert (org.methods(), org.sessions(), org.person(), dict(ada.cookies)) == before


@pytest.mark.parametrize("path", ["/nowhere", "/static/js/server.js"])
def test_refuses_a_write_from_elsewhere_to_no_route(ada: Browser, path: str) -> None:
    assert _post(ada, path, "cross-site", EVIL).status_code in (403, 405)


def test_tells_a_person_on_a_page(ada: Browser) -> None:
    page = _post(ada, "/sign-out", "cross-site", EVIL, accept="text/html")
    assert (page.status_code, says(page, "cross_site_request")) == (403, True)
    assert ada.get("/security-info").status_code == 200


def test_a_link_from_elsewhere_may_be_followed(ada: Browser) -> None:
    page = ada.request("GET", "/security-info", headers={"sec-fetch-site": "cross-site"})
    assert page.status_code == 200
