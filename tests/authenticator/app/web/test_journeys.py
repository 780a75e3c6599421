"""What people do, in a real Chromium: with the keyboard alone, by the page's scripts and without them."""

import re

import pytest
import segno
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from ostiary.authenticator.ports import Outcome, Purpose
from tests.authenticator.app.web.running import NUMBER, PIN, RunningApp
from tests.browser.chromium import WITHIN

pytestmark = pytest.mark.browser

LINK = "otpauth://totp/Contoso:ada?secret=JBSWY3DPEHPK3PXP&issuer=Contoso"


def enter(page: Page, app: RunningApp) -> None:
    link = app.service.start_url()
    assert link is not None
    page.goto(link)


def assert_accessible(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_first_pin_by_keyboard(page: Page, new_app: RunningApp) -> None:
    enter(page, new_app)
    expect(page.get_by_role("heading", name="Choose a PIN")).to_be_visible()
    expect(page.get_by_label("New Authenticator PIN")).to_be_focused()
    page.keyboard.type("1234")
    expect(page.get_by_text("Fair. Two more make it much harder to guess.")).to_be_visible()
    page.keyboard.press("Control+A")
    page.keyboard.type(PIN)
    expect(page.get_by_text("Strong", exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type("sesame-43")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The two PINs are not the same.")).to_be_visible()
    expect(page.get_by_label("The same PIN again")).to_be_focused()
    page.get_by_label("New Authenticator PIN").focus()
    page.keyboard.type(PIN)
    page.keyboard.press("Tab")
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    assert_accessible(page)


def test_question_over_the_app_is_answered_by_keyboard(page: Page, app: RunningApp) -> None:
    enter(page, app)
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    asked = app.ask()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Authenticator PIN")).to_be_focused()
    assert_accessible(page)
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("7 tries left")).to_be_visible()
    expect(dialog.get_by_label("Authenticator PIN")).to_be_focused()
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading", name="Approved")).to_be_focused()
    assert asked.decision().is_verified
    assert_accessible(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()


def test_question_that_ends_elsewhere_goes_away(page: Page, app: RunningApp) -> None:
    enter(page, app)
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    asked = app.ask()
    expect(page.get_by_role("dialog")).to_be_visible()
    asked.cancel()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_question_put_aside_waits_in_the_list(page: Page, app: RunningApp) -> None:
    enter(page, app)
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    asked = app.ask()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("link", name="A question waits for you").click()
    page.get_by_label("Authenticator PIN").fill(PIN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    assert asked.decision().is_verified


def test_window_of_its_own_by_keyboard(page: Page, app: RunningApp) -> None:
    page.set_viewport_size({"width": 400, "height": 660})
    asked = app.ask(Purpose.SIGN_IN, "ada@contoso.example", "admin@contoso.example")
    link = app.service.prompt_url(asked.view.id)
    assert link is not None
    page.goto(link)
    expect(page).to_have_url(re.compile(r"/prompt/[^?]+$"))
    expect(page.get_by_label("Authenticator PIN")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="admin@contoso.example")).to_be_checked()
    assert_accessible(page)
    page.keyboard.press("Tab")
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()
    expect(page.get_by_text("You can close this window.")).to_be_visible()
    decision = asked.decision()
    assert decision.outcome is Outcome.APPROVED and decision.choice == 1


def test_window_opened_by_another_site(page: Page, app: RunningApp) -> None:
    """As a link of a website would: the cookie is SameSite=Strict, and the page comes all the same."""
    asked = app.ask()
    link = app.service.prompt_url(asked.view.id)
    page.route(
        "http://contoso.test/", lambda route: route.fulfill(body=f'<a href="{link}">go</a>', content_type="text/html")
    )
    page.goto("http://contoso.test/")
    page.get_by_role("link").click()
    expect(page.get_by_text("login.contoso.example")).to_be_visible()
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_role("heading", name="Declined")).to_be_visible()
    assert asked.decision().outcome is Outcome.DECLINED


def test_window_says_when_the_question_is_over(page: Page, app: RunningApp) -> None:
    asked = app.ask()
    link = app.service.prompt_url(asked.view.id)
    assert link is not None
    page.goto(link)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    asked.cancel()
    expect(page.get_by_role("heading", name="This question is over")).to_be_visible()


def test_everything_works_without_scripts(browser: Browser, app: RunningApp) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    enter(page, app)
    page.get_by_role("button", name="Lock").click()
    page.get_by_label("Authenticator PIN").fill(PIN)
    page.get_by_role("button", name="Unlock").click()
    page.get_by_role("link", name="Codes").click()
    page.get_by_role("link", name="Add a code").first.click()
    page.get_by_label("Or paste the code's text").fill(LINK)
    page.get_by_role("button", name="Add").first.click()
    expect(page.get_by_role("listitem").filter(has_text="Contoso")).to_contain_text(re.compile(r"\d{3} \d{3}"))
    asked = app.ask()
    page.goto(app.service.prompt_url(asked.view.id) or "")
    page.get_by_label("Authenticator PIN").fill(PIN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()
    assert asked.decision().is_verified
    context.close()


def test_codes_are_added_copied_and_deleted(page: Page, app: RunningApp) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    enter(page, app)
    page.get_by_role("link", name="Codes").click()
    page.get_by_role("link", name="Add a code").first.click()
    page.get_by_label("Or paste the code's text").fill(LINK)
    page.keyboard.press("Enter")
    digits = page.get_by_role("button", name=re.compile("Copy the code"))
    expect(digits).to_be_visible()
    assert_accessible(page)
    digits.click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_attached()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied in {code.code for code in app.service.codes()} or len(copied) == 6
    page.get_by_role("link", name="Delete the code of Contoso").click()
    assert_accessible(page)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No codes yet")).to_be_visible()


def test_code_from_a_chosen_picture(page: Page, app: RunningApp, tmp_path: object) -> None:
    enter(page, app)
    page.goto(page.url.replace("/accounts", "/codes/add"))
    picture = f"{tmp_path}/code.png"
    segno.make(LINK, micro=False).save(picture, scale=5, border=4)
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.get_by_role("button", name=re.compile("Copy the code"))).to_be_visible()


def test_picture_without_a_code_says_what_to_do(page: Page, app: RunningApp) -> None:
    enter(page, app)
    page.goto(page.url.replace("/accounts", "/codes/add"))
    page.locator("input[type=file]").set_input_files(
        {"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    expect(page.get_by_role("alert").filter(has_text="This is not a picture that can be read.")).to_be_focused()


def test_passkey_is_deleted_by_keyboard(page: Page, app: RunningApp) -> None:
    app.add_passkey()
    enter(page, app)
    page.get_by_role("link", name="ada@contoso.example").press("Enter")
    assert_accessible(page)
    page.get_by_role("link", name="Delete this passkey").first.press("Enter")
    expect(page.get_by_role("heading", name="Delete this passkey?")).to_be_visible()
    page.get_by_role("button", name="Delete").press("Enter")
    expect(page.get_by_role("heading", name="Deleted from this computer")).to_be_visible()
    assert_accessible(page)
    assert app.service.passkeys() == ()


def test_list_changes_by_itself_and_keeps_focus(page: Page, app: RunningApp) -> None:
    app.add_passkey()
    enter(page, app)
    link = page.get_by_role("link", name="ada@contoso.example")
    link.focus()
    asked = app.ask()
    expect(page.get_by_role("dialog")).to_be_visible()
    app.add_passkey("git.fabrikam.example", "ada.lovelace")
    asked.cancel()
    expect(page.get_by_text("git.fabrikam.example")).to_be_visible()
    expect(link).to_be_focused()


def test_locks_while_somebody_looks(page: Page, app: RunningApp) -> None:
    enter(page, app)
    page.get_by_role("link", name="Codes").click()
    expect(page.get_by_text("No codes yet")).to_be_visible()
    app.service.lock()
    expect(page.get_by_role("heading", name="Unlock")).to_be_visible()
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    expect(page.get_by_text("No codes yet")).to_be_visible()


def test_approval_over_the_app(page: Page, app: RunningApp) -> None:
    enter(page, app)
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    app.service.begin_approval()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Type the number the sign-in page shows")).to_be_focused()
    assert_accessible(page)
    page.keyboard.type(NUMBER)
    page.keyboard.press("Tab")
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading", name="Approved")).to_be_focused()


def test_approval_put_aside_waits_in_the_list(page: Page, app: RunningApp) -> None:
    enter(page, app)
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    app.service.begin_approval()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("link", name="Is this you signing in?").click()
    page.get_by_role("button", name="It wasn't me").click()
    expect(page.get_by_role("heading", name="Reported")).to_be_visible()


def test_says_when_the_authenticator_is_gone(page: Page) -> None:
    with RunningApp() as app:
        enter(page, app)
        expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="The Authenticator is not running")).to_be_visible(
        timeout=2 * WITHIN
    )
    assert_accessible(page)


def test_large_text_and_forced_colours(browser: Browser, app: RunningApp) -> None:
    """200 % zoom of a 640 px window is 320 px wide."""
    context = browser.new_context(viewport={"width": 320, "height": 400}, forced_colors="active", locale="en-GB")
    page = context.new_page()
    enter(page, app)
    for tab in ("Codes", "Settings", "Accounts"):
        page.get_by_role("link", name=tab, exact=True).click()
        expect(page.get_by_role("heading", name=tab, level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()
