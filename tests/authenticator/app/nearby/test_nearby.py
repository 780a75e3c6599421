"""Answering another computer, from its code to the end: what it gets, and each way in which it gets nothing."""

import asyncio
import logging
import sys
import threading
import time
from typing import Any

import pytest
from dbus_fast import Variant
from fido2.client import ClientError
from fido2.ctap import CtapError

from ostiary.authenticator.app import assembly, nearby_standby
from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.nearby import find_code
from ostiary.authenticator.app.nearby_domain import told_domain
from ostiary.authenticator.app.nearby_views import NearbyResult, NearbyStage, NearbyView
from ostiary.authenticator.app.ports import AppKeys
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.keys import memory_key_store
from ostiary.hybrid import derivation
from ostiary.hybrid.client import LinkedCall, QrOffer
from ostiary.hybrid.device import HybridDevice
from ostiary.hybrid.linking import Link, encode_client_payload
from ostiary.hybrid.qr import decode_qr
from ostiary.hybrid.tunnel.client import Place, Places, TunnelError, TunnelReason, open_tunnel, public_place
from ostiary.hybrid.tunnel.exchange import Refused
from ostiary.hybrid.wire import encode_map
from tests.authenticator.app.conftest import PIN, MovingClock, on_a_loop, until
from tests.authenticator.app.web.test_codes import picture
from tests.hybrid.bluez import FakeBluez
from tests.hybrid.tunnels import Listening

from .conftest import DOMAIN, HOST, RP_ID, Computer, approve, keep_account, over, register, scanning, sign_in


def fresh_code() -> str:
    return QrOffer.new(made_at=int(time.time())).text


def refusal(app: AuthenticatorService, text: str) -> AppReason:
    with pytest.raises(AppError) as refused:
        app.nearby.begin(text)
    assert refused.value.message and refused.value.next
    return refused.value.reason


def failure(app: AuthenticatorService) -> str:
    view = over(app)
    assert view.stage is NearbyStage.FAILED and view.message and view.next
    assert app.prompt() is None
    return str(view.reason)


def is_at(app: AuthenticatorService, stage: NearbyStage) -> bool:
    view = app.nearby.view()
    return view is not None and view.stage is stage


def by_scan(app: AuthenticatorService, places: Places, *, can_link: bool = False) -> HybridDevice:
    return HybridDevice.by_qr(scanning(app), can_link=can_link, places=places)


def made(app: AuthenticatorService, places: Places, *, can_link: bool = False) -> tuple[Any, HybridDevice]:
    """A passkey that another computer made here, and that computer."""
    device = by_scan(app, places, can_link=can_link)
    computer = Computer(lambda: register(device))
    approve(app)
    return computer.answer(), device


def test_registers_and_signs_in(
    app: AuthenticatorService, bluez: FakeBluez, places: Places, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    device = by_scan(app, places)
    assert not bluez.is_advertising.is_set()
    computer = Computer(lambda: register(device))
    prompt = until(app.prompt)
    assert (prompt.source, prompt.rp_id, prompt.accounts[0].name) == (
        "another computer nearby",
        RP_ID,
        "ada@contoso.example",
    )
    assert prompt.needs_pin
    view = app.nearby.view()
    assert view is not None and view.stage is NearbyStage.ASKED and view.rp_id == RP_ID
    app.approve_prompt(prompt.id, pin=PIN)
    credential = computer.answer()
    device.close()
    assert over(app).result is NearbyResult.REGISTERED
    assert [one.rp_id for one in app.passkeys()] == [RP_ID]

    again = by_scan(app, places)
    computer = Computer(lambda: sign_in(again, credential))
    approve(app)
    assert computer.answer() is None
    again.close()
    view = over(app)
    assert (view.result, view.is_remembered, view.was_rung) == (NearbyResult.SIGNED_IN, False, False)
    assert app.nearby.computers.views() == ()


def test_scans_a_picture(app: AuthenticatorService, bluez: FakeBluez, places: Places) -> None:
    """Among other codes on the screen."""

    def show(text: str) -> None:
        app.nearby.begin_from_image(*picture(text, "https://contoso.example"))

    device = HybridDevice.by_qr(show, places=places)
    computer = Computer(lambda: register(device))
    approve(app)
    computer.answer()
    device.close()
    assert over(app).result is NearbyResult.REGISTERED


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ((), AppReason.QR_NOT_FOUND),
        (("https://contoso.example",), AppReason.QR_NOT_FIDO),
        (("FIDO:/1", "fido:/2"), AppReason.QR_SEVERAL),
    ],
)
def test_says_what_is_wrong_with_a_picture(texts: tuple[str, ...], reason: AppReason) -> None:
    with pytest.raises(AppError) as refused:
        find_code(set(texts))
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", AppReason.QR_NOT_FIDO),
        ("https://contoso.example", AppReason.QR_NOT_FIDO),
        ("otpauth://totp/a?secret=JBSWY3DP", AppReason.QR_NOT_FIDO),
        ("FIDO:/", AppReason.QR_DAMAGED),
        ("FIDO:/123", AppReason.QR_DAMAGED),
        ("FIDO:/١٢٣", AppReason.QR_DAMAGED),
        ("FIDO:/" + "1" * 100_000, AppReason.QR_DAMAGED),
    ],
)
def test_refuses_another_code(app: AuthenticatorService, text: str, reason: AppReason) -> None:
    assert refusal(app, text) is reason
    assert app.nearby.view() is None


def test_refuses_an_expired_code(app: AuthenticatorService, clock: MovingClock) -> None:
    text = fresh_code()
    clock.ahead = 6 * 60_000
    assert refusal(app, text) is AppReason.QR_EXPIRED
    clock.ahead = -6 * 60_000
    assert refusal(app, text) is AppReason.QR_EXPIRED


def test_refuses_without_a_pin(service: AuthenticatorService) -> None:
    assert refusal(service, fresh_code()) is AppReason.PIN_NOT_SET


def test_declined(app: AuthenticatorService, bluez: FakeBluez, places: Places) -> None:
    device = by_scan(app, places, can_link=True)
    computer = Computer(lambda: register(device))
    app.decline_prompt(until(app.prompt).id)
    assert isinstance(computer.answer(), ClientError)
    device.close()
    assert over(app).result is NearbyResult.DECLINED
    assert app.passkeys() == ()
    assert app.nearby.computers.views() == ()  # who is declined is not remembered


def test_registered_already(app: AuthenticatorService, bluez: FakeBluez, places: Places) -> None:
    credential, device = made(app, places)
    device.close()
    over(app)
    again = by_scan(app, places)
    computer = Computer(lambda: register(again, [credential]))
    approve(app)
    refused = computer.answer()
    assert isinstance(refused, ClientError) and isinstance(refused.cause, CtapError)
    assert refused.cause.code == CtapError.ERR.CREDENTIAL_EXCLUDED
    again.close()
    assert over(app).result is NearbyResult.ALREADY_REGISTERED


def test_no_passkey_here(app: AuthenticatorService, bluez: FakeBluez, places: Places) -> None:
    credential, device = made(app, places)
    device.close()
    over(app)
    app.delete_passkey(app.passkeys()[0].id)
    again = by_scan(app, places)
    computer = Computer(lambda: sign_in(again, credential))
    approve(app)  # only the person learns that there is none, and then whoever asks
    assert isinstance(computer.answer(), ClientError)
    again.close()
    assert over(app).result is NearbyResult.NO_PASSKEY


def test_while_locked_the_question_takes_the_pin(app: AuthenticatorService, bluez: FakeBluez, places: Places) -> None:
    app.lock()
    device = by_scan(app, places, can_link=True)
    computer = Computer(lambda: register(device))
    prompt = until(app.prompt)
    with pytest.raises(AppError) as refused:
        app.approve_prompt(prompt.id, pin="000000")
    assert refused.value.reason is AppReason.PIN_WRONG
    app.approve_prompt(prompt.id, pin=PIN)
    assert not isinstance(computer.answer(), Exception)
    device.close()
    assert device.link is None and not over(app).is_remembered  # what cannot be kept is not offered


def test_one_computer_at_a_time(app: AuthenticatorService, bluez: FakeBluez) -> None:
    app.nearby.begin(fresh_code())
    assert refusal(app, fresh_code()) is AppReason.COMPUTER_BUSY
    app.nearby.cancel()
    assert failure(app) == AppReason.CANCELLED
    app.nearby.begin(fresh_code())
    app.nearby.cancel()


def test_cancelling_stops_the_advert(app: AuthenticatorService, bluez: FakeBluez, tunnels: Listening) -> None:
    app.nearby.begin(fresh_code())
    until(lambda: is_at(app, NearbyStage.ADVERTISING))
    app.nearby.cancel()
    assert failure(app) == AppReason.CANCELLED
    until(lambda: not bluez.is_advertising.is_set())
    until(lambda: tunnels.exchange.open_tunnels == 0)


def test_cancelling_withdraws_the_question(app: AuthenticatorService, bluez: FakeBluez, places: Places) -> None:
    device = by_scan(app, places)
    computer = Computer(lambda: register(device))
    until(app.prompt)
    app.nearby.cancel()
    until(lambda: app.prompt() is None)
    assert failure(app) == AppReason.CANCELLED
    assert isinstance(computer.answer(), Exception)


def test_the_other_computer_gives_up(app: AuthenticatorService, bluez: FakeBluez, places: Places) -> None:
    device = by_scan(app, places)
    stop = threading.Event()
    computer = Computer(lambda: device.call(0x10, b"\x0b", stop))  # authenticatorSelection
    until(app.prompt)
    stop.set()
    assert isinstance(computer.answer(), CtapError)
    until(lambda: app.prompt() is None)
    assert over(app).result is NearbyResult.NOTHING


# --- what is missing


@pytest.mark.parametrize(
    "reason", [AppReason.BLUETOOTH_OFF, AppReason.BLUETOOTH_CANNOT_ADVERTISE, AppReason.BLUETOOTH_MISSING]
)
def test_bluetooth(app: AuthenticatorService, bluez: FakeBluez, reason: AppReason) -> None:
    adapter = bluez.objects["/org/bluez/hci0"]
    if reason is AppReason.BLUETOOTH_OFF:
        adapter["org.bluez.Adapter1"]["Powered"] = Variant("b", False)
    elif reason is AppReason.BLUETOOTH_CANNOT_ADVERTISE:
        del adapter["org.bluez.LEAdvertisingManager1"]
    else:
        del bluez.objects["/org/bluez/hci0"]
    app.nearby.begin(fresh_code())
    assert failure(app) == reason


def test_bluetooth_is_not_installed(
    app: AuthenticatorService, bluez: FakeBluez, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dbus_fast", None)
    app.nearby.begin(fresh_code())
    assert failure(app) == AppReason.BLUETOOTH_NOT_INSTALLED


def test_nobody_near_heard(app: AuthenticatorService, bluez: FakeBluez, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.hybrid.answering.ADVERTISE_FOR", 0.2)
    app.nearby.begin(fresh_code())
    assert failure(app) == AppReason.NOBODY_NEAR
    assert not bluez.is_advertising.is_set()


def test_whoever_did_not_hear_the_advert_is_refused(
    app: AuthenticatorService, bluez: FakeBluez, tunnels: Listening
) -> None:
    """A code that was passed on (PoisonSeed): its secret alone opens the tunnel, not the channel."""
    offer = QrOffer.new(made_at=int(time.time()))
    app.nearby.begin(offer.text)
    assert bluez.is_advertising.wait(5)

    async def intrude() -> None:
        tunnel_id = derivation.tunnel_id(decode_qr(offer.text).secret)
        path = f"/cable/connect/{tunnels.exchange.routing_id.hex()}/{tunnel_id.hex()}"
        intruder = await open_tunnel(Place(HOST, tunnels.url), path)
        await intruder.send(b"\x04" + bytes(80))
        with pytest.raises(TunnelError):
            await intruder.receive()

    asyncio.run(intrude())
    assert failure(app) == AppReason.HANDSHAKE_FAILED


def test_no_tunnel_service(app: AuthenticatorService, keys: AppKeys) -> None:
    keep_account(keys, tunnel_domain=None)
    app.nearby.begin(fresh_code())
    assert failure(app) == AppReason.TUNNEL_NONE


def test_the_tunnel_service_is_away(
    keys: AppKeys, clock: MovingClock, bluez: FakeBluez, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = AuthenticatorService(
        keys, make_engine=assembly.make_engine, clock=clock, places=lambda domain: Place(HOST, "ws://127.0.0.1:9")
    )
    service.set_pin(PIN)
    keep_account(keys, tunnel_domain=DOMAIN)
    service.nearby.begin(fresh_code())
    assert failure(service) == AppReason.TUNNEL_UNREACHABLE
    service.close()


def test_the_tunnel_service_refuses(
    app: AuthenticatorService, bluez: FakeBluez, tunnels: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnels.exchange, "admit_new", _refuse)
    app.nearby.begin(fresh_code())
    assert failure(app) == AppReason.TUNNEL_REFUSED


def _refuse(*_: object) -> None:
    raise Refused(429, "Too many tunnels from here.")


def test_places_are_no_setting() -> None:
    """Where a domain's tunnel service is follows from its number alone, but for whoever calls the library."""
    service = AuthenticatorService(memory_key_store(), make_engine=assembly.make_engine)
    assert service.nearby._places is public_place
    service.close()


@pytest.mark.parametrize(
    "told",
    [None, {}, {"domain": None}, {"domain": 0}, {"domain": 1}, {"domain": 255}, {"domain": 65536}, {"domain": "266"}],
)
def test_a_server_speaks_for_no_domain_of_others(told: object) -> None:
    assert told_domain({"tunnel": told}) is None
    assert told_domain({"tunnel": {"domain": DOMAIN}}) == DOMAIN and told_domain({}) is None


# --- computers that are remembered


def test_remembers_a_computer_that_then_needs_no_code_until_it_is_removed(
    app: AuthenticatorService, bluez: FakeBluez, tunnels: Listening, places: Places
) -> None:
    opened: list[str] = []
    app.nearby._open_window = opened.append
    app.change_settings(device_name="Ada's laptop")
    with on_a_loop(app.run_connections()):
        credential, device = made(app, places, can_link=True)
        link = device.link
        assert link is not None and link.name == "Ada's laptop"
        device.close()
        assert over(app).is_remembered
        (computer,) = app.nearby.computers.views()
        assert (computer.name, computer.rp_id) == ("", RP_ID)

        until(lambda: tunnels.exchange.standing_by)
        rung = HybridDevice.by_link(link, places=places)
        asking = Computer(lambda: sign_in(rung, credential))
        prompt = until(app.prompt)
        until(lambda: opened == [prompt.id])
        app.approve_prompt(prompt.id, pin=PIN)
        assert asking.answer() is None
        rung.close()
        view = over(app)
        assert (view.result, view.was_rung) == (NearbyResult.SIGNED_IN, True)
        assert app.nearby.computers.views()[0].last_used_at >= computer.linked_at

        app.lock()  # away, not gone
        until(lambda: not tunnels.exchange.standing_by)
        assert ring_refused(link, places) is TunnelReason.REFUSED
        app.unlock(PIN)
        until(lambda: tunnels.exchange.standing_by)

        app.nearby.computers.rename(computer.id, "  The   lab ")
        assert app.nearby.computers.views()[0].name == "The lab"
        app.nearby.computers.remove(computer.id)
        until(lambda: ring_refused(link, places) is TunnelReason.LINK_GONE)
        assert app.nearby.computers.views() == ()
        assert not [name for name in app.keys.secret_names if name.startswith("nearby link")]


def ring_refused(link: Any, places: Places) -> TunnelReason | None:
    try:
        HybridDevice.by_link(link, places=places).close()
    except TunnelError as error:
        return error.reason
    return None


def test_comes_back_to_the_tunnel_service_by_itself(
    app: AuthenticatorService, bluez: FakeBluez, tunnels: Listening, places: Places
) -> None:
    with on_a_loop(app.run_connections()):
        _, device = made(app, places, can_link=True)
        device.close()
        until(lambda: tunnels.exchange.standing_by)
        (before,) = tunnels.exchange._devices.values()
        asyncio.run_coroutine_threadsafe(tunnels.exchange.close(), tunnels.loop).result(5)
        until(lambda: [one for one in tuple(tunnels.exchange._devices.values()) if one is not before])


def test_a_link_outlives_the_tunnel_services_restart(
    app: AuthenticatorService, bluez: FakeBluez, tunnels: Listening, places: Places
) -> None:
    """Which then goes by another routing identifier than the one in the link."""
    with on_a_loop(app.run_connections()):
        credential, device = made(app, places, can_link=True)
        link = device.link
        device.close()
        over(app)
        assert link is not None
        tunnels.exchange.routing_id = bytes(one ^ 1 for one in tunnels.exchange.routing_id)
        until(lambda: tunnels.exchange.standing_by)
        rung = HybridDevice.by_link(link, places=places)
        computer = Computer(lambda: sign_in(rung, credential))
        approve(app)
        assert computer.answer() is None
        rung.close()


def test_rings_are_limited(
    app: AuthenticatorService, bluez: FakeBluez, tunnels: Listening, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearby_standby, "MOST_RINGS", 1)
    with on_a_loop(app.run_connections()):
        credential, device = made(app, places, can_link=True)
        link = device.link
        device.close()
        over(app)
        until(lambda: tunnels.exchange.standing_by)
        assert link is not None
        rung = HybridDevice.by_link(link, places=places)
        computer = Computer(lambda: sign_in(rung, credential))
        app.decline_prompt(until(app.prompt).id)
        assert isinstance(computer.answer(), ClientError)
        rung.close()
        answered, advertised = over(app).id, len(bluez.advertised)
        assert asyncio.run(ring_for_a_moment(link, places(DOMAIN)))
        assert (over(app).id, len(bluez.advertised)) == (answered, advertised) and app.prompt() is None


async def ring_for_a_moment(link: Link, place: Place) -> bool:
    """Whether the tunnel service passed it on."""
    call = LinkedCall.new(link)
    tunnel = await open_tunnel(place, call.path, call.headers)
    await asyncio.sleep(0.3)
    await tunnel.close()
    return True


def test_what_is_no_ring_is_passed_over(app: AuthenticatorService) -> None:
    standby = app.nearby._standby
    stranger = encode_client_payload(bytes(8), bytes(16), "ga")
    for message in (b"", b"\xa0", encode_map({1: b"", 2: b"", 3: b"x"}), encode_map({1: b"1", 2: b"2", 3: stranger})):
        standby._take(DOMAIN, message)
    assert app.nearby.view() is None


def test_refuses_names_that_are_none(app: AuthenticatorService) -> None:
    with pytest.raises(AppError) as unknown:
        app.nearby.computers.rename("00", "x")
    assert unknown.value.reason is AppReason.COMPUTER_UNKNOWN
    with pytest.raises(AppError):
        app.nearby.computers.remove("00")
    identity = app.nearby.computers.offer(bytes(3), domain=DOMAIN, name="x")
    assert identity is not None
    app.nearby.computers.keep(identity, domain=DOMAIN, rp_id=RP_ID)
    for bad in ("", " ", "x" * 65, "a\0b"):
        with pytest.raises(AppError) as refused:
            app.nearby.computers.rename(identity.link_id.hex(), bad)
        assert refused.value.reason is AppReason.SETTING_INVALID


def test_a_reset_forgets_every_computer(app: AuthenticatorService) -> None:
    identity = app.nearby.computers.offer(bytes(3), domain=DOMAIN, name="x")
    assert identity is not None
    app.nearby.computers.keep(identity, domain=DOMAIN, rp_id=RP_ID)
    app.reset()
    assert app.nearby.computers.views() == () and app.nearby.computers.standing() == {}


def test_watching_tells_each_stage(app: AuthenticatorService, bluez: FakeBluez, places: Places) -> None:
    seen: list[NearbyView] = []
    device: list[HybridDevice] = []

    def show(text: str) -> None:
        begun = app.nearby.begin(text)
        threading.Thread(
            target=lambda: seen.append(app.nearby.wait(begun.id, threading.Event(), seen.append)), daemon=True
        ).start()

    device.append(HybridDevice.by_qr(show, places=places))
    computer = Computer(lambda: register(device[0]))
    approve(app)
    computer.answer()
    device[0].close()
    until(lambda: seen and seen[-1].is_over)
    stages = list(dict.fromkeys(one.stage for one in seen))
    assert stages[-2:] == [NearbyStage.ASKED, NearbyStage.DONE] and NearbyStage.ADVERTISING in stages
