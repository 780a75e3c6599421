"""Being near: what is heard and sent by Bluetooth, behind two small ports.

There is no way around the radio: whoever writes one builds a tool for phishing. Tests put a virtual radio under the
same adapters (`tests/hybrid`), and nothing of that is in this package.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

from ostiary.hybrid.advert import ALSO_HEARD, SERVICE
from ostiary.hybrid.data_channel import DataChannel


class RadioReason(StrEnum):
    NOT_INSTALLED = "not_installed"
    NO_BLUETOOTH = "no_bluetooth"
    BLUETOOTH_OFF = "bluetooth_off"
    NOT_PERMITTED = "not_permitted"
    CANNOT_ADVERTISE = "cannot_advertise"


REMEDIES = {
    RadioReason.NOT_INSTALLED: "Install Ostiary with its Bluetooth part: pip install 'ostiary[bluetooth]'.",
    RadioReason.NO_BLUETOOTH: "Plug in a Bluetooth adapter, or use this on a computer that has one.",
    RadioReason.BLUETOOTH_OFF: "Turn Bluetooth on, and try again.",
    RadioReason.NOT_PERMITTED: "Allow this program to use Bluetooth in the system's settings, and try again.",
    RadioReason.CANNOT_ADVERTISE: "This Bluetooth adapter cannot advertise. Try another one.",
}


class RadioError(Exception):
    """The text says what is missing and what helps; `detail` is for the log."""

    def __init__(self, reason: RadioReason, detail: str = "") -> None:
        super().__init__(REMEDIES[reason])
        self.reason = reason
        self.detail = detail


class Heard(NamedTuple):
    """One advert of the FIDO service. `address` is only of use to connect to, for the Bluetooth data channel."""

    service_data: bytes
    address: str


class Scanner(Protocol):
    def scan(self) -> AbstractAsyncContextManager[AsyncIterator[Heard]]:
        """Listens until left. The same advert may come again. Raises `RadioError`."""
        ...


class Advertiser(Protocol):
    def advertise(self, service_data: bytes) -> AbstractAsyncContextManager[None]:
        """On the air until left. Raises `RadioError`."""
        ...


@runtime_checkable
class Connector(Protocol):
    """A scanner that can also connect to what it heard."""

    async def connect(self, address: str, psm: int) -> DataChannel:
        """Raises `RadioError`."""
        ...


class Listening(Protocol):
    """A Bluetooth channel that waits for somebody to connect to it."""

    psm: int

    async def accept(self) -> DataChannel: ...


@runtime_checkable
class Listener(Protocol):
    """An advertiser that can also be connected to."""

    def listen(self) -> AbstractAsyncContextManager[Listening]:
        """Raises `RadioError`."""
        ...


def full_uuid(short: int) -> str:
    """A 16-bit UUID as Bluetooth's base UUID spells it out."""
    return f"0000{short:04x}-0000-1000-8000-00805f9b34fb"


SERVICE_UUID = full_uuid(SERVICE)
HEARD_UUIDS = (SERVICE_UUID, full_uuid(ALSO_HEARD))
