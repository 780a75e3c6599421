"""Sending adverts on Linux, through BlueZ (`org.bluez.LEAdvertisingManager1`) with `dbus-fast`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Final

from ostiary.hybrid.radio import SERVICE_UUID, RadioError, RadioReason

if TYPE_CHECKING:
    from dbus_fast.aio import MessageBus

_PATH: Final = "/org/ostiary/advert"
_MANAGER: Final = "org.bluez.LEAdvertisingManager1"
_ADAPTER: Final = "org.bluez.Adapter1"
_WITHIN: Final = 10.0
_CLOSED_WITHIN: Final = 1.0


class BluezAdvertiser:
    """Advertises on the first adapter that can."""

    @asynccontextmanager
    async def advertise(self, service_data: bytes) -> AsyncIterator[None]:
        try:
            from dbus_fast import BusType, DBusError
            from dbus_fast.aio import MessageBus
        except ImportError as error:
            raise RadioError(RadioReason.NOT_INSTALLED) from error
        bus = MessageBus(bus_type=BusType.SYSTEM)
        try:
            await asyncio.wait_for(bus.connect(), _WITHIN)
        except (OSError, DBusError, TimeoutError, ValueError) as error:
            raise RadioError(RadioReason.NO_BLUETOOTH, str(error)) from error
        try:
            adapter = await _find_adapter(bus)
            bus.export(_PATH, _advertisement(service_data))
            await _register(bus, adapter)
            try:
                yield
            finally:
                with suppress(RadioError):  # gone by itself when the bus is
                    await _call(bus, adapter, _MANAGER, "UnregisterAdvertisement", "o", [_PATH])
        finally:
            bus.disconnect()
            with suppress(OSError, EOFError, DBusError, TimeoutError):  # its socket is closed on this loop, not later
                await asyncio.wait_for(bus.wait_for_disconnect(), _CLOSED_WITHIN)  # type: ignore[no-untyped-call]


def _advertisement(service_data: bytes):  # type: ignore[no-untyped-def] # its class can only be made with dbus-fast there
    from dbus_fast import PropertyAccess, Variant
    from dbus_fast.annotations import DBusSignature, DBusStr
    from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

    class Advertisement(ServiceInterface):
        """What BlueZ asks of the object it was given. Nobody may connect to it: it is a broadcast."""

        def __init__(self) -> None:
            super().__init__("org.bluez.LEAdvertisement1")

        @dbus_property(access=PropertyAccess.READ)
        def Type(self) -> DBusStr:
            return "broadcast"

        @dbus_property(access=PropertyAccess.READ)
        def ServiceUUIDs(self) -> Annotated[list[str], DBusSignature("as")]:
            return [SERVICE_UUID]

        @dbus_property(access=PropertyAccess.READ)
        def ServiceData(self) -> Annotated[dict[str, Variant], DBusSignature("a{sv}")]:
            return {SERVICE_UUID: Variant("ay", service_data)}

        @dbus_method()
        def Release(self) -> None:
            pass

    return Advertisement()


async def _find_adapter(bus: "MessageBus") -> str:
    objects = await _call(bus, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    assert isinstance(objects, dict)
    adapters = {path: interfaces for path, interfaces in sorted(objects.items()) if _ADAPTER in interfaces}
    if not adapters:
        raise RadioError(RadioReason.NO_BLUETOOTH)
    able = {path: interfaces for path, interfaces in adapters.items() if _MANAGER in interfaces}
    if not able:
        raise RadioError(RadioReason.CANNOT_ADVERTISE)
    for path, interfaces in able.items():
        powered = interfaces[_ADAPTER].get("Powered")
        if powered is not None and powered.value:
            return str(path)
    raise RadioError(RadioReason.BLUETOOTH_OFF)


async def _register(bus: "MessageBus", adapter: str) -> None:
    try:
        await _call(bus, adapter, _MANAGER, "RegisterAdvertisement", "oa{sv}", [_PATH, {}])
    except RadioError as error:
        raise RadioError(RadioReason.CANNOT_ADVERTISE, error.detail) from error


async def _call(
    bus: "MessageBus", path: str, interface: str, member: str, signature: str = "", body: list[object] | None = None
) -> object:
    """The first value of the answer. Raises `RadioError`."""
    from dbus_fast import Message, MessageType

    message = Message(
        destination="org.bluez", path=path, interface=interface, member=member, signature=signature, body=body or []
    )
    try:
        answer = await asyncio.wait_for(bus.call(message), _WITHIN)
    except (TimeoutError, OSError, EOFError) as error:
        raise RadioError(RadioReason.NO_BLUETOOTH, str(error) or "no answer") from error
    if answer is None or answer.message_type is MessageType.ERROR:
        detail = f"{answer.error_name}: {answer.body}" if answer is not None else ""
        denied = answer is not None and "AccessDenied" in str(answer.error_name)
        raise RadioError(RadioReason.NOT_PERMITTED if denied else RadioReason.NO_BLUETOOTH, detail)
    return answer.body[0] if answer.body else None
