"""The authenticator's side over the air: opens a tunnel for a code that was scanned, or joins one it was rung for,
advertises until the client has come, and answers what is asked."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.hybrid.authenticator import AuthenticatorSession, Identity, Met, Request, Ring, Scan, ShutDown
from ostiary.hybrid.data_channel import DataChannel
from ostiary.hybrid.errors import HybridError
from ostiary.hybrid.qr import BLUETOOTH
from ostiary.hybrid.radio import Advertiser, Listener, Listening
from ostiary.hybrid.tunnel.client import Place, TunnelError, TunnelReason, open_tunnel

ADVERTISE_FOR: Final = 30.0
"""Seconds to wait for the client to hear: whoever scanned is standing in front of it."""

_REQUEST_WITHIN: Final = 60.0
_MOST_REQUESTS: Final = 20


class Stage(StrEnum):
    ADVERTISING = "advertising"
    CONNECTED = "connected"
    ASKED = "asked"
    DONE = "done"


Answer = Callable[[bytes], Awaitable[bytes]]
"""A CTAP request in, its answer out: the engine, which asks the person."""

Watch = Callable[[Stage], None]

Identify = Callable[[bytes], Identity | None]
"""From the routing identifier of the tunnel just opened to what the client may remember the authenticator by."""


class NotHeard(Exception):
    """No computer nearby answered the advert."""


async def answer_scan(
    scan: Scan,
    *,
    place: Place,
    domain: int,
    get_info: bytes,
    answer: Answer,
    advertiser: Advertiser,
    identify: Identify | None = None,
    watch: Watch = lambda stage: None,
) -> None:
    """From the scanned code to the end. Only ever for a code that a person scanned or pasted just now. Raises
    `TunnelError`, `RadioError`, `NotHeard` or `HybridError`."""
    async with AsyncExitStack() as stack:
        tunnel = await open_tunnel(place, scan.path)
        stack.push_async_callback(tunnel.close)
        nearby = None
        if BLUETOOTH in scan.payload.channels and isinstance(advertiser, Listener):
            nearby = await stack.enter_async_context(advertiser.listen())
        session = scan.advertise(
            routing_id=tunnel.routing_id,
            domain=domain,
            get_info=get_info,
            identity=identify(tunnel.routing_id) if identify is not None and scan.payload.can_link else None,
            psm=nearby.psm if nearby is not None else None,
        )
        await _serve(session, tunnel, answer, advertiser, watch, nearby=nearby)


async def answer_ring(
    *,
    key: ec.EllipticCurvePrivateKey,
    secret: bytes,
    nonce: bytes,
    routing_id: bytes,
    tunnel_id: bytes,
    place: Place,
    domain: int,
    get_info: bytes,
    answer: Answer,
    advertiser: Advertiser,
    watch: Watch = lambda stage: None,
) -> None:
    """A computer that is remembered rang. `secret` is of the link it named. Raises as `answer_scan`."""
    connection = await open_tunnel(place, f"/cable/connect/{routing_id.hex()}/{tunnel_id.hex()}")
    try:
        session = Ring(key=key, secret=secret, nonce=nonce).advertise(
            routing_id=routing_id, domain=domain, get_info=get_info
        )
        await _serve(session, connection, answer, advertiser, watch)
    finally:
        await connection.close()


def new_link_secret() -> bytes:
    return secrets.token_bytes(32)


async def _serve(
    session: AuthenticatorSession,
    connection: DataChannel,
    answer: Answer,
    advertiser: Advertiser,
    watch: Watch,
    *,
    nearby: Listening | None = None,
) -> None:
    try:
        async with asyncio.timeout(ADVERTISE_FOR), advertiser.advertise(session.advert):
            watch(Stage.ADVERTISING)
            connection, hello = await _first_word(session, connection, nearby)
    except TimeoutError as error:
        raise NotHeard from error
    if not any(isinstance(event, Met) for event in session.receive(hello)):
        return
    watch(Stage.CONNECTED)
    await _send(session, connection)
    for _ in range(_MOST_REQUESTS):
        request = await _next_request(session, connection)
        if request is None:
            break
        watch(Stage.ASKED)
        if not await _answer_one(session, connection, request, answer):
            break
    watch(Stage.DONE)


async def _first_word(
    session: AuthenticatorSession, tunnel: DataChannel, nearby: Listening | None
) -> tuple[DataChannel, bytes]:
    """The channel the client chose, and what it said first there."""

    async def by_tunnel() -> tuple[DataChannel, bytes]:
        return tunnel, await tunnel.receive(session.is_whole)

    async def by_bluetooth(listening: Listening) -> tuple[DataChannel, bytes]:
        channel = await listening.accept()
        return channel, await channel.receive(session.is_whole)

    waiting = [asyncio.ensure_future(by_tunnel())]
    if nearby is not None:
        waiting.append(asyncio.ensure_future(by_bluetooth(nearby)))
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _next_request(session: AuthenticatorSession, connection: DataChannel) -> bytes | None:
    """None when the client wants nothing more, or is gone."""
    try:
        async with asyncio.timeout(_REQUEST_WITHIN):
            while True:
                for event in session.receive(await connection.receive(session.is_whole)):
                    if isinstance(event, Request):
                        return event.message
                    if isinstance(event, ShutDown):
                        return None
    except TimeoutError:
        return None
    except TunnelError as error:
        if error.reason is TunnelReason.CLOSED:
            return None
        raise


async def _answer_one(session: AuthenticatorSession, connection: DataChannel, request: bytes, answer: Answer) -> bool:
    """Answers while it watches the channel: a client that shuts down or leaves cancels what the person is asked."""
    answering = asyncio.ensure_future(answer(request))
    hearing = asyncio.ensure_future(_hear_end(session, connection))
    try:
        await asyncio.wait((answering, hearing), return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            return False
        session.answer(answering.result())
        await _send(session, connection)
        return True
    finally:
        for task in (answering, hearing):
            task.cancel()
        await asyncio.gather(answering, hearing, return_exceptions=True)


async def _hear_end(session: AuthenticatorSession, connection: DataChannel) -> None:
    """Returns when the client ends it. Whatever else it says while a request is under way is a breach."""
    try:
        while True:
            if any(
                isinstance(event, ShutDown) for event in session.receive(await connection.receive(session.is_whole))
            ):
                return
    except (TunnelError, HybridError):
        return


async def _send(session: AuthenticatorSession, connection: DataChannel) -> None:
    for message in session.outgoing():
        await connection.send(message)
