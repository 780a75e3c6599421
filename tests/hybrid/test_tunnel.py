"""The tunnel service, by either server, met by real WebSockets."""

import asyncio
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from fido2.utils import websafe_encode
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ostiary.hybrid.errors import HybridReason
from ostiary.hybrid.tunnel.addresses import Connect, ContactId, New, contact_path, parse_path
from ostiary.hybrid.tunnel.exchange import encode_standby, new_contact
from ostiary.hybrid.tunnel.limits import Limits, Rate, network
from ostiary.hybrid.wire import decode_map
from tests.hybrid.tunnels import SERVERS, Listening, listening

SMALL = Limits(
    message_bytes=2_000,
    messages=5,
    total_bytes=6_000,
    waiting_messages=2,
    waiting_bytes=3_000,
    tunnels_per_address=5,
    lifetime=1.0,
)
ROOMY = Limits(openings_per_minute=10_000)


@pytest.fixture(params=SERVERS)
def service(request: pytest.FixtureRequest) -> Iterator[Listening]:
    with listening(request.param, ROOMY) as found:
        yield found


@pytest.fixture(params=SERVERS)
def small(request: pytest.FixtureRequest) -> Iterator[Listening]:
    with listening(request.param, SMALL) as found:
        yield found


def dial(service: Listening, path: str, **more: object) -> connect:
    options: dict[str, object] = {"subprotocols": ["fido.cable"], "compression": None} | more
    return connect(service.url + path, **options)  # type: ignore[arg-type]


async def refused(service: Listening, path: str, **more: object) -> int:
    with pytest.raises(InvalidStatus) as answer:
        await dial(service, path, **more)
    return answer.value.response.status_code


async def closed(connection: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        while True:
            await asyncio.wait_for(connection.recv(), 5)
    return connection.close_code


def paths(service: Listening) -> tuple[str, str]:
    tunnel = secrets.token_bytes(16).hex()
    return f"/cable/new/{tunnel}", f"/cable/connect/{service.exchange.routing_id.hex().upper()}/{tunnel.upper()}"


def test_joins_two_peers_and_passes_messages_both_ways(service: Listening) -> None:
    async def run() -> None:
        new, path = paths(service)
        async with dial(service, new) as phone:
            assert phone.subprotocol == "fido.cable"
            assert phone.response is not None
            assert phone.response.headers["X-caBLE-Routing-ID"] == service.exchange.routing_id.hex().upper()
            await phone.send(b"before anybody came")
            async with dial(service, path, origin="wss://cable.wufkweyy3uaxb.com") as computer:
                assert await computer.recv() == b"before anybody came"
                for number in range(10):
                    message = secrets.token_bytes(1 + number * 1000)
                    await computer.send(message)
                    assert await phone.recv() == message
                    await phone.send(message[::-1])
                    assert await computer.recv() == message[::-1]
            assert await closed(phone) == 1000

    asyncio.run(run())
    assert service.exchange.open_tunnels == 0
    assert (service.exchange.counts.opened, service.exchange.counts.joined) == (1, 1)


def test_a_tunnel_is_joined_once(service: Listening) -> None:
    async def run() -> None:
        new, path = paths(service)
        async with dial(service, new), dial(service, path):
            assert await refused(service, path) == 404
            async with dial(service, new):  # the identifier is free again, and names another tunnel
                pass
        assert await refused(service, path) == 404

    asyncio.run(run())


def test_an_identifier_that_waits_is_refused_to_others(service: Listening) -> None:
    async def run() -> None:
        new, _ = paths(service)
        async with dial(service, new):
            assert await refused(service, new) == 409

    asyncio.run(run())


def test_refuses_what_is_no_tunnel(service: Listening) -> None:
    async def run() -> None:
        new, path = paths(service)
        routing = service.exchange.routing_id.hex()
        other = "000000" if routing != "000000" else "000001"
        async with dial(service, new):
            assert await refused(service, path.replace(routing.upper(), other)) == 404
            assert await refused(service, f"/cable/connect/{routing}/{secrets.token_hex(16)}") == 404
        for nonsense in (
            "/",
            "/cable",
            "/cable/new/",
            "/cable/new/12",
            f"/cable/new/{'g' * 32}",
            f"/x{new}",
            f"{new}/",
        ):
            assert await refused(service, nonsense) == 404
        assert await refused(service, new, subprotocols=None) == 400
        assert await refused(service, new, subprotocols=["chat"]) == 400

    asyncio.run(run())


def test_refuses_web_pages(service: Listening) -> None:
    async def run() -> None:
        new, _ = paths(service)
        for origin in ("https://evil.example", "http://localhost", "null"):
            assert await refused(service, new, origin=origin) == 403

    asyncio.run(run())


def test_is_no_place_for_ordinary_requests(service: Listening) -> None:
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(service.url.replace("ws", "http") + f"/cable/new/{'0' * 32}")
    assert answer.value.code in (400, 426)
    answer.value.close()


def test_refuses_text(service: Listening) -> None:
    async def run() -> None:
        new, path = paths(service)
        async with dial(service, new) as phone, dial(service, path) as computer:
            await computer.send("text")
            assert await closed(computer) == 1003
            assert await closed(phone) is not None

    asyncio.run(run())


def test_ends_a_tunnel_whose_peer_vanishes(service: Listening) -> None:
    async def run() -> None:
        new, path = paths(service)
        async with dial(service, new) as phone, dial(service, path) as computer:
            computer.transport.abort()
            assert await closed(phone) is not None

    asyncio.run(run())
    assert service.exchange.open_tunnels == 0


# --- limits


def test_ends_a_tunnel_when_its_time_is_over(small: Listening) -> None:
    async def run() -> None:
        new, path = paths(small)
        async with dial(small, new) as phone, dial(small, path) as computer:
            assert await closed(phone) == 1008
            assert await closed(computer) == 1008
        async with dial(small, paths(small)[0]) as alone:
            assert await closed(alone) == 1008

    asyncio.run(run())
    assert small.exchange.counts.expired == 2


def test_refuses_a_message_too_large(small: Listening) -> None:
    async def run() -> None:
        new, path = paths(small)
        async with dial(small, new) as phone, dial(small, path) as computer:
            await computer.send(bytes(SMALL.message_bytes + 1))
            assert await closed(computer) == 1009
            assert await closed(phone) is not None

    asyncio.run(run())


def test_refuses_too_many_messages_and_too_many_bytes(small: Listening) -> None:
    async def run() -> None:
        new, path = paths(small)
        async with dial(small, new) as phone, dial(small, path) as computer:
            for _ in range(SMALL.messages + 1):
                await computer.send(b"x")
            assert await closed(phone) == 1008
        new, path = paths(small)
        async with dial(small, new) as phone, dial(small, path) as computer:
            for _ in range(4):
                await computer.send(bytes(SMALL.message_bytes))
            assert await closed(phone) == 1009

    asyncio.run(run())


def test_keeps_no_more_than_a_little_for_who_has_not_come(small: Listening) -> None:
    async def run() -> None:
        async with dial(small, paths(small)[0]) as phone:
            for _ in range(SMALL.waiting_messages + 1):
                await phone.send(b"x")
            assert await closed(phone) == 1008
        async with dial(small, paths(small)[0]) as phone:
            for _ in range(2):
                await phone.send(bytes(SMALL.message_bytes))
            assert await closed(phone) == 1008

    asyncio.run(run())


def test_refuses_more_tunnels_than_an_address_may_have(small: Listening) -> None:
    async def run() -> None:
        open_ones = [await dial(small, paths(small)[0]) for _ in range(SMALL.tunnels_per_address)]
        with pytest.raises((InvalidStatus, ConnectionClosed)):
            async with dial(small, paths(small)[0]) as another:
                await another.recv()
        for one in open_ones:
            await one.close()
        async with dial(small, paths(small)[0]):
            pass

    asyncio.run(run())


@pytest.mark.parametrize("kind", SERVERS)
def test_refuses_too_many_openings_a_minute(kind: str) -> None:
    async def run(service: Listening) -> None:
        answers = [await refused(service, paths(service)[1]) for _ in range(5)]
        assert answers == [404, 404, 404, 429, 429]

    with listening(kind, Limits(openings_per_minute=3)) as service:
        asyncio.run(run(service))


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("a socket", "a socket"),
    ],
)
def test_counts_an_ipv6_customer_as_one(address: str, counted_as: str) -> None:
    assert network(address) == counted_as


def test_a_rate_forgets_the_minute_before_and_very_many_keys() -> None:
    rate = Rate(1)
    assert [rate.allows("a", 0), rate.allows("a", 59), rate.allows("a", 60)] == [True, False, True]
    for number in range(30_000):
        rate.allows(number, 60)
    assert len(rate._counts) <= 20_000


# --- devices that stand by


def test_rings_a_linked_device(service: Listening) -> None:
    async def run() -> None:
        secret, link = secrets.token_bytes(32), secrets.token_bytes(8)
        contact = contact_path(new_contact(service.exchange.routing_id, secret, link))
        called = {"X-caBLE-Client-Payload": "a1", "X-caBLE-Signal-Connection": "true"}
        async with dial(service, "/cable/standby") as device:
            await device.send(encode_standby(secret, [link]))
            while not service.exchange.standing_by:
                await asyncio.sleep(0.01)
            async with dial(service, contact, additional_headers=called) as computer:
                assert computer.response is not None
                assert computer.response.headers["X-caBLE-Signal-Connection"] == "true"
                await computer.send(b"hello, before the device came")
                ring = await device.recv()
                assert isinstance(ring, bytes)
                values = decode_map(ring, HybridReason.MESSAGE_MALFORMED)
                tunnel, routing, payload = values[1], values[2], values[3]
                assert isinstance(tunnel, bytes) and isinstance(routing, bytes) and payload == b"\xa1"
                async with dial(service, f"/cable/connect/{routing.hex()}/{tunnel.hex()}") as phone:
                    assert await computer.recv() == b"\0"
                    assert await phone.recv() == b"hello, before the device came"
                    await phone.send(b"here")
                    assert await computer.recv() == b"here"
            await device.send(encode_standby(secret, []))  # unlinked
            for _ in range(100):
                if (status := await refused_or_open(service, contact, called)) == 410:
                    break
            assert status == 410
        for _ in range(100):
            if not service.exchange.standing_by:
                break
            await asyncio.sleep(0.01)
        assert await refused(service, contact, additional_headers=called) == 503

    asyncio.run(run())


async def refused_or_open(service: Listening, path: str, headers: dict[str, str]) -> int:
    try:
        async with dial(service, path, additional_headers=headers):
            return 101
    except InvalidStatus as answer:
        return answer.response.status_code


def test_forgets_nothing_for_a_device_that_is_away(service: Listening) -> None:
    """410 makes a client forget its link: never said of a device that is merely not there."""

    async def run() -> None:
        contact = contact_path(new_contact(service.exchange.routing_id, bytes(32), bytes(8)))
        assert await refused(service, contact, additional_headers={"X-caBLE-Client-Payload": "a1"}) == 503
        assert await refused(service, "/cable/contact/AAAA", additional_headers={"X-caBLE-Client-Payload": "a1"}) == 410

    asyncio.run(run())


def test_refuses_a_call_without_payload(service: Listening) -> None:
    async def run() -> None:
        contact = contact_path(new_contact(service.exchange.routing_id, bytes(32), bytes(8)))
        for payload in ("", "xyz", "a", "00" * 2000):
            assert await refused(service, contact, additional_headers={"X-caBLE-Client-Payload": payload}) == 400

    asyncio.run(run())


def test_a_device_cannot_stand_in_for_another(service: Listening) -> None:
    async def run() -> None:
        secret, link = secrets.token_bytes(32), secrets.token_bytes(8)
        contact = new_contact(service.exchange.routing_id, secret, link)
        async with dial(service, "/cable/standby") as thief:
            await thief.send(encode_standby(contact.device.ljust(32, b"\0"), [link]))
            path = contact_path(contact)
            assert await refused(service, path, additional_headers={"X-caBLE-Client-Payload": "a1"}) == 503

    asyncio.run(run())


@pytest.mark.parametrize(
    "message", [b"", b"\xa0", b"\xa10102", encode_standby(bytes(31), []), encode_standby(bytes(32), [b"short"])]
)
def test_refuses_a_device_that_says_nonsense(service: Listening, message: bytes) -> None:
    async def run() -> None:
        async with dial(service, "/cable/standby") as device:
            await device.send(message)
            assert await closed(device) == 1008

    asyncio.run(run())


@pytest.mark.parametrize("kind", SERVERS)
def test_sends_away_who_stands_by_and_says_nothing(kind: str) -> None:
    async def run(service: Listening) -> None:
        async with dial(service, "/cable/standby") as silent:
            assert await closed(silent) == 1008

    with listening(kind, Limits(greeting=0.2)) as service:
        asyncio.run(run(service))


def test_limits_how_often_a_device_is_rung(service: Listening) -> None:
    async def run() -> None:
        secret, link = secrets.token_bytes(32), secrets.token_bytes(8)
        contact = contact_path(new_contact(service.exchange.routing_id, secret, link))
        async with dial(service, "/cable/standby") as device:
            await device.send(encode_standby(secret, [link]))
            while not service.exchange.standing_by:
                await asyncio.sleep(0.01)
            answers = [await refused_or_open(service, contact, {"X-caBLE-Client-Payload": "a1"}) for _ in range(14)]
        assert answers == [101] * 12 + [429] * 2

    asyncio.run(run())


@given(st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_path_is_an_address_or_none(path: str) -> None:
    parse_path(path)
    parse_path("/cable/contact/" + path)


def test_addresses() -> None:
    assert parse_path(f"/cable/new/{'Ab' * 16}") == New(b"\xab" * 16)
    assert parse_path(f"/cable/connect/0a0B0c/{'00' * 16}") == Connect(b"\x0a\x0b\x0c", bytes(16))
    contact = ContactId(b"abc", bytes(16), bytes(8))
    assert ContactId.parse(bytes(contact)) == contact
    assert contact_path(contact) == f"/cable/contact/{websafe_encode(bytes(contact))}"
    assert parse_path(f"/cable/new/{'٠' * 32}") is None
