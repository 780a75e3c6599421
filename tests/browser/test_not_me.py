"""From a passkey somebody added to the mail in the owner's hands, the link, and the press that takes it back."""

import re
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.smtp_sink import Sink, open_sink

from .chromium import WITHIN, VirtualAuthenticator
from .live_server import LiveServer
from .test_journey import add_passkey, sign_in

ARRIVES_WITHIN = 10.0


@pytest.fixture
def sink() -> Iterator[Sink]:
    with open_sink() as sink:
        yield sink


@pytest.fixture
def mailing_server(tmp_path: Path, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveServer]:
    """`ostiary serve --demo` that has a mail server."""
    monkeypatch.setenv("OSTIARY_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("OSTIARY_SMTP_PORT", str(sink.port))
    monkeypatch.setenv("OSTIARY_SMTP_SECURITY", "none")
    server = LiveServer(tmp_path)
    server.start()
    yield server
    server.stop()


def arrived(sink: Sink, recipient: str, subject: str) -> EmailMessage:
    deadline = time.monotonic() + ARRIVES_WITHIN
    while time.monotonic() < deadline:
        for message in sink.to(recipient):
            if subject in message["Subject"]:
                return message
        time.sleep(0.05)
    raise AssertionError([message["Subject"] for message in sink.messages])


def link_in(message: EmailMessage) -> str:
    plain = message.get_body(("plain",))
    assert plain is not None
    found = re.search(r"http://localhost:\d+/not-me/\S+", plain.get_content())
    assert found
    return found[0]


def test_an_owner_takes_back_what_somebody_else_added(
    browser: Browser, page: Page, mailing_server: LiveServer, sink: Sink
) -> None:
    ada = mailing_server.add_person("Ada Lovelace")
    VirtualAuthenticator.plug_in(page)
    sign_in(page, mailing_server, ada)
    add_passkey(page, name="Somebody's laptop")
    link = link_in(arrived(sink, ada.username, "A passkey was added"))

    elsewhere = browser.new_context(locale="en-GB", viewport={"width": 360, "height": 740})
    elsewhere.set_default_timeout(WITHIN)
    owner = elsewhere.new_page()
    owner.goto(link)
    expect(owner.get_by_role("heading", name="Was this not you?")).to_be_visible()
    expect(owner.get_by_text(ada.username)).to_be_visible()
    assert Axe().run(owner).response["violations"] == []
    owner.keyboard.press("Tab")
    owner.get_by_role("button", name="This wasn't me").click()
    expect(owner.get_by_role("heading", name="Your account is protected")).to_be_visible()
    assert Axe().run(owner).response["violations"] == []

    page.goto(f"{mailing_server.url}/security-info")
    expect(page).to_have_url(re.compile("/sign-in"))  # whoever it was, is out
    alert = arrived(sink, "admin@contoso.example", "this wasn't me")
    plain = alert.get_body(("plain",))
    assert plain is not None and ada.username in plain.get_content()

    owner.goto(link)
    expect(owner.get_by_role("heading", name="This link was used already")).to_be_visible()
    elsewhere.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_mail_itself_can_be_read(browser: Browser, mailing_server: LiveServer, sink: Sink, scheme: str) -> None:
    ada = mailing_server.add_person("Ada Lovelace")
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(WITHIN)
    sign_in(context.new_page(), mailing_server, ada)
    html = arrived(sink, ada.username, "A new browser").get_body(("html",))
    assert html is not None
    reader = browser.new_page(color_scheme=scheme, viewport={"width": 320, "height": 740})  # type: ignore[arg-type]
    requests: list[str] = []
    reader.on("request", lambda request: requests.append(request.url))
    reader.set_content(html.get_content())
    assert Axe().run(reader).response["violations"] == []
    assert not reader.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert requests == []
    reader.close()
    context.close()
