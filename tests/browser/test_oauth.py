"""An app signs in through a real browser: the loopback redirect arrives in spite of the Content-Security-Policy."""

import hashlib
import json
import secrets
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from ostiary.passkeys.base64url import encode

from .live_server import PASSWORD, LiveServer, Visitor


class Loopback:
    """The app's own listener, on a port the system chose."""

    def __init__(self) -> None:
        self.answers: list[dict[str, str]] = []
        answers = self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/signed-in":
                    answers.append({name: values[0] for name, values in parse_qs(parts.query).items()})
                self.send_response(200)
                self.send_header("content-type", "text/plain")
                self.end_headers()
                self.wfile.write(b"Back in the app.")

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.redirect_uri = f"http://127.0.0.1:{self._server.server_port}/signed-in"

    def __enter__(self) -> "Loopback":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    with Loopback() as listener:
        yield listener


def address(server: LiveServer, loopback: Loopback, verifier: str, **more: str) -> str:
    parameters = {
        "client_id": "ostiary-authenticator",
        "response_type": "code",
        "redirect_uri": loopback.redirect_uri,
        "scope": "openid profile offline_access UserAuthenticationMethod.ReadWrite",
        "state": "a state & more",
        "code_challenge": encode(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
        **more,
    }
    return f"{server.url}/oauth2/v2.0/authorize?{urlencode(parameters)}"


def come_to_the_question(page: Page, person: Visitor) -> None:
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Code", exact=True).fill(person.code())
    page.get_by_role("button", name="Sign in", exact=True).click()
    question = f"Ostiary Authenticator wants to set up sign-in for {person.username} on this computer"
    expect(page.get_by_text(question)).to_be_visible()


def test_an_app_signs_in_from_the_browser_to_its_tokens(
    page: Page, server: LiveServer, ada: Visitor, loopback: Loopback
) -> None:
    verifier = secrets.token_urlsafe(48)
    page.goto(address(server, loopback, verifier, login_hint=ada.username))
    come_to_the_question(page, ada)
    assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Back in the app.")).to_be_visible()
    answer = loopback.answers[0]
    assert (answer["state"], answer["iss"]) == ("a state & more", server.url)
    tokens = _post(
        f"{server.url}/oauth2/v2.0/token",
        {
            "grant_type": "authorization_code",
            "client_id": "ostiary-authenticator",
            "code": answer["code"],
            "redirect_uri": loopback.redirect_uri,
            "code_verifier": verifier,
        },
    )
    me = urllib.request.Request(f"{server.url}/v1.0/me")
    me.add_header("authorization", f"Bearer {tokens['access_token']}")
    with urllib.request.urlopen(me, timeout=5) as response:
        assert json.load(response)["userPrincipalName"] == ada.username


def test_a_person_who_says_no_is_led_back_too(page: Page, server: LiveServer, ada: Visitor, loopback: Loopback) -> None:
    page.goto(address(server, loopback, secrets.token_urlsafe(48), login_hint=ada.username))
    come_to_the_question(page, ada)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Back in the app.")).to_be_visible()
    assert loopback.answers[0]["error"] == "access_denied"
    assert "code" not in loopback.answers[0]


def test_the_page_leads_to_no_other_listener(page: Page, server: LiveServer, ada: Visitor, loopback: Loopback) -> None:
    """What makes the first test pass is the policy of that page: a form to another port is stopped."""
    page.goto(address(server, loopback, secrets.token_urlsafe(48), login_hint=ada.username))
    come_to_the_question(page, ada)
    with Loopback() as other:
        page.evaluate(
            """(there) => {
                const form = document.createElement("form");
                form.method = "post"; form.action = there;
                document.body.append(form); form.submit();
            }""",
            other.redirect_uri,
        )
        page.wait_for_timeout(300)
        assert other.answers == []
    assert urlsplit(page.url).path.startswith("/oauth2/v2.0/authorize/")


def test_under_the_policy_of_other_pages_the_browser_would_stop(
    page: Page, server: LiveServer, ada: Visitor, loopback: Loopback
) -> None:
    """So it is that page's own `form-action` that lets the redirect through."""

    def as_other_pages(route: Route) -> None:
        if route.request.method != "GET":
            route.continue_()
            return
        response = route.fetch()
        policy = response.headers["content-security-policy"]
        origin = loopback.redirect_uri.removesuffix("/signed-in")
        assert f"form-action 'self' {origin};" in policy
        route.fulfill(
            response=response,
            headers={**response.headers, "content-security-policy": policy.replace(f" {origin}", "")},
        )

    page.goto(address(server, loopback, secrets.token_urlsafe(48), login_hint=ada.username))
    come_to_the_question(page, ada)
    page.route("**/oauth2/v2.0/authorize/*", as_other_pages)
    page.reload()  # what follows a redirect is not routed
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_timeout(300)
    assert loopback.answers == []


def _post(url: str, form: dict[str, str]) -> dict[str, Any]:
    request = urllib.request.Request(url, data=urlencode(form).encode())
    with urllib.request.urlopen(request, timeout=5) as response:
        found: dict[str, Any] = json.load(response)
        return found
