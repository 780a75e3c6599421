"""Approving a sign-in in the app itself: its pages in one browser, the sign-in in another, the server between them."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from typer.testing import CliRunner

from ostiary.cli.main import app as command_line

from .authenticator_app import (
    AuthenticatorApp,
    add_account,
    choose_pin,
    enter_pin,
    is_set_up,
    running_app,
    save_passkey,
)
from .chromium import WITHIN
from .live_server import PASSWORD, LiveServer, Visitor
from .test_journey import SECURITY_INFO

AT_ONCE = 1_000
RECONNECTED_WITHIN = 20_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Of its own: it is stopped, and its policy changed."""
    server = LiveServer(tmp_path_factory.mktemp("live"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthenticatorApp]:
    with running_app(tmp_path_factory.mktemp("authenticator") / "data") as app:
        yield app


@pytest.fixture(scope="module")
def own(browser: Browser) -> Iterator[BrowserContext]:
    """The browser of who has the Authenticator."""
    context = browser.new_context(locale="en-GB", viewport={"width": 390, "height": 760})
    context.set_default_timeout(WITHIN)
    yield context
    context.close()


@pytest.fixture(scope="module")
def lin(own: BrowserContext, app: AuthenticatorApp, server: LiveServer) -> Visitor:
    """Whose account is in the app."""
    lin = server.add_person("Lin Clark")
    tab = app.open(own)
    choose_pin(tab)
    set_up(own, tab, server, lin)
    tab.close()
    return lin


@pytest.fixture
def tab(own: BrowserContext, app: AuthenticatorApp, lin: Visitor) -> Iterator[Page]:
    tab = app.open(own)
    yield tab
    tab.close()


def set_up(own: BrowserContext, tab: Page, server: LiveServer, person: Visitor) -> None:
    page = add_account(own, tab, server, person)
    save_passkey(tab)
    is_set_up(tab)
    page.close()
    own.clear_cookies(domain="localhost")


@contextmanager
def signing_in(browser: Browser, server: LiveServer, person: Visitor) -> Iterator[Page]:
    """Elsewhere, by password, as far as the number."""
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(WITHIN)
    page = context.new_page()
    page.goto(f"{server.url}/security-info")
    page.get_by_label("Username").fill(person.username)
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    ask_for_approval(page)
    yield page
    context.close()


def ask_for_approval(page: Page) -> None:
    asked = page.get_by_role("heading", name="Approve in your Authenticator")
    expect(asked.or_(page.get_by_role("heading", name="Enter the code"))).to_be_visible()
    if not asked.is_visible():
        page.get_by_text("Use another way").click()
        page.get_by_role("button", name="Approve in your Ostiary Authenticator").click()
    expect(asked).to_be_visible()


def number_on(page: Page) -> str:
    return page.locator("output.number").inner_text()


def question(tab: Page) -> Locator:
    sheet = tab.get_by_role("dialog")
    expect(sheet.get_by_role("heading", name="Is this you signing in?")).to_be_visible()
    return sheet


def approve(sheet: Locator, number: str) -> None:
    sheet.get_by_label("Type the number the sign-in page shows").fill(number)
    enter_pin(sheet)
    sheet.get_by_role("button", name="Approve", exact=True).click()


def test_the_app_says_who_asks_and_the_page_goes_on_within_a_second(
    browser: Browser, server: LiveServer, lin: Visitor, tab: Page
) -> None:
    with signing_in(browser, server, lin) as page:
        sheet = question(tab)
        for words in (lin.username, "Contoso", "127.0.0.1", "Chrome on Linux"):
            expect(sheet.get_by_text(words, exact=True).first).to_be_visible()
        number = number_on(page)
        assert number not in re.findall(r"\d+", sheet.inner_text())  # it is not known here
        approve(sheet, number)
        began = time.monotonic()
        expect(page).to_have_url(SECURITY_INFO, timeout=AT_ONCE)
        assert time.monotonic() - began < 1
        expect(sheet.get_by_role("heading", name="Approved")).to_be_visible()


def test_declined(browser: Browser, server: LiveServer, lin: Visitor, tab: Page) -> None:
    with signing_in(browser, server, lin) as page:
        question(tab).get_by_role("button", name="Decline").click()
        expect(page.get_by_role("alert")).to_contain_text("was declined in the Authenticator")
        expect(tab.get_by_role("dialog").get_by_role("heading", name="Declined")).to_be_visible()


def test_a_wrong_number_ends_it_and_another_request_is_approved(
    browser: Browser, server: LiveServer, lin: Visitor, tab: Page
) -> None:
    with signing_in(browser, server, lin) as page:
        approve(question(tab), "10" if number_on(page) != "10" else "11")
        expect(tab.get_by_role("dialog")).to_contain_text("That is not the number on the sign-in page.")
        tab.get_by_role("dialog").get_by_role("link", name="Done").click()
        expect(page.get_by_role("alert")).to_contain_text("was not the one shown here")
        page.get_by_role("button", name="Send a request to my Authenticator").click()
        approve(question(tab), number_on(page))
        expect(page).to_have_url(SECURITY_INFO)


def test_a_request_outlives_a_restart_of_the_server(
    browser: Browser, server: LiveServer, lin: Visitor, tab: Page
) -> None:
    with signing_in(browser, server, lin) as page:
        number = number_on(page)
        question(tab)
        server.stop()
        expect(tab.get_by_role("dialog")).to_be_hidden()  # nobody would hear the answer
        server.start()
        expect(tab.get_by_role("dialog")).to_be_visible(timeout=RECONNECTED_WITHIN)
        approve(question(tab), number)
        expect(page).to_have_url(SECURITY_INFO)


def test_a_request_outlives_a_restart_of_the_app(
    browser: Browser, server: LiveServer, lin: Visitor, own: BrowserContext, app: AuthenticatorApp
) -> None:
    """Started again, it is locked, and hears of the request once it is unlocked."""
    with signing_in(browser, server, lin) as page:
        app.stop()
        app.start()
        tab = app.open(own)
        enter_pin(tab)
        tab.get_by_role("button", name="Unlock").click()
        approve(question(tab), number_on(page))
        expect(page).to_have_url(SECURITY_INFO)
        tab.close()


def test_without_a_password_where_policy_has_it(browser: Browser, server: LiveServer, lin: Visitor, tab: Page) -> None:
    with approvals_without_password(server):
        context = browser.new_context(locale="en-GB")
        page = context.new_page()
        page.goto(f"{server.url}/security-info")
        page.get_by_label("Username").fill(lin.username)
        page.get_by_role("button", name="Next").click()
        if page.get_by_text("Use another way").is_visible():
            page.get_by_text("Use another way").click()
        page.get_by_role("button", name="Approve in your Ostiary Authenticator").click()
        sheet = question(tab)
        expect(sheet.get_by_text("No password was asked for: this answer alone lets them in.")).to_be_visible()
        approve(sheet, number_on(page))
        expect(page).to_have_url(SECURITY_INFO)
        context.close()


def test_reported_is_told_and_ends_the_requests(browser: Browser, server: LiveServer, lin: Visitor, tab: Page) -> None:
    """The last one: from then on nothing is asked from here, for a day."""
    with signing_in(browser, server, lin) as page:
        question(tab).get_by_role("button", name="It wasn't me").click()
        reported = tab.get_by_role("dialog")
        expect(reported.get_by_role("heading", name="Reported")).to_be_visible()
        expect(reported).to_contain_text("Change your password now")
        page.goto(f"{server.url}/security-info")
        expect(page.get_by_label("Username")).to_be_visible()
    events = admin(server, "audit", "list", "--user", lin.username, "--json")
    assert "person:approval:report" in events


@contextmanager
def approvals_without_password(server: LiveServer) -> Iterator[None]:
    file = server.data / "policy.json"
    before = admin(server, "policy", "show")
    policy = json.loads(before)
    policy["authenticator"]["is_passwordless_allowed"] = True
    for content in (json.dumps(policy), before):
        file.write_text(content)
        admin(server, "policy", "set", str(file), "--yes")
        if content != before:
            yield


def admin(server: LiveServer, *arguments: str) -> str:
    result = CliRunner().invoke(command_line, ["admin", *arguments, "--data", str(server.data)])
    assert result.exit_code == 0, result.output
    return result.stdout
