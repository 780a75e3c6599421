"""*Add an account > Work or school account*, in Chromium, against a real `ostiary serve`; up to the deleted passkey."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.authenticator.app.people import Person
from tests.authenticator.app.web.running import PIN, RunningApp
from tests.browser.live_server import LiveServer

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path_factory.mktemp("server"))
    live.start()
    yield live
    live.stop()


def test_work_account_is_added_and_its_passkey_deleted_at_both_ends(
    page: Page, app: RunningApp, server: LiveServer
) -> None:
    person = Person(server.url, server.add_person("Grace").username)
    page.goto(app.service.start_url() or "")
    page.get_by_role("link", name="Add an account").first.click()
    page.get_by_role("link", name="Work or school account").click()
    page.get_by_label("Your organisation's sign-in address").fill(server.url)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Waiting for you in the browser.")).to_be_visible()
    sign_in_page = page.get_by_role("link", name="Open the sign-in page").get_attribute("href")
    assert sign_in_page is not None
    person.allow(sign_in_page)

    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Save a new passkey?")).to_be_visible()
    expect(dialog.get_by_text(person.username)).to_be_visible()
    expect(dialog.get_by_label("Authenticator PIN")).to_be_focused()
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading", name="Approved")).to_be_visible()
    dialog.get_by_role("link", name="Done").click()

    expect(page).to_have_url(re.compile("/accounts/[^/]+$"))
    steps = page.get_by_role("listitem").filter(has=page.locator(".progress-mark"))
    for name in ("Passkey", "Approvals", "One-time codes"):
        expect(steps.filter(has_text=name)).to_contain_text(". Done")

    page.get_by_role("link", name=person.username).click()
    page.get_by_role("link", name="Delete this passkey").first.click()
    expect(page.get_by_text("Your organisation is told to forget it too, under Security info.")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Your organisation has forgotten it too")).to_be_visible()
    assert app.service.passkeys() == ()
