"""A real browser on the app's own pages: the camera that sees a code, the stages, the question, the end."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno
from playwright.sync_api import Page, Playwright, expect

from ostiary.hybrid.client import QrOffer
from ostiary.hybrid.device import HybridDevice
from ostiary.hybrid.tunnel.client import Places
from tests.authenticator.app.conftest import until
from tests.authenticator.app.web.running import PIN, RunningApp
from tests.authenticator.app.web.test_codes import picture
from tests.browser.chromium import ARGUMENTS, CHROMIUM, WITHIN
from tests.hybrid.bluez import FakeBluez

from .conftest import DOMAIN, Computer, keep_account, register

pytestmark = pytest.mark.browser
WIDTH, HEIGHT = 640, 480
ELSEWHERE = "Remote desktop"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """What the browser's camera sees. Nothing, so far."""
    path = tmp_path / "camera.y4m"
    shoot(path, b"\xff" * WIDTH * HEIGHT)
    return path


def shoot(path: Path, grey: bytes) -> None:
    """YUV4MPEG2, two frames, without colours."""
    frame = b"FRAME\n" + grey + b"\x80" * (WIDTH * HEIGHT // 2)
    path.write_bytes(b"YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n" % (WIDTH, HEIGHT) + 2 * frame)


def shoot_code(path: Path, text: str) -> None:
    pixels, width, height = picture(text)
    assert width <= WIDTH and height <= HEIGHT
    rows = [pixels[y * width : (y + 1) * width].ljust(WIDTH, b"\xff") for y in range(height)]
    shoot(path, b"".join(rows).ljust(WIDTH * HEIGHT, b"\xff"))


@pytest.fixture
def running(places: Places) -> Iterator[RunningApp]:
    with RunningApp() as running:
        running.service.nearby._places = places
        keep_account(running.keys, tunnel_domain=DOMAIN)
        yield running


@pytest.fixture
def page(film: Path, playwright: Playwright) -> Iterator[Page]:
    arguments = [
        *ARGUMENTS,
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
        f"--auto-select-tab-capture-source-by-title={ELSEWHERE}",  # the choice a person makes in the browser's dialog
    ]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    context = browser.new_context(locale="en-GB", viewport={"width": 400, "height": 780})
    context.set_default_timeout(WITHIN)
    expect.set_options(timeout=WITHIN)
    page = context.new_page()
    uncaught: list[str] = []
    page.on("pageerror", lambda error: uncaught.append(str(error)))
    page.on("console", lambda one: uncaught.append(one.text) if "Policy" in one.text else None)
    yield page
    browser.close()
    assert uncaught == []


def test_the_camera_sees_the_code(
    running: RunningApp, page: Page, film: Path, bluez: FakeBluez, places: Places
) -> None:
    page.context.grant_permissions(["camera"], origin=running.origin)
    page.goto(f"{running.origin}/?token={running.start_token}")
    page.get_by_role("link", name="Scan a QR code").click()

    def show(text: str) -> None:
        shoot_code(film, text)
        page.get_by_role("button", name="Use the camera").click()
        expect(page.get_by_role("heading", name="Answering another computer")).to_be_visible()

    device = HybridDevice.by_qr(show, places=places)
    computer = Computer(lambda: register(device))
    dialog = page.get_by_role("dialog", name="A question for you")
    expect(dialog.get_by_text("Another computer nearby asks for this")).to_be_visible()
    dialog.get_by_label("Authenticator PIN").fill(PIN)
    dialog.get_by_role("button", name="Save passkey").click()
    assert not isinstance(until(lambda: computer.answers)[0], Exception)
    device.close()
    dialog.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", name="The passkey is saved here")).to_be_visible()


def test_another_code_is_said_and_looking_goes_on(
    running: RunningApp, page: Page, film: Path, bluez: FakeBluez
) -> None:
    page.context.grant_permissions(["camera"], origin=running.origin)
    page.goto(f"{running.origin}/?token={running.start_token}")
    page.get_by_role("link", name="Scan a QR code").click()
    shoot_code(film, QrOffer.new(made_at=1).text)
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is too old.")
    expect(page.get_by_label("What the Authenticator sees")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_label("What the Authenticator sees")).to_be_hidden()
    assert running.service.nearby.view() is None


def test_looks_at_the_screen(running: RunningApp, page: Page, bluez: FakeBluez) -> None:
    """Where the other computer is a window of this one."""
    code = segno.make(QrOffer.new(made_at=int(time.time())).text, micro=False).svg_data_uri(scale=5, border=4)
    elsewhere = page.context.new_page()
    elsewhere.set_content(f"<title>{ELSEWHERE}</title><img src='{code}'>")
    page.goto(f"{running.origin}/?token={running.start_token}")
    page.get_by_role("link", name="Scan a QR code").click()
    page.get_by_role("button", name="Look at the screen").click()
    expect(page.get_by_role("heading", name="Answering another computer")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("This was cancelled.")


def test_without_leave_to_look_the_page_says_what_else_there_is(running: RunningApp, page: Page) -> None:
    page.goto(f"{running.origin}/?token={running.start_token}")
    page.get_by_role("link", name="Scan a QR code").click()
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert")).to_contain_text("paste the code instead")


def test_a_link_with_a_code_in_it_comes_to_nothing(running: RunningApp, page: Page) -> None:
    """Neither as an address of the app's nor as one that the system hands on."""
    page.goto(f"{running.origin}/?token={running.start_token}")
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    text = QrOffer.new(made_at=1).text
    page.goto(f"{page.url.removesuffix('/accounts')}/nearby/scan?text={text}")
    expect(page.get_by_label("Or paste the code's text")).to_have_value("")
    assert running.service.nearby.view() is None
