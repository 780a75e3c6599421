"""`ostiary authenticator` in a process of its own, and the person who sits before it."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Page, expect

from ostiary.authenticator.app.agent import SOCKET
from ostiary.authenticator.app.agent_client import AgentClient

from .live_server import PASSWORD, LiveServer, Visitor

PIN = "483920"
APP_WITHIN = 20.0
SET_UP_WITHIN = 15_000
"""Milliseconds: three things are asked of the server, and made."""


class AuthenticatorApp:
    def __init__(self, data: Path) -> None:
        self.data = data
        data.mkdir(mode=0o700, parents=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-P", "-m", "ostiary", "authenticator", "--data", str(self.data), "--no-browser"]
        with (self.data / "app.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + APP_WITHIN
        while not (self.data / SOCKET).exists():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(10) == 0, self.log()
            self._process = None

    def log(self) -> str:
        return (self.data / "app.log").read_text()

    def agent(self) -> AgentClient:
        return AgentClient(self.data / SOCKET)

    def open(self, context: BrowserContext) -> Page:
        """A tab of `context` with the app in it, as starting it again would open one."""
        with self.agent() as agent:
            link = agent.call("open")["url"]
        page = context.new_page()
        page.goto(link)
        return page


@contextmanager
def running_app(data: Path) -> Iterator[AuthenticatorApp]:
    app = AuthenticatorApp(data)
    app.start()
    try:
        yield app
    finally:
        app.stop()


def opened(context: BrowserContext, act: Callable[[], None]) -> Page:
    """The tab or window that `act` opens."""
    with context.expect_page() as page:
        act()
    return page.value


def choose_pin(tab: Page) -> None:
    """The first thing a new Authenticator asks."""
    expect(tab.get_by_role("heading", name="Choose a PIN")).to_be_visible()
    tab.get_by_label("New Authenticator PIN").fill(PIN)
    tab.get_by_label("The same PIN again").fill(PIN)
    tab.get_by_role("button", name="Set PIN").click()
    expect(tab.get_by_role("heading", name="Accounts")).to_be_visible()


def enter_pin(page: Page | Locator) -> None:
    page.get_by_label("Authenticator PIN", exact=True).fill(PIN)


def agree(page: Page, person: Visitor, decision: str = "Continue") -> None:
    """On the tab that the app opened: password and code, unless just proven, then what the app may do."""
    username, password = page.get_by_label("Username"), page.get_by_label("Password", exact=True)
    question = page.get_by_text(f"Ostiary Authenticator wants to set up sign-in for {person.username}")
    expect(username.or_(password).or_(question).first).to_be_visible()
    if username.is_visible():
        username.fill(person.username)
        page.get_by_role("button", name="Next").click()
    if not question.is_visible():
        password.fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_label("Code", exact=True).fill(person.code())
        page.get_by_role("button", name="Sign in", exact=True).click()
    expect(question).to_be_visible()
    page.get_by_role("button", name=decision).click()


def add_account(
    context: BrowserContext, tab: Page, server: LiveServer, person: Visitor, decision: str = "Continue"
) -> Page:
    """`+ > Work or school account`, in the app's tab, up to the question about the passkey. Returns the other tab."""
    tab.get_by_role("link", name="Add an account").first.click()
    tab.get_by_role("link", name="Work or school account").click()
    tab.get_by_label("Your organisation's sign-in address").fill(server.url)
    tab.get_by_role("button", name="Continue").click()
    expect(tab.get_by_role("heading", name="Sign in in your browser")).to_be_visible()
    page = opened(context, tab.get_by_role("link", name="Open the sign-in page").click)
    agree(page, person, decision)
    return page


def save_passkey(tab: Page) -> None:
    sheet = tab.get_by_role("dialog")
    expect(sheet.get_by_role("heading", name="Save a new passkey?")).to_be_visible(timeout=SET_UP_WITHIN)
    enter_pin(sheet)
    sheet.get_by_role("button", name="Save passkey").click()
    sheet.get_by_role("link", name="Done").click()


def is_set_up(tab: Page) -> None:
    """Passkey, approvals and codes: done, each by itself."""
    steps = tab.get_by_role("region", name="What is set up").get_by_role("listitem")
    expect(steps.filter(has_text=re.compile("Done"))).to_have_count(3, timeout=SET_UP_WITHIN)
    expect(tab.get_by_text("Approvals: Connected")).to_be_visible(timeout=SET_UP_WITHIN)
