"""Closed unless a route says otherwise."""

from collections import defaultdict

import pytest

from ostiary.web.application import ROUTES
from ostiary.web.endpoint import Access
from tests.organisation import Browser, Organisation
from tests.server.reading import problem_of, says

OPEN = {
    "/",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/authenticator/extension",
    "/authenticator/extension/ostiary.crx",
    "/authenticator/extension/policy.json",
    "/authenticator/extension/update.xml",
    "/branding/{key}.css",
    "/branding/{key}/logo",
    "/ceremonies/reports",
    "/healthz",
    "/help/{code}",
    "/language",
    "/metrics",
    "/mysecurityinfo",
    "/not-me/{token}",
    "/oauth2/v2.0/authorize",
    "/oauth2/v2.0/authorize/{request}",
    "/oauth2/v2.0/keys",
    "/oauth2/v2.0/revoke",
    "/oauth2/v2.0/token",
    "/readyz",
    "/sign-in",
    "/sign-in/approval",
    "/sign-in/approval/continue",
    "/sign-in/approval/events",
    "/sign-in/code",
    "/sign-in/method",
    "/sign-in/new-password",
    "/sign-in/temporary-access-pass",
    "/sign-in/options",
    "/sign-in/passkey",
    "/sign-in/passkey/options",
    "/sign-in/password",
    "/sign-in/restart",
    "/sign-out",
}
CLOSED = [
    (path, verb) for path, faces in ROUTES.items() for verb, face in faces.items() if face.access is not Access.ANYONE
]


def test_nothing_else_is_open_to_anyone() -> None:
    """What is added here lets everybody in: each of these was thought about."""
    assert {path for path in ROUTES if any(face.access is Access.ANYONE for face in ROUTES[path].values())} == OPEN
    assert len(CLOSED) >= 20


@pytest.mark.parametrize(("path", "verb"), CLOSED)
def test_refuses_whoever_is_not_signed_in(org: Organisation, path: str, verb: str) -> None:
    method_id = org.method("code").id
    parts = {"method_id": method_id, "person_id": org.person().id, "number": "1"}
    address, browser = path.format_map(defaultdict(lambda: "x", parts)), org.browser()
    back = "/admin" if path.startswith("/admin") else "/security-info"
    program = browser.request(verb, address, headers={"accept": "*/*"}, json=None if verb == "GET" else {})
    problem = problem_of(program, 401, "sign_in_required")
    assert problem["next_path"].startswith(f"/sign-in?next={back}")
    person = browser.request(verb, address, headers={"accept": "text/html"}, form=None if verb == "GET" else {})
    assert person.status_code == 303
    assert person.headers["location"].startswith(f"/sign-in?next={back}")
    assert org.method("code").id == method_id


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/sign-in/", "/SIGN-IN", "/security-info/methods", "/.env", "/static", "/%2e%2e/", "/é"],
)
def test_refuses_a_path_there_is_not(ada: Browser, path: str) -> None:
    page = ada.get(path)
    assert (page.status_code, says(page, "page_unknown")) == (404, True)
    problem_of(ada.request("GET", path, headers={"accept": "application/json"}), 404, "page_unknown")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../application.py",
        "/static/%2e%2e/application.py",
        "/static/..%2fapplication.py",
        "/static/%00",
        "/static/css",
    ],
)
def test_refuses_a_file_that_is_not_for_browsers(ada: Browser, path: str) -> None:
    assert ada.get(path).status_code == 404


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_refuses_a_verb_there_is_not(ada: Browser, verb: str) -> None:
    answer = ada.request(verb, "/sign-in")
    problem_of(answer, 405, "verb_not_allowed")
    assert answer.headers["allow"] == "GET, POST"


def test_refuses_to_show_what_only_programs_send(ada: Browser) -> None:
    page = ada.get("/security-info/passkeys/options")
    assert (page.status_code, says(page, "verb_not_allowed")) == (405, True)


def test_asking_for_the_head_is_asking_for_the_page(ada: Browser) -> None:
    assert ada.request("HEAD", "/security-info").status_code == 200


def test_refuses_an_address_with_too_much_in_it(ada: Browser) -> None:
    page = ada.get("/sign-in?" + "a=1&" * 60)
    assert (page.status_code, says(page, "request_invalid")) == (400, True)


# --- operations


def test_health_and_readiness(org: Organisation) -> None:
    browser = org.browser()
    assert browser.get("/healthz").text == "ok\n"
    assert browser.get("/readyz").json() == {"ready": True}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_metrics_are_for_this_machine(org: Organisation, ada: Browser, address: str) -> None:
    text = org.browser(address).get("/metrics").text
    assert 'ostiary_sign_ins_total{method="code"} 1.0' in text
    assert "contoso" not in text


@pytest.mark.parametrize("address", ["198.51.100.7", "2001:db8::1", ""])
def test_refuses_metrics_to_anybody_else(org: Organisation, address: str) -> None:
    assert org.browser(address).get("/metrics").status_code == 404
