"""The client's side of one transaction over the air: listens for the advert, connects, shakes hands, asks."""

import asyncio
import contextlib
from typing import Final

from ostiary.hybrid.advert import Eid, l2cap_psm
from ostiary.hybrid.client import ClientSession, Closed, Event, Linked, LinkedCall, QrOffer, Ready, Reply
from ostiary.hybrid.data_channel import DataChannel
from ostiary.hybrid.errors import HybridError, HybridReason
from ostiary.hybrid.linking import Link
from ostiary.hybrid.progress import Progress, Step, no_progress
from ostiary.hybrid.qr import BLUETOOTH
from ostiary.hybrid.radio import Connector, Heard, RadioError, Scanner
from ostiary.hybrid.tunnel.client import Places, TunnelError, TunnelReason, open_tunnel, public_place

QR_LIFETIME: Final = 180.0
"""Seconds that a code is waited on."""

RING_LIFETIME: Final = 60.0
_HANDSHAKE_WITHIN: Final = 15.0


class NobodyCame(Exception):
    """No advert that fits was heard in time. `others` were heard: Bluetooth works, but nobody scanned this code."""

    def __init__(self, others: int) -> None:
        super().__init__("no device answered")
        self.others = others


class Call:
    """A session with an authenticator nearby. One request at a time."""

    def __init__(self, session: ClientSession, connection: DataChannel, get_info: bytes) -> None:
        self.get_info = get_info
        self.link: Link | None = None
        """What the authenticator let itself be remembered by, once it did."""
        self._session = session
        self._connection = connection

    async def request(self, message: bytes) -> bytes:
        """The answer (status and CBOR) to a CTAP request. Raises `HybridError` or `TunnelError`."""
        await self._connection.send(self._session.request(message))
        while True:
            for event in self._session.receive(await self._connection.receive(self._session.is_whole)):
                if isinstance(event, Reply):
                    return event.message
                self._notice(event)

    async def close(self) -> None:
        """Says goodbye, which is also how a request under way is cancelled."""
        with contextlib.suppress(HybridError, TunnelError):
            await self._connection.send(self._session.shut_down())
        await self._connection.close()

    def _notice(self, event: Event) -> None:
        if isinstance(event, Linked):
            self.link = event.link
        elif isinstance(event, Closed):
            raise TunnelError(TunnelReason.CLOSED, "shut down")


async def call_by_qr(
    offer: QrOffer,
    scanner: Scanner,
    *,
    places: Places = public_place,
    progress: Progress = no_progress,
    within: float = QR_LIFETIME,
) -> Call:
    """Once the code is on show. Raises `RadioError`, `NobodyCame`, `TunnelError` or `HybridError`."""
    progress(Step.QR_SHOWN)
    eid, heard = await _listen(offer, scanner, progress, within)
    session = offer.meet(eid)
    connection = await _connect_nearby(offer, scanner, heard)
    if connection is None:
        connection = await open_tunnel(places(eid.domain), session.path)
    return await _shake_hands(session, connection, progress)


async def call_by_link(
    call: LinkedCall,
    scanner: Scanner,
    *,
    places: Places = public_place,
    progress: Progress = no_progress,
    within: float = RING_LIFETIME,
) -> Call:
    """Rings a device that is remembered, and listens meanwhile. Raises as `call_by_qr`; after
    `TunnelError(LINK_GONE)` the link is to be forgotten."""
    connection = await open_tunnel(places(call.link.domain), call.path, call.headers)
    try:
        eid, _ = await _listen(call, scanner, progress, within)
        session = call.meet(eid)
    except BaseException:
        await connection.close()
        raise
    return await _shake_hands(session, connection, progress)


async def _listen(
    offer: QrOffer | LinkedCall, scanner: Scanner, progress: Progress, within: float
) -> tuple[Eid, Heard]:
    """The first advert that fits is the one that counts: a second one changes nothing."""
    others: set[bytes] = set()
    try:
        async with asyncio.timeout(within), scanner.scan() as adverts:
            progress(Step.BLUETOOTH_ON)
            async for heard in adverts:
                eid = offer.hear(heard.service_data)
                if eid is not None:
                    progress(Step.ADVERT_HEARD)
                    return eid, heard
                if len(others) < 1_000:
                    others.add(heard.service_data)
    except TimeoutError as error:
        raise NobodyCame(len(others)) from error
    raise NobodyCame(len(others))


async def _connect_nearby(offer: QrOffer, scanner: Scanner, heard: Heard) -> DataChannel | None:
    """By Bluetooth itself, where both offer it (CTAP 2.3); None: by the tunnel, which always is there."""
    psm = l2cap_psm(heard.service_data)
    if psm is None or BLUETOOTH not in offer.payload.channels or not isinstance(scanner, Connector):
        return None
    try:
        return await scanner.connect(heard.address, psm)
    except RadioError:
        return None


async def _shake_hands(session: ClientSession, connection: DataChannel, progress: Progress) -> Call:
    progress(Step.TUNNEL_CONNECTED)
    try:
        async with asyncio.timeout(_HANDSHAKE_WITHIN):
            await connection.send(session.hello)
            while True:
                for event in session.receive(await connection.receive(session.is_whole)):
                    if isinstance(event, Ready):
                        progress(Step.HANDSHAKE_DONE)
                        return Call(session, connection, event.get_info)
    except TimeoutError as error:
        await connection.close()
        raise HybridError(HybridReason.HANDSHAKE_FAILED, "no answer") from error
    except BaseException:
        await connection.close()
        raise
