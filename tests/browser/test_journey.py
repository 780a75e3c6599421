"""What a person does, from first sign-in to a passkey that signs in alone, against the real server."""

import re

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from .chromium import WITHIN, VirtualAuthenticator
from .live_server import PASSWORD, LiveServer, Visitor

SECURITY_INFO = re.compile(r"/security-info(\?.*)?$")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def sign_in(page: Page, server: LiveServer, person: Visitor) -> None:
    """By username, password and code."""
    page.goto(f"{server.url}/security-info")
    page.get_by_label("Username").fill(person.username)
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Code", exact=True).fill(person.code())
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(SECURITY_INFO)


def add_passkey(page: Page, *, choice: str = "This device", name: str | None = None) -> None:
    """From Security info to the page that says it is ready."""
    page.get_by_role("link", name="Add sign-in method").first.click()
    page.get_by_role("link", name=choice).click()
    page.get_by_role("button", name="Create passkey").click()
    expect(page.get_by_role("heading", name="Your passkey is saved")).to_be_visible()
    if name is not None:
        page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Save name").click()
    expect(page.get_by_role("heading", name="Your passkey is ready")).to_be_visible()


def sign_out(page: Page, server: LiveServer) -> None:
    page.goto(f"{server.url}/sign-out")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()


def row(page: Page, name: str) -> str:
    return page.get_by_role("listitem").filter(has_text=name).first.inner_text()


@pytest.mark.parametrize("device", [{}, PHONE], ids=["desktop", "phone"])
def test_from_password_to_a_passkey_that_signs_in_by_itself(
    browser: Browser, server: LiveServer, ada: Visitor, device: dict[str, object]
) -> None:
    context = browser.new_context(locale="en-GB", **device)  # type: ignore[arg-type]
    context.set_default_timeout(WITHIN)
    page = context.new_page()
    authenticator = VirtualAuthenticator.plug_in(page)
    sign_in(page, server, ada)
    expect(page.get_by_text("You have no passkey yet.")).to_be_visible()
    add_passkey(page, name="Büro 🌍")
    page.get_by_role("button", name="Try it now").click()
    expect(page.get_by_role("heading", name="It works")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    assert "On one device only" in row(page, "Büro 🌍")
    assert "last used today, Chrome on Linux" in row(page, "Büro 🌍")
    assert len(authenticator.credentials()) == 1

    sign_out(page, server)
    # the username field's autofill offers the passkey, and taking it is all there is to do
    expect(page).to_have_url(SECURITY_INFO)
    expect(page.get_by_text("You signed in.").first).to_be_visible()
    context.close()


def test_signs_in_by_sign_in_options_without_a_username(
    page: Page, server: LiveServer, ada: Visitor, virtual_authenticator: VirtualAuthenticator
) -> None:
    sign_in(page, server, ada)
    add_passkey(page)
    virtual_authenticator.set_present(False)  # nobody takes the autofill's offer
    sign_out(page, server)
    page.get_by_role("link", name="Sign-in options").click()
    virtual_authenticator.set_present(True)
    page.get_by_role("button", name="Face, fingerprint, PIN or security key").click()
    expect(page).to_have_url(SECURITY_INFO)


def test_signs_in_with_a_passkey_after_the_username(
    page: Page, server: LiveServer, ada: Visitor, virtual_authenticator: VirtualAuthenticator
) -> None:
    sign_in(page, server, ada)
    add_passkey(page)
    virtual_authenticator.set_present(False)
    sign_out(page, server)
    page.get_by_label("Username").fill(ada.username)
    page.get_by_role("button", name="Next").click()
    # this browser has signed in as her before, so the passkey is offered first
    virtual_authenticator.set_present(True)
    page.get_by_role("main").locator("[data-passkey-sign-in]").first.click()
    expect(page).to_have_url(SECURITY_INFO)


def test_a_passkey_that_exists_already_is_good_news(
    page: Page, server: LiveServer, ada: Visitor, virtual_authenticator: VirtualAuthenticator
) -> None:
    sign_in(page, server, ada)
    add_passkey(page)
    page.get_by_role("link", name="Add another").click()
    page.get_by_role("link", name="This device").click()
    page.get_by_role("button", name="Create passkey").click()
    expect(page.get_by_role("heading", name="You already have a passkey here")).to_be_visible()
    page.get_by_role("button", name="Try it now").click()
    expect(page.get_by_text("Your passkey works.")).to_be_visible()
    assert len(virtual_authenticator.credentials()) == 1


def test_a_security_key_and_a_synced_passkey_say_what_they_are(page: Page, server: LiveServer, ada: Visitor) -> None:
    VirtualAuthenticator.plug_in(page, transport="usb")
    sign_in(page, server, ada)
    add_passkey(page, choice="Security key")
    expect(page.get_by_text(re.compile(r"Security key, \w+ \d{4}"))).to_be_visible()
    page.goto(f"{server.url}/security-info")
    assert "On this security key only" in row(page, "Security key, ")

    VirtualAuthenticator.plug_in(page, defaultBackupEligibility=True, defaultBackupState=True)
    add_passkey(page, name="Cloud")
    page.goto(f"{server.url}/security-info")
    assert "Synced" in row(page, "Cloud")


def test_refuses_a_passkey_without_user_verification(
    page: Page, server: LiveServer, ada: Visitor, virtual_authenticator: VirtualAuthenticator
) -> None:
    sign_in(page, server, ada)
    add_passkey(page)
    virtual_authenticator.set_present(False)
    sign_out(page, server)
    page.get_by_role("link", name="Sign-in options").click()
    virtual_authenticator.set_present(True)
    virtual_authenticator.cdp.send(
        "WebAuthn.setResponseOverrideBits", {"authenticatorId": virtual_authenticator.id, "isBadUV": True}
    )
    page.get_by_role("button", name="Face, fingerprint, PIN or security key").click()
    problem = page.locator("[data-problem]")
    expect(problem).to_contain_text("did not check your PIN, fingerprint or face")
    reference = problem.locator("[data-reference]").inner_text()
    page.goto(f"{server.url}/help/{re.findall(r'P-[0-9A-Z-]+', reference)[0]}")
    expect(page.get_by_text("did not check your PIN, fingerprint or face")).to_be_visible()


def test_deleting_tells_the_device_to_forget_its_copy(
    page: Page, server: LiveServer, ada: Visitor, virtual_authenticator: VirtualAuthenticator
) -> None:
    sign_in(page, server, ada)
    add_passkey(page, name="Old laptop")
    page.goto(f"{server.url}/security-info")
    page.get_by_role("group", name="More for Old laptop").or_(page.get_by_label("More for Old laptop")).first.click()
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_text("The copy on the device stays.")).to_be_visible()
    page.get_by_role("button", name="Delete passkey").click()
    expect(page.get_by_text("The sign-in method is deleted.")).to_be_visible()
    expect(page.get_by_text("You have no passkey yet.")).to_be_visible()
    for _ in range(20):
        if not virtual_authenticator.credentials():
            break
        page.wait_for_timeout(50)
    assert virtual_authenticator.credentials() == []


def test_whoever_has_only_a_password_is_led_to_a_second_factor_first(
    page: Page, server: LiveServer, virtual_authenticator: VirtualAuthenticator
) -> None:
    person = server.add_person("Grace Hopper", with_code=False)
    page.goto(f"{server.url}/security-info")
    page.get_by_label("Username").fill(person.username)
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(SECURITY_INFO)
    page.get_by_role("link", name="Add sign-in method").first.click()
    expect(page.get_by_role("link", name="This device")).to_have_count(0)
    expect(page.get_by_text("needs a second way to prove").first).to_be_visible()

    page.get_by_role("link", name="Code from an authenticator app").click()
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Type the six digits the app shows now").fill(pyotp.TOTP(secret).now())
    page.get_by_role("main").get_by_role("button").last.click()
    expect(page.get_by_text("Your authenticator app is set up.")).to_be_visible()
    add_passkey(page, name="First passkey")
    page.goto(f"{server.url}/security-info")
    assert "On one device only" in row(page, "First passkey")


def test_a_sign_in_is_taken_up_again_after_the_server_restarted(page: Page, server: LiveServer, ada: Visitor) -> None:
    page.goto(f"{server.url}/security-info/add")
    page.get_by_label("Username").fill(ada.username)
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_label("Code", exact=True)).to_be_visible()
    server.stop()
    server.start()
    page.get_by_label("Code", exact=True).fill(ada.code())
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{server.url}/security-info/add")


def test_signs_in_and_renames_without_any_script(browser: Browser, server: LiveServer, ada: Visitor) -> None:
    context = browser.new_context(locale="en-GB", java_script_enabled=False)
    context.set_default_timeout(WITHIN)
    page = context.new_page()
    sign_in(page, server, ada)
    page.locator("summary").first.click()
    page.get_by_role("link", name="Rename").click()
    page.get_by_label("Name").fill("Phone app")
    page.get_by_role("main").get_by_role("button").last.click()
    expect(page.get_by_text("The name is saved.")).to_be_visible()
    assert "Phone app" in page.get_by_role("main").inner_text()
    context.close()


def test_the_whole_journey_by_keyboard_alone(
    page: Page, server: LiveServer, ada: Visitor, virtual_authenticator: VirtualAuthenticator
) -> None:
    def press_until(name: str, most: int = 40) -> None:
        """Tabs until the element of that name has the focus, then presses Enter."""
        for _ in range(most):
            page.keyboard.press("Tab")
            focused = page.evaluate(  # between the last element and the first it is the body, with all the page's words
                "() => document.activeElement === document.body ? '' : document.activeElement?.innerText?.trim() ?? ''"
            )
            if name in focused:
                page.keyboard.press("Enter")
                return
        raise AssertionError(f"{name} cannot be reached with the Tab key")

    page.goto(f"{server.url}/security-info")
    page.keyboard.type(ada.username)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    page.keyboard.type(ada.code())
    page.keyboard.press("Enter")
    expect(page).to_have_url(SECURITY_INFO)
    press_until("Add sign-in method")
    expect(page).to_have_url(re.compile("/security-info/add$"))
    press_until("This device")
    expect(page).to_have_url(re.compile("provider=this_device"))
    press_until("Create passkey")
    expect(page.get_by_label("Name")).to_be_focused()
    page.wait_for_function("() => document.activeElement.selectionEnd > document.activeElement.selectionStart")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your passkey is ready")).to_be_visible()
    assert len(virtual_authenticator.credentials()) == 1


@pytest.mark.parametrize("look", ["light", "dark", "rtl"])
def test_axe_finds_nothing_on_the_live_pages(browser: Browser, server: LiveServer, ada: Visitor, look: str) -> None:
    context = browser.new_context(locale="en-GB", color_scheme="dark" if look == "dark" else "light")
    context.set_default_timeout(WITHIN)
    page = context.new_page()
    VirtualAuthenticator.plug_in(page)
    sign_in(page, server, ada)
    if look == "rtl":
        page.get_by_role("button", name="العربية").click()
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
    faults = {}
    paths = ["", "/add", "/add/passkey?provider=phone_or_tablet", "/add/code", "/password"]
    for path in [f"/security-info{path}" for path in paths] + ["/sign-out", "/help/code_wrong", "/nowhere"]:
        page.goto(f"{server.url}{path}")
        violations = Axe().run(page).response["violations"]
        if violations:
            faults[path] = [(one["id"], one["nodes"][0]["html"]) for one in violations]
    context.close()
    assert faults == {}
