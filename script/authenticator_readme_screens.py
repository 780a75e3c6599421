"""The README's pictures of the Authenticator: the real server, the real app and the real extension, in one journey.

    .venv/bin/python script/authenticator_readme_screens.py

Each picture is what stands on the screen together: the page, and over it the app's window.
"""

import sys
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright  # noqa: E402
from tests.browser.authenticator_app import (  # noqa: E402
    AuthenticatorApp,
    add_account,
    choose_pin,
    enter_pin,
    is_set_up,
    opened,
    running_app,
    save_passkey,
)
from tests.browser.chromium import ARGUMENTS, CHROMIUM  # noqa: E402
from tests.browser.extension import chromium_with_extension, wait_until_attached  # noqa: E402
from tests.browser.live_server import PASSWORD, LiveServer, Visitor  # noqa: E402
from tests.browser.test_journey import SECURITY_INFO, sign_out  # noqa: E402

TARGET: Final = ROOT / "docs" / "screens"
PHONE: Final[ViewportSize] = {"width": 390, "height": 720}
WINDOW: Final[ViewportSize] = {"width": 420, "height": 560}
PAGE: Final[ViewportSize] = {"width": 1000, "height": 640}
SETTLED: Final = 600
"""Milliseconds: sheets slide in."""

_SHEET: Final = """<!doctype html><meta charset="utf-8"><style>
  body {{ margin: 0; background: #eef1f3; font: 15px/1.4 "Inter", "DejaVu Sans", sans-serif; }}
  main {{ display: flex; gap: 28px; padding: 28px; align-items: flex-start; width: max-content; }}
  figure {{ margin: 0; position: relative; }}
  img {{ display: block; border-radius: 10px; box-shadow: 0 1px 2px #0003, 0 8px 28px #0002; }}
  .over {{ position: absolute; left: 68%; top: 44px; translate: -50%; box-shadow: 0 16px 48px #0006; }}
</style><main>{figures}</main>"""


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        here = Path(directory)
        (here / "server").mkdir()
        server = LiveServer(here / "server")
        server.start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            with running_app(here / "data") as app, chromium_with_extension(browser, here / "home", app.data) as own:
                photograph(browser, own, app, server)
        finally:
            browser.close()
            server.stop()


def photograph(browser: Browser, own: BrowserContext, app: AuthenticatorApp, server: LiveServer) -> None:
    ada = Visitor("ada@contoso.example", "Ada Lovelace")  # of the demo, as who tries it sees her
    tab = app.open(own)
    tab.set_viewport_size(PHONE)
    choose_pin(tab)
    page = add_account(own, tab, server, ada)
    tab.bring_to_front()
    expect(tab.get_by_role("dialog").get_by_role("heading", name="Save a new passkey?")).to_be_visible()
    asked = shot(tab)
    save_passkey(tab)
    is_set_up(tab)
    done = shot(tab)
    tab.get_by_role("link", name="Accounts").first.click()
    expect(tab.get_by_role("heading", name="Accounts")).to_be_visible()
    accounts = shot(tab)
    write(browser, "readme-authenticator", [asked], [done], [accounts])

    page.set_viewport_size(PAGE)
    page.goto(f"{server.url}/security-info")
    sign_out(page, server)
    page.goto(f"{server.url}/sign-in")
    wait_until_attached(page)
    page.bring_to_front()
    behind = shot(page)
    prompt = opened(own, page.get_by_role("button", name="Sign in with a passkey").click)
    prompt.set_viewport_size(WINDOW)
    expect(prompt.get_by_text(ada.username)).to_be_visible()
    over = shot(prompt)
    enter_pin(prompt)
    prompt.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(SECURITY_INFO)
    write(browser, "readme-authenticator-passkey", [behind, over])

    elsewhere = browser.new_context(locale="en-GB", viewport={"width": 760, "height": PHONE["height"]})
    other = elsewhere.new_page()
    other.goto(f"{server.url}/security-info")
    other.get_by_label("Username").fill(ada.username)
    other.get_by_role("button", name="Next").click()
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    other.get_by_role("button", name="Sign in", exact=True).click()
    other.get_by_text("Use another way").click()
    other.get_by_role("button", name="Approve in your Ostiary Authenticator").click()
    expect(other.locator("output.number")).to_be_visible()
    tab.bring_to_front()
    sheet = tab.get_by_role("dialog")
    sheet.get_by_label("Type the number").fill(other.locator("output.number").inner_text())
    write(browser, "readme-authenticator-approval", [shot(other)], [shot(tab)])
    elsewhere.close()


def shot(page: Page) -> bytes:
    page.mouse.move(0, 0)  # nothing is pointed at
    page.wait_for_timeout(SETTLED)
    return page.screenshot(animations="disabled", caret="hide")


def write(browser: Browser, name: str, *figures: list[bytes]) -> None:
    """Side by side; in a figure, one over the other."""
    drawn = "".join(
        f"<figure>{''.join(image(one, index) for index, one in enumerate(figure))}</figure>" for figure in figures
    )
    page = browser.new_page()
    page.set_content(_SHEET.format(figures=drawn))
    page.wait_for_timeout(SETTLED)
    picture = page.locator("main").screenshot()
    page.close()
    (TARGET / f"{name}.png").write_bytes(picture)
    print(f"docs/screens/{name}.png: {len(picture) // 1024} KiB")


def image(picture: bytes, index: int) -> str:
    kind = ' class="over"' if index else ""
    return f'<img{kind} alt="" src="data:image/png;base64,{b64encode(picture).decode()}">'


if __name__ == "__main__":
    main()
