"""Approving a sign-in with a real browser, a real server that may start again, and a device on a real connection."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from websockets.sync.client import ClientConnection, connect

from ostiary.clock import system_clock
from ostiary.identity.authenticator_registration import register_authenticator
from ostiary.identity.caller import COMMAND_LINE
from ostiary.storage import people
from ostiary.storage.database import Database, sqlite_url
from tests.software_device import MODEL, PATH, SoftwareDevice

from .live_server import PASSWORD, LiveServer, Visitor
from .test_journey import SECURITY_INFO

AT_ONCE = 1000


@pytest.fixture
def lin(server: LiveServer) -> Visitor:
    return server.add_person("Lin Clark", with_code=False)


@pytest.fixture
def device(server: LiveServer, lin: Visitor) -> SoftwareDevice:
    device = SoftwareDevice(server.url)
    database = Database(sqlite_url(server.data / "ostiary.db"))
    with database.transaction() as tx:
        person = people.person_by_username(tx, lin.username)
        assert person is not None
        made = register_authenticator(
            tx,
            person,
            display_name="Laptop",
            device_key=device.jwk,
            model=MODEL,
            app_version="0.1.0",
            platform="Linux",
            caller=COMMAND_LINE,
            now=system_clock(),
        )
    database.close()
    device.id = made.method.id
    return device


@contextmanager
def connected(server: LiveServer, device: SoftwareDevice) -> Iterator[ClientConnection]:
    with connect(f"ws://localhost:{server.port}{PATH}", compression=None) as connection:
        connection.send(json.dumps(device.hello(received(connection))))
        assert received(connection) == {"type": "ready"}
        yield connection


def received(connection: ClientConnection) -> dict[str, Any]:
    message = json.loads(connection.recv(timeout=5))
    assert isinstance(message, dict)
    return message


def type_password(page: Page, server: LiveServer, lin: Visitor) -> str:
    """As far as the number."""
    page.goto(f"{server.url}/security-info")
    page.get_by_label("Username").fill(lin.username)
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    return number_on(page)


def number_on(page: Page) -> str:
    expect(page.get_by_role("heading", name="Approve in your Authenticator")).to_be_visible()
    return page.locator("output.number").inner_text()


def answer(connection: ClientConnection, device: SoftwareDevice, number: str | None, **more: Any) -> str:
    approval = received(connection)
    assert approval["type"] == "approval", approval
    connection.send(json.dumps(device.answer(approval, number, **more)))
    result = received(connection)["result"]
    assert isinstance(result, str)
    return result


def violations(page: Page) -> list[str]:
    return [one["id"] for one in Axe().run(page).response["violations"]]


def test_the_page_goes_on_within_a_second_of_the_approval(
    page: Page, server: LiveServer, lin: Visitor, device: SoftwareDevice
) -> None:
    with connected(server, device) as connection:
        number = type_password(page, server, lin)
        assert violations(page) == []
        assert answer(connection, device, number) == "approved"
        began = time.monotonic()
        expect(page).to_have_url(SECURITY_INFO, timeout=AT_ONCE)
        assert time.monotonic() - began < 1
    expect(page.get_by_text("Laptop", exact=True)).to_be_visible()


def test_a_wrong_number_then_another_request(
    page: Page, server: LiveServer, lin: Visitor, device: SoftwareDevice
) -> None:
    with connected(server, device) as connection:
        number = type_password(page, server, lin)
        assert answer(connection, device, "10" if number != "10" else "11") == "wrong_number"
        expect(page.get_by_role("alert")).to_contain_text("was not the one shown here")
        assert violations(page) == []
        page.get_by_role("button", name="Send a request to my Authenticator").click()
        assert answer(connection, device, number_on(page)) == "approved"
        expect(page).to_have_url(SECURITY_INFO)


def test_declined_in_words(page: Page, server: LiveServer, lin: Visitor, device: SoftwareDevice) -> None:
    with connected(server, device) as connection:
        type_password(page, server, lin)
        assert answer(connection, device, None, decision="decline") == "declined"
        expect(page.get_by_role("alert")).to_contain_text("was declined in the Authenticator")


def test_a_request_survives_a_restart_of_the_server(
    page: Page, server: LiveServer, lin: Visitor, device: SoftwareDevice
) -> None:
    number = type_password(page, server, lin)
    with connected(server, device) as connection:
        first = received(connection)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 4, "stopping waited for a page that waits"
    server.start()
    with connected(server, device) as connection:
        approval = received(connection)
        assert approval == first
        connection.send(json.dumps(device.answer(approval, number)))
        assert received(connection)["result"] == "approved"
        expect(page).to_have_url(SECURITY_INFO)


def test_without_scripts_a_button_goes_on(
    browser: Browser, server: LiveServer, lin: Visitor, device: SoftwareDevice
) -> None:
    context = browser.new_context(locale="en-GB", java_script_enabled=False)
    page = context.new_page()
    with connected(server, device) as connection:
        number = type_password(page, server, lin)
        page.get_by_role("button", name="I have approved").click()
        expect(page.get_by_text("It is not approved yet.")).to_be_visible()
        assert number_on(page) == number
        assert answer(connection, device, number) == "approved"
        page.get_by_role("button", name="I have approved").click()
        expect(page).to_have_url(SECURITY_INFO)
    context.close()


def test_the_page_to_add_one(page: Page, server: LiveServer, ada: Visitor) -> None:
    page.goto(f"{server.url}/security-info")
    page.get_by_label("Username").fill(ada.username)
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Code").fill(ada.code())
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Add sign-in method").click()
    assert violations(page) == []
    page.get_by_role("link", name="Ostiary Authenticator Approve").click()
    expect(page.get_by_text(server.url, exact=True)).to_be_visible()
    assert violations(page) == []
