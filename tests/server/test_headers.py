"""What every answer carries, and that no page needs more than the policy allows."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import httpx2 as httpx
import pytest

from tests.organisation import Browser, Organisation
from tests.software_authenticator import SoftwareAuthenticator

Visit = Callable[[Browser], httpx.Response]

ANSWERS: dict[str, Visit] = {
    "page": lambda browser: browser.get("/sign-in"),
    "page of a session": lambda browser: browser.get("/security-info"),
    "json": lambda browser: browser.send("/sign-in/passkey/options", {}),
    "problem": lambda browser: browser.send("/sign-in/passkey", {}),
    "error page": lambda browser: browser.get("/nowhere"),
    "redirect": lambda browser: browser.get("/"),
    "nothing": lambda browser: browser.request("HEAD", "/sign-in"),
    "wrong verb": lambda browser: browser.request("PUT", "/sign-in"),
    "static file": lambda browser: browser.get("/static/css/base.css"),
    "static file that is not there": lambda browser: browser.get("/static/nowhere.css"),
    "stylesheet": lambda browser: browser.get("/branding/contoso.example.css"),
    "no logo": lambda browser: browser.get("/branding/contoso.example/logo"),
    "help": lambda browser: browser.get("/help/code_wrong"),
    "health": lambda browser: browser.get("/healthz"),
    "too large": lambda browser: browser.request("POST", "/sign-in/passkey", content=b" " * 70_000),
}


@pytest.mark.parametrize("visit", ANSWERS.values(), ids=ANSWERS)
def test_every_answer_is_guarded(ada: Browser, visit: Visit) -> None:
    headers = visit(ada).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert (policy["frame-ancestors"], policy["base-uri"], policy["form-action"]) == ("'none'", "'none'", "'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert int(headers["strict-transport-security"].removeprefix("max-age=")) >= 31_536_000
    assert "server" not in headers


@pytest.mark.parametrize(
    "path", ["/sign-in", "/security-info", "/security-info/add/code", "/help/code_wrong", "/nowhere"]
)
def test_no_page_is_kept(ada: Browser, path: str) -> None:
    assert ada.get(path).headers["cache-control"] == "no-store"


def test_files_named_by_their_content_are_kept_for_good(ada: Browser) -> None:
    found = re.search(r"/static/css/base\.css\?v=\w+", ada.get("/security-info").text)
    assert found
    assert "immutable" in ada.get(found[0]).headers["cache-control"]
    assert ada.get("/static/css/base.css").headers["cache-control"] == "no-cache"


# --- nothing inline


class _Reader(HTMLParser):
    """What a page loads, and what it would do without asking the policy."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.loaded: list[str] = []
        self.followed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        for name, value in attrs:
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.inline.append(f"{tag} {name}")
            if name in ("href", "action", "src", "formaction") and (value or "").lower().startswith("javascript:"):
                self.inline.append(f"{tag} {name}={value}")
        if tag in ("style", "base", "iframe", "object", "embed"):
            self.inline.append(tag)
        if tag == "script" and "src" not in attributes and attributes.get("type") != "application/json":
            self.inline.append(tag)
        loaded = (
            attributes.get("src") if tag in ("script", "img") else attributes.get("href") if tag == "link" else None
        )
        if loaded:
            self.loaded.append(loaded)
        if tag == "a" and attributes.get("href"):
            self.followed.append(attributes["href"] or "")


def _pages(org: Organisation, browser: Browser) -> dict[str, httpx.Response]:
    """Every page a person can come to."""
    passkey, code = org.method("passkey").id, org.method("code").id
    paths = [
        "/security-info",
        "/security-info?done=renamed",
        "/security-info/add",
        "/security-info/add/passkey",
        "/security-info/add/passkey?provider=phone_or_tablet",
        "/security-info/add/passkey?provider=security_key",
        "/security-info/add/code",
        "/security-info/password",
        f"/security-info/methods/{passkey}/added",
        f"/security-info/methods/{passkey}/added?named=1",
        f"/security-info/methods/{passkey}/rename",
        f"/security-info/methods/{passkey}/delete",
        f"/security-info/methods/{code}/delete",
        "/sign-out",
        "/help/code_wrong",
        "/help/nonsense",
        "/nowhere",
    ]
    pages = {path: browser.get(path) for path in paths}
    pages["rename refused"] = browser.post(f"/security-info/methods/{passkey}/rename", {"name": ""})
    stranger = org.browser()
    for path in ("/sign-in", "/sign-in?done=signed_out", "/sign-in/options"):
        pages[path] = stranger.get(path)
    pages["username refused"] = stranger.type_username("a b")
    stranger.type_username()
    pages["password"] = stranger.get("/sign-in")
    pages["password refused"] = stranger.type_password("wrong-password-here")
    stranger.post("/sign-in/method", {"method": "passkey"})
    pages["passkey"] = stranger.get("/sign-in")
    stranger.type_password()
    stranger.post("/sign-in/method", {"method": "password"})
    stranger.type_password()
    pages["second step"] = stranger.get("/sign-in")
    return pages


def test_no_page_has_anything_inline_and_all_it_loads_is_there(
    org: Organisation, ada: Browser, laptop: SoftwareAuthenticator
) -> None:
    for name, page in _pages(org, ada).items():
        assert page.headers["content-type"] == "text/html; charset=utf-8", name
        reader = _Reader()
        reader.feed(page.text)
        assert reader.inline == [], name
        assert reader.loaded, name
        for path in reader.loaded:
            assert path.startswith(("/static/", "/branding/", "data:image/svg+xml")), (name, path)
            if path.startswith("/"):
                assert ada.get(path).status_code == 200, (name, path)
        for path in reader.followed:
            if path.startswith("/"):
                assert ada.get(path).status_code in (200, 303), (name, path)
