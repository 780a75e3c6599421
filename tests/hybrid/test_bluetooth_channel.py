"""Two Bluetooth controllers made of software: the advert over the air, and CTAP over Bluetooth itself (CTAP 2.3)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from bumble.controller import Controller
from bumble.device import Device
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport import open_transport
from bumble.transport.common import AsyncPipeSink
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.authenticator import AutomaticVerifier, Engine
from ostiary.authenticator.hosts.nearby import NearbyEngine
from ostiary.authenticator.keys import memory_key_store
from ostiary.hybrid.answering import answer_scan
from ostiary.hybrid.authenticator import Scan
from ostiary.hybrid.bumble_radio import BumbleRadio, ControllerAdvertiser
from ostiary.hybrid.calling import call_by_qr
from ostiary.hybrid.client import QrOffer
from ostiary.hybrid.data_channel import Reassembly
from ostiary.hybrid.errors import HybridError
from ostiary.hybrid.qr import decode_qr
from ostiary.hybrid.radio import RadioError, RadioReason
from ostiary.hybrid.tunnel.client import Place
from tests.hybrid.tunnels import Listening, listening

ON_A_WIRE = "F9:00:00:00:00:09"
HOST = "cable.wufkweyy3uaxb.com"


@asynccontextmanager
async def two_radios(link: LocalLink | None = None) -> AsyncIterator[tuple[BumbleRadio, BumbleRadio]]:
    link = link or LocalLink()  # type: ignore[no-untyped-call]
    radios = []
    for number in (1, 2):
        address = f"F{number}:00:00:00:00:0{number}"
        controller = Controller(f"controller {number}", link=link, public_address=address)
        device = Device(address=Address(address), host=Host(controller, AsyncPipeSink(controller)))
        await device.power_on()
        radios.append(BumbleRadio(device))
    yield radios[0], radios[1]


@pytest.mark.parametrize(
    ("ours", "is_by_tunnel"), [((0, 1), False), ((0,), True)], ids=["by Bluetooth", "by the tunnel"]
)
def test_a_request_goes_there_and_an_answer_back(ours: tuple[int, ...], is_by_tunnel: bool) -> None:
    engine = Engine(keys=memory_key_store(), verifier=AutomaticVerifier())
    nearby = NearbyEngine(engine)

    async def run(tunnels: Listening) -> None:
        place = Place(HOST, tunnels.url)
        async with two_radios() as (computer, phone):
            offer = QrOffer.new(made_at=int(time.time()), channels=ours)
            answering = asyncio.create_task(
                answer_scan(
                    Scan(payload=decode_qr(offer.text)),
                    place=place,
                    domain=266,
                    get_info=nearby.get_info,
                    answer=nearby.answer,
                    advertiser=phone,
                )
            )
            call = await call_by_qr(offer, computer, places=lambda domain: place, within=10)
            assert call.get_info == nearby.get_info
            assert await call.request(b"\x0b") == b"\0"
            assert (await call.request(b"\x01" + bytes(5_000)))[0] != 0
            await call.close()
            await asyncio.wait_for(answering, 10)

    with listening("alone") as tunnels:
        asyncio.run(run(tunnels))
        assert tunnels.exchange.counts.joined == is_by_tunnel


def test_advertises_on_a_controller_of_its_own() -> None:
    """Named as on a computer without BlueZ, and opened only while it is on the air."""

    async def run() -> None:
        link = LocalLink()  # type: ignore[no-untyped-call]
        async with two_radios(link) as (computer, _), await open_transport("tcp-server:127.0.0.1:0") as plug:
            Controller("on a wire", host_source=plug.source, host_sink=plug.sink, link=link, public_address=ON_A_WIRE)
            port = plug.server.sockets[0].getsockname()[1]
            advertiser = ControllerAdvertiser(f"tcp-client:127.0.0.1:{port}")
            async with computer.scan() as adverts, advertiser.advertise(bytes(20)):
                heard = await asyncio.wait_for(anext(adverts), 10)
            assert heard.service_data == bytes(20)
            plug.server.close()

    asyncio.run(run())


def test_says_when_there_is_no_such_controller() -> None:
    async def run() -> None:
        async with ControllerAdvertiser("tcp-client:127.0.0.1:1").advertise(bytes(20)):
            pass

    with pytest.raises(RadioError) as refused:
        asyncio.run(run())
    assert refused.value.reason is RadioReason.NO_BLUETOOTH


@given(st.lists(st.binary(min_size=1, max_size=90), min_size=1, max_size=6), st.integers(1, 40), st.booleans())
@settings(max_examples=200, deadline=None)
def test_messages_come_out_of_pieces_whole(messages: list[bytes], size: int, ends_with_line: bool) -> None:
    """Also those with a line's end inside, and from peers that send one message a piece."""
    stream = [message + b"\r\n" for message in messages] if ends_with_line else messages
    pieces = (
        [b"".join(stream)[at : at + size] for at in range(0, len(b"".join(stream)), size)] if ends_with_line else stream
    )
    reassembly = Reassembly()
    found: list[bytes] = []
    for piece in pieces:
        reassembly.add(piece)
        while (
            len(found) < len(messages) and (one := reassembly.take(lambda it: it == messages[len(found)])) is not None
        ):
            found.append(one)
    assert found == messages


def test_refuses_a_message_without_end() -> None:
    reassembly = Reassembly()
    with pytest.raises(HybridError):
        for _ in range(20):
            reassembly.add(bytes(100_000))
