"""What a person does with the Authenticator in an ordinary browser: the real server, the real app, our extension."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from ostiary.authenticator.app.agent_client import AgentClient

from .extension import chromium_with_extension, wait_until_attached
from .live_server import LiveServer, Visitor
from .test_journey import SECURITY_INFO, row, sign_in, sign_out

PIN = "483920"
APP_WITHIN = 20.0


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running app, nobody's yet; its data directory."""
    data = tmp_path_factory.mktemp("authenticator") / "data"
    data.mkdir(mode=0o700)
    command = [sys.executable, "-P", "-m", "ostiary", "authenticator", "--data", str(data), "--no-browser"]
    with (data / "app.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + APP_WITHIN
        while not (data / "agent.sock").exists():
            assert process.poll() is None, (data / "app.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield data
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def chromium(browser: Browser, app: Path) -> Iterator[BrowserContext]:
    with chromium_with_extension(browser, app.parent / "home", app) as context:
        yield context


@pytest.fixture
def page(chromium: BrowserContext, server: LiveServer) -> Iterator[Page]:
    page = chromium.new_page()
    page.goto(f"{server.url}/sign-in")
    wait_until_attached(page)
    yield page
    chromium.clear_cookies()
    for one in chromium.pages[1:]:
        one.close()


def window(chromium: BrowserContext, act: Callable[[], None]) -> Page:
    """The one that opens over the page."""
    with chromium.expect_page() as opened:
        act()
    return opened.value


def ask_for_passkey(chromium: BrowserContext, page: Page, choice: str = "This device") -> Page:
    page.get_by_role("link", name="Add sign-in method").first.click()
    page.get_by_role("link", name=choice).click()
    return window(chromium, page.get_by_role("button", name="Create passkey").click)


def answer(chromium: BrowserContext, prompt: Page, button: str) -> None:
    """With the PIN, choosing one first where there is none yet."""
    choose = prompt.get_by_label("Choose an Authenticator PIN")
    pin = prompt.get_by_label("Authenticator PIN", exact=True)
    expect(choose.or_(pin)).to_be_visible()
    if choose.is_visible():
        choose.fill(PIN)
        prompt.get_by_label("The same PIN again").fill(PIN)
        prompt = window(chromium, prompt.get_by_role("button", name="Set PIN").click)
    prompt.get_by_label("Authenticator PIN", exact=True).fill(PIN)
    prompt.get_by_role("button", name=button).click()


def test_from_security_info_to_signing_in_by_a_passkey_in_the_app(
    chromium: BrowserContext, page: Page, server: LiveServer, ada: Visitor, app: Path
) -> None:
    sign_in(page, server, ada)
    prompt = ask_for_passkey(chromium, page)
    answer(chromium, prompt, "Save passkey")
    expect(page.get_by_role("heading", name="Your passkey is saved")).to_be_visible()
    page.goto(f"{server.url}/security-info")
    assert "On one device only" in row(page, "Ostiary Authenticator")  # by its AAGUID, which was not taken away

    sign_out(page, server)
    page.goto(f"{server.url}/sign-in")
    # browsers with a proxy have no autofill: the button stands there instead
    button = page.get_by_role("button", name="Sign in with a passkey")
    expect(button).to_be_visible()
    prompt = window(chromium, button.click)
    expect(prompt.get_by_text("Chromium on this computer")).to_be_visible()
    expect(prompt.get_by_text(ada.username)).to_be_visible()
    assert Axe().run(prompt).violations_count == 0
    answer(chromium, prompt, "Sign in")
    expect(page).to_have_url(SECURITY_INFO)
    assert [other.url for other in chromium.pages[1:]] == [page.url]  # the question has gone

    # a second one for the same account
    prompt = ask_for_passkey(chromium, page)
    expect(prompt.get_by_role("heading", name="This passkey is here already")).to_be_visible()
    answer(chromium, prompt, "Confirm")
    expect(page.get_by_role("heading", name="You already have a passkey here")).to_be_visible()

    # deleted in the app: the next try says so, to the person
    with AgentClient(app / "agent.sock") as agent:
        (kept,) = agent.call("passkeys")
        agent.call("passkeys.delete", {"id": kept["id"]})
    sign_out(page, server)
    page.goto(f"{server.url}/sign-in")
    shown = window(chromium, page.get_by_role("button", name="Sign in with a passkey").click)
    expect(shown.get_by_role("heading", name="No passkey here")).to_be_visible()
    shown.get_by_role("button", name="Close").click()
    expect(page.locator("[data-problem]")).to_be_visible()


def test_a_declined_question_leaves_nothing_behind(
    chromium: BrowserContext, page: Page, server: LiveServer, ada: Visitor, app: Path
) -> None:
    sign_in(page, server, ada)
    prompt = ask_for_passkey(chromium, page)
    prompt.get_by_role("button", name="Decline").click()
    expect(page.locator("[data-problem]")).to_be_visible()
    with AgentClient(app / "agent.sock") as agent:
        assert agent.call("passkeys") == []


def test_a_security_key_is_left_to_the_browser(
    chromium: BrowserContext, page: Page, server: LiveServer, ada: Visitor
) -> None:
    sign_in(page, server, ada)
    shown = ask_for_passkey(chromium, page, "Security key")
    expect(shown.get_by_role("heading", name="A security key or a phone is wanted")).to_be_visible()
    shown.get_by_role("button", name="Close").click()
    expect(page.locator("[data-problem]")).to_be_visible()
