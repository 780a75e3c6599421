"""A Bluetooth controller of one's own, through `bumble`: on USB or a serial line where there is no BlueZ, and the one
way to the Bluetooth data channel (CTAP 2.3), which operating systems do not let programs open.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from bumble import hci, l2cap
from bumble.core import UUID as BluetoothUuid
from bumble.core import AdvertisingData, BaseBumbleError
from bumble.device import (
    Advertisement,
    AdvertisingEventProperties,
    AdvertisingParameters,
    Connection,
    Device,
)
from bumble.transport import open_transport

from ostiary.hybrid.advert import ALSO_HEARD, LENGTH, SERVICE
from ostiary.hybrid.data_channel import END, DataChannel, IsWhole, Reassembly
from ostiary.hybrid.radio import Heard, Listening, RadioError, RadioReason
from ostiary.hybrid.tunnel.client import TunnelError, TunnelReason

_ADDRESS: Final = "F0:F1:F2:F3:F4:F5"
_HEARD: Final = (BluetoothUuid.from_16_bits(SERVICE), BluetoothUuid.from_16_bits(ALSO_HEARD))
_MOST_WAITING: Final = 200
_CONNECT_WITHIN: Final = 10.0
_MTU: Final = 2_048


@asynccontextmanager
async def open_radio(transport: str) -> AsyncIterator["BumbleRadio"]:
    """A controller by its name as `bumble` spells it, such as `usb:0`. Raises `RadioError`."""
    try:
        controller = await open_transport(transport)
    except (OSError, ValueError, BaseBumbleError) as error:
        raise RadioError(RadioReason.NO_BLUETOOTH, str(error)) from error
    async with controller as (source, sink):
        device = Device.with_hci("Ostiary", hci.Address(_ADDRESS), source, sink)
        await device.power_on()
        yield BumbleRadio(device)


class ControllerAdvertiser:
    """An advertiser on a controller that is opened while it is on the air, and left to others otherwise."""

    def __init__(self, transport: str) -> None:
        self._transport = transport

    @asynccontextmanager
    async def advertise(self, service_data: bytes) -> AsyncIterator[None]:
        async with open_radio(self._transport) as radio, radio.advertise(service_data):
            yield


class BumbleRadio:
    """Scanner and advertiser in one, with the Bluetooth data channel at either end."""

    def __init__(self, device: Device) -> None:
        self._device = device

    @asynccontextmanager
    async def scan(self) -> AsyncIterator[AsyncIterator[Heard]]:
        heard: asyncio.Queue[Heard] = asyncio.Queue(_MOST_WAITING)

        def take(advertisement: Advertisement) -> None:
            for uuid, data in advertisement.data.get_all(AdvertisingData.Type.SERVICE_DATA_16_BIT_UUID):
                if uuid in _HEARD and not heard.full():
                    heard.put_nowait(Heard(bytes(data), str(advertisement.address)))

        self._device.on("advertisement", take)
        await self._device.start_scanning(filter_duplicates=False)
        try:
            yield _forever(heard)
        finally:
            self._device.remove_listener("advertisement", take)
            with suppress(BaseBumbleError):
                await self._device.stop_scanning()

    @asynccontextmanager
    async def advertise(self, service_data: bytes) -> AsyncIterator[None]:
        """What is longer than a plain advert needs extended advertising (Bluetooth 5)."""
        uuid = SERVICE.to_bytes(2, "little")
        data = bytes(
            AdvertisingData(
                [
                    (AdvertisingData.Type.FLAGS, bytes([0x06])),
                    (AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, uuid),
                    (AdvertisingData.Type.SERVICE_DATA_16_BIT_UUID, uuid + service_data),
                ]
            )
        )
        is_long = len(service_data) > LENGTH
        properties = AdvertisingEventProperties(is_connectable=True, is_scannable=not is_long, is_legacy=not is_long)
        parameters = AdvertisingParameters(advertising_event_properties=properties)
        try:
            advertising = await self._device.create_advertising_set(
                advertising_parameters=parameters, advertising_data=data
            )
        except BaseBumbleError as error:
            raise RadioError(RadioReason.CANNOT_ADVERTISE, str(error)) from error
        try:
            yield
        finally:
            with suppress(BaseBumbleError):  # a connection has ended it
                await advertising.stop()
            with suppress(BaseBumbleError):
                await advertising.remove()

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[Listening]:
        """On a channel whose number the controller's host chooses. Whoever connects is taken: the handshake tells who
        it is, and neither pairing nor encryption of the link would."""
        came: asyncio.Queue[L2capChannel] = asyncio.Queue()
        spec = l2cap.LeCreditBasedChannelSpec(mtu=_MTU, mps=_MTU)
        server = self._device.create_l2cap_server(spec, lambda channel: came.put_nowait(L2capChannel(channel)))
        try:
            yield _Listening(server.psm, came)
        finally:
            server.close()

    async def connect(self, address: str, psm: int) -> DataChannel:
        """Raises `RadioError`."""
        try:
            connection = await self._device.connect(address, timeout=_CONNECT_WITHIN)
            channel = await asyncio.wait_for(
                connection.create_l2cap_channel(l2cap.LeCreditBasedChannelSpec(psm=psm, mtu=_MTU, mps=_MTU)),
                _CONNECT_WITHIN,
            )
        except (BaseBumbleError, TimeoutError) as error:
            raise RadioError(RadioReason.NO_BLUETOOTH, type(error).__name__) from error
        return L2capChannel(channel, connection)


class _Listening:
    def __init__(self, psm: int, came: "asyncio.Queue[L2capChannel]") -> None:
        self.psm = psm
        self._came = came

    async def accept(self) -> DataChannel:
        return await self._came.get()


class L2capChannel:
    """Messages over one L2CAP channel, each ended by CR LF."""

    def __init__(self, channel: l2cap.LeCreditBasedChannel, connection: Connection | None = None) -> None:
        self._channel = channel
        self._connection = connection
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)
        self._reassembly = Reassembly()
        channel.sink = self._take
        channel.on("close", self._end)

    async def send(self, message: bytes) -> None:
        try:
            self._channel.write(message + END)
            await self._channel.drain()
        except (BaseBumbleError, OSError) as error:
            raise TunnelError(TunnelReason.CLOSED, type(error).__name__) from error

    async def receive(self, is_whole: IsWhole) -> bytes:
        while (message := self._reassembly.take(is_whole)) is None:
            piece = await self._pieces.get()
            if piece is None:
                raise TunnelError(TunnelReason.CLOSED, "lost")
            self._reassembly.add(piece)
        return message

    async def close(self) -> None:
        with suppress(BaseBumbleError, asyncio.CancelledError):
            await self._channel.disconnect()
        if self._connection is not None:
            with suppress(BaseBumbleError):
                await self._connection.disconnect()

    def _take(self, piece: bytes) -> None:
        if self._pieces.full():  # more than any message needs: a peer gone wrong
            self._end()
        else:
            self._pieces.put_nowait(bytes(piece))

    def _end(self) -> None:
        with suppress(asyncio.QueueFull):
            self._pieces.put_nowait(None)


async def _forever(heard: "asyncio.Queue[Heard]") -> AsyncIterator[Heard]:
    while True:
        yield await heard.get()
