"""The whole way against a real `ostiary serve --demo`, whose own tunnel service carries it: the account tells the
domain, and a passkey of that account signs in on another computer."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fido2.client import DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.webauthn import PublicKeyCredentialRequestOptions, UserVerificationRequirement

from ostiary.authenticator.app import assembly
from ostiary.authenticator.app.nearby_views import NearbyResult
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.views import StepStatus
from ostiary.authenticator.keys import memory_key_store
from ostiary.hybrid.device import HybridDevice
from ostiary.hybrid.tunnel.client import Place
from tests.authenticator.app.conftest import PIN, beside
from tests.authenticator.app.people import Person
from tests.browser.live_server import LiveServer
from tests.hybrid.bluez import FakeBluez

from .conftest import DOMAIN, HOST, Computer, approve, over, scanning


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveServer]:
    monkeypatch.setenv("OSTIARY_TUNNEL_DOMAIN", str(DOMAIN))
    data = tmp_path / "server"
    data.mkdir()
    live = LiveServer(data)
    live.start()
    yield live
    live.stop()


def test_an_account_brings_its_tunnel_service(server: LiveServer, bluez: FakeBluez) -> None:
    def places(domain: int) -> Place:
        assert domain == DOMAIN
        return Place(HOST, f"ws://127.0.0.1:{server.port}")

    app = AuthenticatorService(memory_key_store(), make_engine=assembly.make_engine, places=places)
    app.set_pin(PIN)
    person = Person(server.url, server.add_person("Grace").username)
    begun = app.begin_sign_in(server.url)
    person.allow(begun.url)
    account_id = app.wait_for_sign_in(begun.id).account_id
    assert account_id is not None
    with beside(lambda: app.set_up(account_id)) as steps:
        approve(app)
    assert [step.status for step in steps[0]] == [StepStatus.DONE] * 3
    assert app._accounts.find(account_id).tunnel_domain == DOMAIN

    def sign_in(device: HybridDevice) -> object:
        client = Fido2Client(
            device,
            DefaultClientDataCollector(server.url, verify=lambda rp_id, origin: True),
            user_interaction=UserInteraction(),
        )
        options = PublicKeyCredentialRequestOptions(
            challenge=bytes(32), rp_id="localhost", user_verification=UserVerificationRequirement.REQUIRED
        )
        return client.get_assertion(options).get_response(0).raw_id

    (passkey,) = app.passkeys()
    for is_known in (True, False):
        if not is_known:  # an account that was set up before its organisation had one
            app._accounts.change(account_id, lambda one: replace(one, tunnel_domain=None))
        device = HybridDevice.by_qr(scanning(app), places=places)
        computer = Computer(lambda device=device: sign_in(device))  # type: ignore[misc]
        approve(app)
        assert app.passkey(passkey.id).user_name == person.username and isinstance(computer.answer(), bytes)
        device.close()
        assert over(app).result is NearbyResult.SIGNED_IN
        assert app._accounts.find(account_id).tunnel_domain == DOMAIN
    app.close()
