"""Ada, who has an Ostiary Authenticator, and its connection, over a real WebSocket of the application."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2 as httpx
import pytest
from starlette.testclient import WebSocketTestSession

from ostiary.identity.authenticator_registration import Authenticator, register_authenticator
from ostiary.identity.caller import Caller
from ostiary.storage import people
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person
from ostiary.web.wording import WORDING
from tests.organisation import ORIGIN, Browser, Organisation
from tests.software_device import MODEL, PATH, SoftwareDevice

HERE = Caller("198.51.100.7", "Ostiary Authenticator")


@dataclass
class Connection:
    session: WebSocketTestSession
    device: SoftwareDevice
    ready: dict[str, Any]

    def receive(self) -> dict[str, Any]:
        message = self.session.receive_json()
        assert isinstance(message, dict)
        return message

    def send(self, message: object) -> None:
        self.session.send_json(message)

    def answer(self, approval: dict[str, Any], number: str | None = None, **more: Any) -> str:
        """Sends an answer; what came of it."""
        self.send(self.device.answer(approval, number, **more))
        message = self.receive()
        assert (message["type"], message["id"]) == ("result", approval["id"]), message
        result = message["result"]
        assert isinstance(result, str)
        return result


@dataclass
class Owner:
    """Somebody with a device."""

    organisation: Organisation
    username: str
    device: SoftwareDevice

    @contextmanager
    def connected(self, **hello: Any) -> Iterator[Connection]:
        with self.organisation.client.websocket_connect(PATH) as session:
            challenge = session.receive_json()
            session.send_json(self.device.hello(challenge, **hello))
            yield Connection(session, self.device, session.receive_json())

    def typed_password(self, browser: Browser | None = None) -> Browser:
        """A browser that waits for the approval."""
        browser = browser or self.organisation.browser()
        browser.type_username(self.username)
        assert browser.type_password().headers["location"] == "/sign-in"
        return browser


def person_of(tx: Transaction, username: str) -> Person:
    person = people.person_by_username(tx, f"{username}@contoso.example")
    assert person is not None
    return person


def register(
    organisation: Organisation, username: str, device: SoftwareDevice, name: str = "Laptop", **more: Any
) -> Authenticator:
    def run(tx: Transaction) -> Authenticator:
        told: dict[str, Any] = {
            "display_name": name,
            "device_key": device.jwk,
            "model": MODEL,
            "app_version": "0.1.0",
            "platform": "Linux",
            "caller": HERE,
            "now": organisation.clock(),
        }
        return register_authenticator(tx, person_of(tx, username), **(told | more))

    found = organisation.administer(run)
    device.id = found.method.id
    return found


def with_device(organisation: Organisation, username: str) -> Owner:
    device = SoftwareDevice(ORIGIN)
    register(organisation, username, device)
    return Owner(organisation, username, device)


@pytest.fixture
def owner(org: Organisation) -> Owner:
    """Without another second step, so that the Authenticator is what is asked for."""
    org.add_person("lin", with_code=False)
    return with_device(org, "lin")


def number_on(page: str) -> str:
    """What the sign-in page asks to be entered."""
    found = re.search(r'class="number"[^>]*>(\d\d)<', page)
    assert found, page
    return found[1]


def go_on(browser: Browser) -> httpx.Response:
    """What the page does when it hears that the request is over."""
    return browser.post("/sign-in/approval/continue")


def tells(page: httpx.Response, reason: str) -> bool:
    """Whether the page gives this reason."""
    return WORDING[reason].title in html.unescape(page.text)
