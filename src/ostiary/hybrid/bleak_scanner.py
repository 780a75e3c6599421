"""Hearing adverts through the operating system, with `bleak`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ostiary.hybrid.radio import HEARD_UUIDS, Heard, RadioError, RadioReason

_MOST_WAITING = 200


class BleakAdvertScanner:
    """Listens on the system's own adapter. BlueZ tells an advert once unless it is asked for every one."""

    @asynccontextmanager
    async def scan(self) -> AsyncIterator[AsyncIterator[Heard]]:
        try:
            from bleak import BleakScanner
            from bleak.exc import BleakError
        except ImportError as error:
            raise RadioError(RadioReason.NOT_INSTALLED) from error
        heard: asyncio.Queue[Heard] = asyncio.Queue(_MOST_WAITING)

        def take(device: Any, advertisement: Any) -> None:
            for uuid in HEARD_UUIDS:
                data = advertisement.service_data.get(uuid)
                if data is not None and not heard.full():
                    heard.put_nowait(Heard(bytes(data), device.address))

        scanner = BleakScanner(take, bluez={"filters": {"DuplicateData": True}})
        try:
            await scanner.start()
        except (BleakError, OSError) as error:
            raise RadioError(_reason_of(error), str(error)) from error
        try:
            yield _forever(heard)
        finally:
            await scanner.stop()


async def _forever(heard: "asyncio.Queue[Heard]") -> AsyncIterator[Heard]:
    while True:
        yield await heard.get()


def _reason_of(error: Exception) -> RadioReason:
    """What `bleak` means. It has no types for most of it, so its reason is asked for where there is one."""
    named = getattr(getattr(error, "reason", None), "name", "")
    if named in ("POWERED_OFF", "OFF"):
        return RadioReason.BLUETOOTH_OFF
    if named.startswith("DENIED"):
        return RadioReason.NOT_PERMITTED
    return RadioReason.NO_BLUETOOTH
