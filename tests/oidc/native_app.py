"""An application of a test, as RFC 8252 has it: what `ostiary authenticator` does, with a browser beside it."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2 as httpx
from sqlalchemy import func, select

from ostiary.passkeys.base64url import encode
from ostiary.storage.database import Query, Transaction
from ostiary.storage.tables import oauth_grants
from tests.organisation import Browser, Organisation

CLIENT = "ostiary-authenticator"
REDIRECT = "http://127.0.0.1:53117/signed-in"
SCOPE = "openid profile offline_access UserAuthenticationMethod.ReadWrite"
AUTHORIZE = "/oauth2/v2.0/authorize"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class NativeApp:
    """One sign-in of it: its verifier, state and nonce, and then its tokens."""

    org: Organisation
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    redirect_uri: str = REDIRECT
    tokens: dict[str, Any] = field(default_factory=dict)

    # --- through the browser

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """Of the authorization request; None leaves one out."""
        sent: dict[str, str | None] = {
            "client_id": CLIENT,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": SCOPE,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": encode(hashlib.sha256(self.verifier.encode()).digest()),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in sent.items() if value is not None}

    def address(self, **changes: str | None) -> str:
        return f"{AUTHORIZE}?{urlencode(self.parameters(**changes))}"

    def open(self, browser: Browser, **changes: str | None) -> httpx.Response:
        return browser.get(self.address(**changes))

    def ask(self, browser: Browser, **changes: str | None) -> str:
        """Where the browser that is signed in is asked."""
        response = self.open(browser, **changes)
        assert response.status_code == 303, response.text
        return response.headers["location"]

    def agree(self, browser: Browser, **changes: str | None) -> str:
        """The code."""
        answer = answer_of(decide(browser, self.ask(browser, **changes)))
        assert answer["state"] == self.state
        return answer["code"]

    # --- by itself

    def send(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        response: httpx.Response = self.org.client.post(path, content=urlencode(form).encode(), headers=FORM | headers)
        return response

    def redeem(self, code: str, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "client_id": CLIENT,
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **changes,
        }
        return self.send("/oauth2/v2.0/token", form)

    def refresh(self, token: str | None = None, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "refresh_token",
            "client_id": CLIENT,
            "refresh_token": token or self.tokens["refresh_token"],
            **changes,
        }
        return self.send("/oauth2/v2.0/token", form)

    def sign_in(self, browser: Browser, **changes: str | None) -> "NativeApp":
        response = self.redeem(self.agree(browser, **changes))
        assert response.status_code == 200, response.text
        self.tokens = response.json()
        return self

    def call(
        self, verb: str, path: str, json: object = None, *, token: str | None = None, **headers: str
    ) -> httpx.Response:
        """The API, as this app."""
        sent = {"authorization": f"Bearer {token or self.tokens['access_token']}", **headers}
        body: dict[str, Any] = {} if json is None else {"json": json}
        response: httpx.Response = self.org.client.request(verb, path, headers=sent, **body)
        return response

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.call("GET", path, **headers)


def decide(browser: Browser, page: str, decision: str = "continue") -> httpx.Response:
    """Looks at the page, and presses a button."""
    account = re.search(r'name="account" value="([^"]+)"', browser.get(page).text)
    assert account
    return browser.post(page, {"decision": decision, "account": account[1]})


def answer_of(response: httpx.Response, redirect_uri: str = REDIRECT) -> dict[str, str]:
    """What the browser brings back to the application."""
    assert response.status_code == 303, response.text
    location = response.headers["location"]
    assert location.startswith(f"{redirect_uri}?"), location
    return dict(parse_qsl(urlsplit(location).query))


def count_grants(tx: Transaction) -> int:
    row = tx.one(Query(select(func.count()).select_from(oauth_grants)))
    assert row is not None
    return int(row[0])
