"""A Bluetooth adapter made of software: `org.bluez` on a private D-Bus, as far as scanning and advertising need it.

What one program advertises every program that scans hears, so unmodified libraries and browsers meet over it.
"""

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from dbus_fast import ErrorType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

ADAPTER = "/org/bluez/hci0"
DEVICE = f"{ADAPTER}/dev_C0_FF_EE_00_00_01"
SERVICE = "0000fff9-0000-1000-8000-00805f9b34fb"
_AGAIN_EVERY = 0.1
_WITHIN = 10

Objects = dict[str, dict[str, dict[str, Variant]]]


class FakeBluez:
    """`is_powered` and `can_advertise` may be changed before programs look."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.advertised: list[bytes] = []
        self.advertise_calls = 0
        self.is_advertising = threading.Event()
        self._ready = threading.Event()
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._repeating: asyncio.Task[None] | None = None
        self._owner = ""
        self._discovering = 0
        self._tasks: set[asyncio.Future[None]] = set()
        self.objects: Objects = {
            "/org/bluez": {"org.bluez.AgentManager1": {}, "org.bluez.ProfileManager1": {}},
            ADAPTER: {
                "org.bluez.Adapter1": {
                    "Address": Variant("s", "C0:FF:EE:00:00:00"),
                    "AddressType": Variant("s", "public"),
                    "Name": Variant("s", "virtual"),
                    "Alias": Variant("s", "virtual"),
                    "Class": Variant("u", 0),
                    "Powered": Variant("b", True),
                    "Discoverable": Variant("b", False),
                    "DiscoverableTimeout": Variant("u", 0),
                    "Pairable": Variant("b", False),
                    "PairableTimeout": Variant("u", 0),
                    "Discovering": Variant("b", False),
                    "UUIDs": Variant("as", []),
                    "Modalias": Variant("s", "usb:v1D6Bp0246d0542"),
                    "Roles": Variant("as", ["central", "peripheral"]),
                },
                "org.bluez.LEAdvertisingManager1": {
                    "ActiveInstances": Variant("y", 0),
                    "SupportedInstances": Variant("y", 4),
                    "SupportedIncludes": Variant("as", []),
                },
            },
        }

    def start(self) -> None:
        threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True).start()
        assert self._ready.wait(_WITHIN)

    def stop(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stopped.set)

    def hear(self, service_data: bytes, uuid: str = SERVICE) -> None:
        """An advert comes in from somewhere near, once somebody listens."""
        assert self._loop is not None
        deadline = time.monotonic() + _WITHIN
        while not self._discovering and time.monotonic() < deadline:
            time.sleep(0.01)
        asyncio.run_coroutine_threadsafe(self._show(service_data, uuid), self._loop).result(_WITHIN)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._bus = await MessageBus(bus_address=self.address).connect()
        self._bus.add_message_handler(self._answer)
        await self._bus.request_name("org.bluez")
        self._ready.set()
        await self._stopped.wait()
        self._bus.disconnect()

    def _answer(self, message: Message) -> Message | bool | None:
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            if message.body[0] == self._owner and not message.body[2]:
                self._stop_advertising()
            return None
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        handler = getattr(self, f"_on_{message.member}", None)
        if handler is None:
            return Message.new_error(message, ErrorType.UNKNOWN_METHOD, f"no {message.member}")
        answer: Message | bool = handler(message)
        return answer

    # --- what programs call

    def _on_GetManagedObjects(self, message: Message) -> Message:
        return Message.new_method_return(message, "a{oa{sa{sv}}}", [self.objects])

    def _on_Introspect(self, message: Message) -> Message:
        interfaces = "".join(
            f"<interface name={quoteattr(name)}/>" for name in self.objects.get(message.path or "", {})
        )
        return Message.new_method_return(message, "s", [f"<node>{interfaces}</node>"])

    def _on_Get(self, message: Message) -> Message:
        interface, name = message.body
        value = self.objects.get(message.path or "", {}).get(interface, {}).get(name)
        if value is None:
            return Message.new_error(message, ErrorType.UNKNOWN_PROPERTY, name)
        return Message.new_method_return(message, "v", [value])

    def _on_GetAll(self, message: Message) -> Message:
        found = self.objects.get(message.path or "", {}).get(message.body[0], {})
        return Message.new_method_return(message, "a{sv}", [found])

    def _on_Set(self, message: Message) -> Message:
        interface, name, value = message.body
        self.objects.get(message.path or "", {}).get(interface, {})[name] = value
        return Message.new_method_return(message)

    def _nothing(self, message: Message) -> Message:
        return Message.new_method_return(message)

    _on_SetDiscoveryFilter = _nothing
    _on_RegisterAgent = _on_RequestDefaultAgent = _on_UnregisterAgent = _nothing
    _on_RegisterProfile = _on_UnregisterProfile = _on_RegisterApplication = _nothing

    def _on_StartDiscovery(self, message: Message) -> Message:
        self._discovering += 1
        self._change(ADAPTER, "org.bluez.Adapter1", {"Discovering": Variant("b", True)})
        return Message.new_method_return(message)

    def _on_StopDiscovery(self, message: Message) -> Message:
        """What was found is forgotten once nobody looks: whoever looks next is told of it anew."""
        self._discovering = max(self._discovering - 1, 0)
        if not self._discovering:
            self._change(ADAPTER, "org.bluez.Adapter1", {"Discovering": Variant("b", False)})
            if self.objects.pop(DEVICE, None) is not None:
                removed: list[Any] = [DEVICE, ["org.bluez.Device1"]]
                self._later(
                    self._signal("/", "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", "oas", removed)
                )
        return Message.new_method_return(message)

    def _on_RegisterAdvertisement(self, message: Message) -> bool:
        self._later(self._advertise(message))
        return True

    def _on_UnregisterAdvertisement(self, message: Message) -> Message:
        self._stop_advertising()
        return Message.new_method_return(message)

    # ---

    async def _advertise(self, message: Message) -> None:
        self._owner = message.sender or ""
        asked = Message(
            destination=message.sender,
            path=message.body[0],
            interface="org.freedesktop.DBus.Properties",
            member="GetAll",
            signature="s",
            body=["org.bluez.LEAdvertisement1"],
        )
        answer = await self._bus.call(asked)
        assert answer is not None and answer.message_type is MessageType.METHOD_RETURN, answer and answer.body
        told: dict[str, Variant] = answer.body[0]
        ((uuid, data),) = told["ServiceData"].value.items()
        assert told["ServiceUUIDs"].value == [uuid] and told["Type"].value in ("broadcast", "peripheral")
        service_data = bytes(data.value)
        assert len(service_data) <= 24  # what fits a legacy advert beside the list of UUIDs
        self.advertised.append(service_data)
        self.is_advertising.set()
        await self._bus.send(Message.new_method_return(message))
        self._repeating = asyncio.ensure_future(self._repeat(service_data, uuid))

    async def _repeat(self, service_data: bytes, uuid: str) -> None:
        while True:
            await self._show(service_data, uuid)
            await asyncio.sleep(_AGAIN_EVERY)

    def _stop_advertising(self) -> None:
        self.is_advertising.clear()
        if self._repeating is not None:
            self._repeating.cancel()
            self._repeating = None

    async def _show(self, service_data: bytes, uuid: str) -> None:
        """As BlueZ tells of a device, and only while somebody looks: once that it is there, then what changes."""
        if not self._discovering:
            return
        properties = {
            "Address": Variant("s", "C0:FF:EE:00:00:01"),
            "AddressType": Variant("s", "random"),
            "Alias": Variant("s", "phone"),
            "Paired": Variant("b", False),
            "Bonded": Variant("b", False),
            "Trusted": Variant("b", False),
            "Blocked": Variant("b", False),
            "LegacyPairing": Variant("b", False),
            "Connected": Variant("b", False),
            "ServicesResolved": Variant("b", False),
            "Adapter": Variant("o", ADAPTER),
            "UUIDs": Variant("as", [uuid]),
            "RSSI": Variant("n", -40),
            "ServiceData": Variant("a{sv}", {uuid: Variant("ay", service_data)}),
        }
        if DEVICE not in self.objects:
            self.objects[DEVICE] = {"org.bluez.Device1": properties}
            await self._signal(  # at the root, which is where programs listen
                "/",
                "org.freedesktop.DBus.ObjectManager",
                "InterfacesAdded",
                "oa{sa{sv}}",
                [DEVICE, self.objects[DEVICE]],
            )
        changed = {name: properties[name] for name in ("RSSI", "UUIDs", "ServiceData")}
        self._change(DEVICE, "org.bluez.Device1", changed)

    def _change(self, path: str, interface: str, changed: dict[str, Variant]) -> None:
        self.objects[path][interface] |= changed
        self._later(
            self._signal(
                path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", [interface, changed, []]
            )
        )

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        await self._bus.send(
            Message(
                message_type=MessageType.SIGNAL,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=body,
            )
        )


@contextmanager
def private_bus(directory: Path) -> Iterator[str]:
    """A D-Bus of one's own; its address."""
    address = f"unix:path={directory / 'bus'}"
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", f"--address={address}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.readline().strip()
        try:
            yield printed
        finally:
            process.terminate()
            process.wait(_WITHIN)


@contextmanager
def bluetooth(directory: Path) -> Iterator[FakeBluez]:
    """A system bus with an adapter on it, for this process and those it starts."""
    with private_bus(directory) as address:
        bluez = FakeBluez(address)
        bluez.start()
        before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = address
        try:
            yield bluez
        finally:
            bluez.stop()
            if before is None:
                del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
            else:
                os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = before
