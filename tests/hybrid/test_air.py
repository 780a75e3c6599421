"""Both ends over a tunnel that listens and a Bluetooth adapter made of software: unmodified `bleak` hears what BlueZ's
own interface sends, and the `fido2` library's client registers and signs in at a phone that is our engine."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fido2.client import DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.ctap import CtapError
from fido2.hid import CTAPHID
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestationConveyancePreference,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from ostiary.authenticator import AutomaticVerifier, Decision, Engine, Exchange, Outcome, Prompt
from ostiary.authenticator.hosts.nearby import NearbyEngine
from ostiary.authenticator.keys import memory_key_store
from ostiary.hybrid import noise
from ostiary.hybrid.answering import NotHeard, answer_ring, answer_scan, new_link_secret
from ostiary.hybrid.authenticator import Identity, Scan
from ostiary.hybrid.bleak_scanner import BleakAdvertScanner
from ostiary.hybrid.bluez_advertiser import BluezAdvertiser
from ostiary.hybrid.calling import NobodyCame, call_by_qr
from ostiary.hybrid.client import QrOffer
from ostiary.hybrid.device import HybridDevice
from ostiary.hybrid.errors import HybridReason
from ostiary.hybrid.linking import Link, parse_client_payload
from ostiary.hybrid.progress import Step
from ostiary.hybrid.qr import decode_qr
from ostiary.hybrid.radio import RadioError, RadioReason
from ostiary.hybrid.tunnel.client import Place, TunnelError, TunnelReason, open_tunnel
from ostiary.hybrid.tunnel.exchange import encode_standby, new_contact
from ostiary.hybrid.wire import decode_map
from tests.hybrid.bluez import FakeBluez, bluetooth
from tests.hybrid.tunnels import Listening, listening

DOMAIN = 266
HOST = "cable.wufkweyy3uaxb.com"
ORIGIN = "https://login.contoso.example"
SERVER = Fido2Server(
    PublicKeyCredentialRpEntity(id="login.contoso.example", name="Contoso"),
    attestation=AttestationConveyancePreference.DIRECT,
)
ADA = PublicKeyCredentialUserEntity(id=b"ada", name="ada@contoso.example", display_name="Ada")


@pytest.fixture
def bluez(tmp_path: Path) -> Iterator[FakeBluez]:
    with bluetooth(tmp_path) as found:
        yield found


@pytest.fixture
def tunnels() -> Iterator[Listening]:
    with listening("alone") as found:
        yield found


class Phone:
    """Our engine, in somebody's hand: scans when it is shown a code, and stands by to be rung once it linked."""

    def __init__(self, tunnels: Listening, verifier: AutomaticVerifier | None = None) -> None:
        self.place = Place(HOST, tunnels.url)
        self.verifier = verifier or AutomaticVerifier(can_choose=True)
        self.engine = Engine(keys=memory_key_store(), verifier=self.verifier)
        self.nearby = NearbyEngine(self.engine)
        self.key = noise.new_key()
        self.link_id = b"computer"
        self.link_secret = new_link_secret()
        self.standby_secret = bytes(range(32))
        self.failures: list[BaseException] = []
        self.threads: list[threading.Thread] = []
        self.tunnels = tunnels

    def identity(self, routing_id: bytes) -> Identity:
        contact = new_contact(routing_id, self.standby_secret, self.link_id)
        return Identity(
            key=self.key,
            contact_id=bytes(contact),
            link_id=self.link_id,
            secret=self.link_secret,
            name="Ada's phone",
        )

    def scan(self, text: str) -> None:
        scan = Scan(payload=decode_qr(text))
        self._start(
            answer_scan(
                scan,
                place=self.place,
                domain=DOMAIN,
                get_info=self.nearby.get_info,
                answer=self.nearby.answer,
                advertiser=BluezAdvertiser(),
                identify=self.identity,
            )
        )

    async def stand_by(self, links: list[bytes], calls: int) -> None:
        connection = await open_tunnel(self.place, "/cable/standby")
        await connection.send(encode_standby(self.standby_secret, links))
        for _ in range(calls):
            ring = decode_map(await connection.receive(), HybridReason.MESSAGE_MALFORMED)
            tunnel_id, routing_id, payload = ring[1], ring[2], ring[3]
            assert isinstance(tunnel_id, bytes) and isinstance(routing_id, bytes) and isinstance(payload, bytes)
            link_id, nonce, _ = parse_client_payload(payload)
            assert link_id == self.link_id
            await answer_ring(
                key=self.key,
                secret=self.link_secret,
                nonce=nonce,
                routing_id=routing_id,
                tunnel_id=tunnel_id,
                place=self.place,
                domain=DOMAIN,
                get_info=self.nearby.get_info,
                answer=self.nearby.answer,
                advertiser=BluezAdvertiser(),
            )
        await connection.send(encode_standby(self.standby_secret, []))
        await asyncio.sleep(1)
        await connection.close()

    def _start(self, work: object) -> None:
        def run() -> None:
            try:
                asyncio.run(work)  # type: ignore[arg-type]
            except BaseException as error:
                self.failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        self.threads.append(thread)

    def put_away(self) -> None:
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()


def register(device: HybridDevice) -> object:
    client = Fido2Client(device, DefaultClientDataCollector(ORIGIN), user_interaction=UserInteraction())
    options, state = SERVER.register_begin(
        ADA,
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    made = SERVER.register_complete(state, client.make_credential(options.public_key))
    assert made.is_user_verified()
    return made.credential_data


def sign_in(device: HybridDevice, credential: object) -> None:
    client = Fido2Client(device, DefaultClientDataCollector(ORIGIN), user_interaction=UserInteraction())
    request, state = SERVER.authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED)
    selection = client.get_assertion(request.public_key)
    SERVER.authenticate_complete(state, [credential], selection.get_response(0))  # type: ignore[list-item]


def test_registers_links_signs_in_without_a_code_and_is_unlinked(bluez: FakeBluez, tunnels: Listening) -> None:
    phone = Phone(tunnels)
    places = lambda domain: Place(HOST, tunnels.url)  # noqa: E731
    steps: list[Step] = []
    device = HybridDevice.by_qr(phone.scan, can_link=True, places=places, progress=steps.append)
    assert not bluez.is_advertising.is_set()  # the client is here: nobody else needs to hear
    credential = register(device)
    assert list(dict.fromkeys(steps)) == list(Step)
    link = device.link
    assert link is not None and link.name == "Ada's phone"
    device.close()
    phone.put_away()

    phone._start(phone.stand_by([phone.link_id], calls=1))
    while not tunnels.exchange.standing_by:
        time.sleep(0.01)
    again = HybridDevice.by_link(link, places=places)
    sign_in(again, credential)
    again.close()
    wait_for(lambda: refusal(link, places) is TunnelReason.LINK_GONE)
    phone.put_away()
    assert phone.failures == []
    assert refusal(link, places) is TunnelReason.REFUSED  # away is not gone
    assert len(set(bluez.advertised)) == 2


def refusal(link: Link, places: object) -> TunnelReason | None:
    try:
        HybridDevice.by_link(link, places=places).close()  # type: ignore[arg-type]
    except TunnelError as error:
        return error.reason
    return None


def wait_for(condition: object) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def test_a_device_of_the_library_answers_get_info_by_itself(bluez: FakeBluez, tunnels: Listening) -> None:
    phone = Phone(tunnels)
    device = HybridDevice.by_qr(phone.scan, places=lambda domain: Place(HOST, tunnels.url))
    assert device.call(CTAPHID.CBOR, b"\x04")[0] == 0
    for wrong in ((CTAPHID.PING, b"x"), (CTAPHID.CBOR, b"")):
        with pytest.raises(CtapError):
            device.call(*wrong)
    device.close()
    device.close()
    phone.put_away()
    assert phone.verifier.prompts == []


def test_cancelling_ends_what_the_person_is_asked(bluez: FakeBluez, tunnels: Listening) -> None:
    asked = threading.Event()
    cancelled = threading.Event()

    def wait(prompt: Prompt, exchange: Exchange) -> Decision:
        asked.set()
        if exchange.cancelled.wait(5):
            cancelled.set()
        return Decision(outcome=Outcome.CANCELLED)

    phone = Phone(tunnels, AutomaticVerifier(decide=wait))
    device = HybridDevice.by_qr(phone.scan, places=lambda domain: Place(HOST, tunnels.url))
    stop = threading.Event()
    phone.verifier.decide = wait

    def stop_when_asked() -> None:
        asked.wait(5)
        stop.set()

    threading.Thread(target=stop_when_asked).start()
    with pytest.raises(CtapError) as refused:
        device.call(CTAPHID.CBOR, b"\x0b", stop)
    assert refused.value.code == CtapError.ERR.KEEPALIVE_CANCEL
    assert cancelled.wait(5)
    phone.put_away()


def test_nobody_came_tells_whether_others_were_heard(bluez: FakeBluez) -> None:
    async def run() -> None:
        offer = QrOffer.new(made_at=int(time.time()))
        calling = asyncio.create_task(call_by_qr(offer, BleakAdvertScanner(), within=1.0))
        for number in range(5):
            await asyncio.sleep(0.1)
            await asyncio.to_thread(bluez.hear, bytes([number] * 20))
        with pytest.raises(NobodyCame) as none:
            await calling
        assert none.value.others == 5

    asyncio.run(run())


def test_nobody_near_hears_the_phone(bluez: FakeBluez, tunnels: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.hybrid.answering.ADVERTISE_FOR", 0.3)
    phone = Phone(tunnels)
    phone.scan(QrOffer.new(made_at=int(time.time())).text)
    phone.put_away()
    assert [type(error) for error in phone.failures] == [NotHeard]
    assert not bluez.is_advertising.is_set()


@pytest.mark.parametrize("reason", [RadioReason.BLUETOOTH_OFF, RadioReason.CANNOT_ADVERTISE, RadioReason.NO_BLUETOOTH])
def test_says_what_is_missing_to_advertise(bluez: FakeBluez, reason: RadioReason) -> None:
    from dbus_fast import Variant

    adapter = bluez.objects["/org/bluez/hci0"]
    if reason is RadioReason.BLUETOOTH_OFF:
        adapter["org.bluez.Adapter1"]["Powered"] = Variant("b", False)
    elif reason is RadioReason.CANNOT_ADVERTISE:
        del adapter["org.bluez.LEAdvertisingManager1"]
    else:
        del bluez.objects["/org/bluez/hci0"]

    async def run() -> None:
        async with BluezAdvertiser().advertise(bytes(20)):
            pass

    with pytest.raises(RadioError) as refused:
        asyncio.run(run())
    assert refused.value.reason is reason


def test_says_when_there_is_no_bluetooth_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'none'}")

    async def advertise() -> None:
        async with BluezAdvertiser().advertise(bytes(20)):
            pass

    async def scan() -> None:
        async with BleakAdvertScanner().scan():
            pass

    for run in (advertise, scan):
        with pytest.raises(RadioError) as refused:
            asyncio.run(run())
        assert refused.value.reason is RadioReason.NO_BLUETOOTH


def test_the_example_says_what_is_missing(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "sign_in_with_phone.py"
    environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path / 'none'}"}
    done = subprocess.run([sys.executable, example], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "Scan this to make a passkey" in done.stdout
    assert done.stderr.startswith("No Bluetooth: Plug in a Bluetooth adapter")
