"""The app beside another computer: a Bluetooth adapter made of software under BlueZ's own interface, a tunnel service
that listens, and the `fido2` library's client as the computer that shows a code."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fido2.client import DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.server import Fido2Server
from fido2.webauthn import (
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from ostiary.authenticator.app import assembly
from ostiary.authenticator.app.accounts import Account
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.keys import memory_key_store
from ostiary.hybrid import device
from ostiary.hybrid.device import HybridDevice
from ostiary.hybrid.tunnel.client import Place, Places
from tests.authenticator.app.conftest import PIN, MovingClock, until
from tests.hybrid.bluez import FakeBluez, bluetooth
from tests.hybrid.tunnels import Listening, listening

DOMAIN = 266
HOST = "cable.wufkweyy3uaxb.com"
RP_ID = "login.contoso.example"
ORIGIN = f"https://{RP_ID}"
SERVER = Fido2Server(PublicKeyCredentialRpEntity(id=RP_ID, name="Contoso"))
ADA = PublicKeyCredentialUserEntity(id=b"ada", name="ada@contoso.example", display_name="Ada")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer that nobody answers gives up in seconds, not in minutes."""
    for name in ("call_by_qr", "call_by_link"):
        monkeypatch.setattr(device, name, partial(getattr(device, name), within=8.0))


@pytest.fixture
def bluez(tmp_path: Path) -> Iterator[FakeBluez]:
    with bluetooth(tmp_path) as found:
        yield found


@pytest.fixture
def tunnels() -> Iterator[Listening]:
    with listening("alone") as found:
        yield found


@pytest.fixture
def places(tunnels: Listening) -> Places:
    return lambda domain: Place(HOST, tunnels.url)


@pytest.fixture
def keys() -> AppKeys:
    return memory_key_store()


@pytest.fixture
def app(keys: AppKeys, clock: MovingClock, places: Places) -> Iterator[AuthenticatorService]:
    """With a PIN, unlocked, and an account whose organisation has a tunnel service."""
    service = AuthenticatorService(keys, make_engine=assembly.make_engine, clock=clock, places=places)
    service.set_pin(PIN)
    keep_account(keys, tunnel_domain=DOMAIN)
    yield service
    service.close()


def keep_account(keys: AppKeys, *, tunnel_domain: int | None, server: str = ORIGIN) -> None:
    """As `set_up` leaves it."""
    account = Account(
        id="contoso",
        server=server,
        subject="ada",
        username="ada@contoso.example",
        display_name="Ada",
        added_at=0,
        tunnel_domain=tunnel_domain,
    )
    keys.put_note("accounts", json.dumps([asdict(account)]).encode())


class Computer:
    """Another computer: shows a code, and asks for a passkey. In a thread of its own, as it would be."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.answers: list[Any] = []
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            self.answers.append(work())
        except Exception as error:
            self.answers.append(error)

    def answer(self) -> Any:
        self._thread.join(15)
        assert self.answers, "the other computer still waits"
        return self.answers[0]


def register(phone: HybridDevice, exclude: Any = None) -> Any:
    client = Fido2Client(phone, DefaultClientDataCollector(ORIGIN), user_interaction=UserInteraction())
    options, state = SERVER.register_begin(
        ADA,
        credentials=exclude,
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    made = SERVER.register_complete(state, client.make_credential(options.public_key))
    assert made.is_user_verified()
    return made.credential_data


def sign_in(phone: HybridDevice, credential: Any) -> None:
    client = Fido2Client(phone, DefaultClientDataCollector(ORIGIN), user_interaction=UserInteraction())
    request, state = SERVER.authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED)
    selection = client.get_assertion(request.public_key)
    SERVER.authenticate_complete(state, [credential], selection.get_response(0))


def approve(app: AuthenticatorService, pin: str = PIN) -> None:
    app.approve_prompt(until(app.prompt).id, pin=pin)


def over(app: AuthenticatorService) -> Any:
    def ended() -> Any:
        view = app.nearby.view()
        return view if view is not None and view.is_over else None

    return until(ended)


def scanning(app: AuthenticatorService) -> Callable[[str], None]:
    def scan(text: str) -> None:
        app.nearby.begin(text)

    return scan
