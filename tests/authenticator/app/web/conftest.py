from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, expect

from tests.authenticator.app.web.running import Reader, RunningApp
from tests.browser.chromium import ARGUMENTS, CHROMIUM, WITHIN


@pytest.fixture
def app() -> Iterator[RunningApp]:
    with RunningApp() as app:
        yield app


@pytest.fixture
def new_app() -> Iterator[RunningApp]:
    """Nobody has chosen a PIN yet."""
    with RunningApp(pin=None) as app:
        yield app


@pytest.fixture
def reader(app: RunningApp) -> Iterator[Reader]:
    with app.client() as client:
        yield Reader(app, client)


@pytest.fixture
def new_reader(new_app: RunningApp) -> Iterator[Reader]:
    with new_app.client() as client:
        yield Reader(new_app, client)


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    expect.set_options(timeout=WITHIN)
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
    yield browser
    browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB", viewport={"width": 400, "height": 780})
    context.set_default_timeout(WITHIN)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page in which an error nobody caught, or a refused script or style, fails the test."""
    page = context.new_page()
    uncaught: list[str] = []

    def note(error: Error) -> None:
        uncaught.append(str(error))

    page.on("pageerror", note)
    page.on("console", lambda one: uncaught.append(one.text) if "Content Security Policy" in one.text else None)
    yield page
    assert uncaught == []
