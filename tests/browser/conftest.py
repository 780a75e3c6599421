from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, expect

from .chromium import ARGUMENTS, CHROMIUM, WITHIN, VirtualAuthenticator
from .live_server import LiveServer, Visitor
from .stub_server import StubServer

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for all; isolation comes from a context each."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"{CHROMIUM} is missing: these tests drive a real browser. Run `make test` or install chromium.")
    expect.set_options(timeout=WITHIN)
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
    yield browser
    browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(WITHIN)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page in which an error nobody caught fails the test."""
    page = context.new_page()
    uncaught: list[Error] = []
    page.on("pageerror", lambda error: uncaught.append(error))
    yield page
    assert [str(error) for error in uncaught] == []


@pytest.fixture
def virtual_authenticator(page: Page) -> VirtualAuthenticator:
    """This device's own authenticator: verifies its person and is touched at once, until told otherwise."""
    return VirtualAuthenticator.plug_in(page)


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with StubServer() as server:
        yield server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("live"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def ada(server: LiveServer) -> Visitor:
    return server.add_person("Ada Lovelace")
