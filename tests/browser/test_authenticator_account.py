"""The quickest way to a passkey: a work account added in the app, which sets up all that the organisation allows."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from .authenticator_app import (
    AuthenticatorApp,
    add_account,
    choose_pin,
    enter_pin,
    is_set_up,
    opened,
    running_app,
    save_passkey,
)
from .extension import chromium_with_extension, wait_until_attached
from .live_server import LiveServer, Visitor
from .test_journey import SECURITY_INFO, row, sign_out


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthenticatorApp]:
    with running_app(tmp_path_factory.mktemp("authenticator") / "data") as app:
        yield app


@pytest.fixture(scope="module")
def chromium(browser: Browser, app: AuthenticatorApp) -> Iterator[BrowserContext]:
    with chromium_with_extension(browser, app.data.parent / "home", app.data) as context:
        yield context


@pytest.fixture
def tab(chromium: BrowserContext, app: AuthenticatorApp) -> Iterator[Page]:
    """The app, ready: a new one has asked for its PIN."""
    tab = app.open(chromium)
    if tab.get_by_role("heading", name="Choose a PIN").is_visible():
        choose_pin(tab)
    yield tab
    chromium.clear_cookies()
    for page in chromium.pages[1:]:
        page.close()


def test_an_account_is_set_up_signs_in_by_its_passkey_and_is_deleted_at_both_ends(
    chromium: BrowserContext, tab: Page, server: LiveServer, ada: Visitor
) -> None:
    page = add_account(chromium, tab, server, ada)
    expect(page.get_by_role("heading", name="Go back to the Authenticator")).to_be_visible()
    save_passkey(tab)
    is_set_up(tab)
    assert Axe().run(tab).violations_count == 0

    # what was set up stands under Security info, by the names that this computer has
    page.goto(f"{server.url}/security-info")
    expect(page.get_by_text("You can sign in with 1 passkey.")).to_be_visible()
    assert "Ostiary Authenticator On one device only added today" in row(page, "On one device only")
    methods = page.get_by_role("region", name="Sign-in methods").get_by_role("listitem")
    expect(methods).to_have_count(5)  # password and code from before; passkey, approvals and codes of the app

    # and the passkey signs in
    sign_out(page, server)
    page.goto(f"{server.url}/sign-in")
    wait_until_attached(page)
    prompt = opened(chromium, page.get_by_role("button", name="Sign in with a passkey").click)
    expect(prompt.get_by_text(ada.username)).to_be_visible()
    enter_pin(prompt)
    prompt.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(SECURITY_INFO)

    # deleted in the app, it is gone from Security info, and its session with it
    tab.get_by_role("link", name="Accounts").first.click()
    tab.get_by_role("link", name="On this computer only").click()
    tab.get_by_role("link", name="Delete this passkey").first.click()
    expect(tab.get_by_text("Your organisation is told to forget it too")).to_be_visible()
    tab.get_by_role("button", name="Delete").click()
    expect(tab.get_by_text("Your organisation has forgotten it too: it is gone from Security info.")).to_be_visible()
    page.goto(f"{server.url}/security-info")
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()

    # a new one takes its place whenever she likes
    tab.get_by_role("link", name="Done").click()
    tab.get_by_role("link", name="Contoso").click()
    tab.get_by_role("button", name="Set up what is missing").click()
    save_passkey(tab)
    is_set_up(tab)


def test_an_account_whose_owner_says_no_is_not_added(
    chromium: BrowserContext, tab: Page, server: LiveServer, ada: Visitor
) -> None:
    page = add_account(chromium, tab, server, ada, decision="Cancel")
    expect(page.get_by_role("heading", name="Go back to the Authenticator")).to_be_visible()
    expect(tab.get_by_role("heading", name="No account was added")).to_be_visible()


def test_a_declined_passkey_can_be_set_up_later(
    chromium: BrowserContext, tab: Page, server: LiveServer, ada: Visitor
) -> None:
    """Approvals and codes are set up all the same, and a button makes good what is missing."""
    add_account(chromium, tab, server, ada)
    sheet = tab.get_by_role("dialog")
    sheet.get_by_role("button", name="Decline").click()
    sheet.get_by_role("link", name="Done").click()
    expect(tab.get_by_text("You declined. Nothing was changed.")).to_be_visible()
    tab.get_by_role("button", name="Set up what is missing").click()
    save_passkey(tab)
    is_set_up(tab)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://login.contoso.example", "Passkeys are only set up over a safe connection."),
        ("http://localhost:9", "The server cannot be reached."),
    ],
    ids=["not_safe", "nobody_there"],
)
def test_a_wrong_address_is_told_under_its_field(tab: Page, address: str, words: str) -> None:
    tab.get_by_role("link", name="Add an account").first.click()
    tab.get_by_role("link", name="Work or school account").click()
    tab.get_by_label("Your organisation's sign-in address").fill(address)
    tab.get_by_role("button", name="Continue").click()
    expect(tab.get_by_role("alert")).to_contain_text(words)
    expect(tab.get_by_label("Your organisation's sign-in address")).to_have_value(address)
