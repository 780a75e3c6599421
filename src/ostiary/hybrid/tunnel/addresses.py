"""The paths of a tunnel service, and what is in them.

`new` and `standby` are between an authenticator and its own service; `connect` and `contact` are the protocol's.
"""

import re
from dataclasses import dataclass
from typing import Final

from fido2.utils import websafe_decode, websafe_encode

ROUTING_HEADER: Final = "X-caBLE-Routing-ID"
PAYLOAD_HEADER: Final = "X-caBLE-Client-Payload"
SIGNAL_HEADER: Final = "X-caBLE-Signal-Connection"
SUBPROTOCOL: Final = "fido.cable"
STANDBY: Final = "/cable/standby"

DEVICE_LENGTH: Final = 16
LINK_LENGTH: Final = 8
_ROUTING_LENGTH: Final = 3
_LONGEST_PAYLOAD: Final = 1_024

_NEW: Final = re.compile(r"/cable/new/([0-9A-Fa-f]{32})", re.ASCII)
_CONNECT: Final = re.compile(r"/cable/connect/([0-9A-Fa-f]{6})/([0-9A-Fa-f]{32})", re.ASCII)
_CONTACT: Final = re.compile(r"/cable/contact/([0-9A-Za-z_-]{1,200})", re.ASCII)


@dataclass(frozen=True, slots=True)
class New:
    tunnel_id: bytes


@dataclass(frozen=True, slots=True)
class Connect:
    routing_id: bytes
    tunnel_id: bytes


@dataclass(frozen=True, slots=True)
class Contact:
    """`contact` None: nothing this service ever gave out."""

    contact: "ContactId | None"


@dataclass(frozen=True, slots=True)
class Standby:
    pass


Address = New | Connect | Contact | Standby


@dataclass(frozen=True, slots=True)
class ContactId:
    """By what a linked client rings a device: on which instance it stands by, which device, by which link. Opaque to
    clients. Nothing is kept here between two connections, so whether a link still holds only the device can say."""

    routing_id: bytes
    device: bytes
    link: bytes

    def __bytes__(self) -> bytes:
        return self.routing_id + self.device + self.link

    @classmethod
    def parse(cls, data: bytes) -> "ContactId | None":
        if len(data) != _ROUTING_LENGTH + DEVICE_LENGTH + LINK_LENGTH:
            return None
        device = data[_ROUTING_LENGTH : _ROUTING_LENGTH + DEVICE_LENGTH]
        return cls(data[:_ROUTING_LENGTH], device, data[-LINK_LENGTH:])


def parse_path(path: str) -> Address | None:
    """None for what is no path of the service."""
    if found := _NEW.fullmatch(path):
        return New(bytes.fromhex(found[1]))
    if found := _CONNECT.fullmatch(path):
        return Connect(bytes.fromhex(found[1]), bytes.fromhex(found[2]))
    if found := _CONTACT.fullmatch(path):
        return Contact(_parse_contact(found[1]))
    return Standby() if path == STANDBY else None


def contact_path(contact: ContactId) -> str:
    return f"/cable/contact/{websafe_encode(bytes(contact))}"


def parse_payload(header: str | None) -> bytes | None:
    """What a linked client tells the device it rings; not looked into here."""
    if not header or len(header) > 2 * _LONGEST_PAYLOAD:
        return None
    try:
        return bytes.fromhex(header)
    except ValueError:
        return None


def _parse_contact(text: str) -> ContactId | None:
    try:
        data = websafe_decode(text)
    except ValueError:
        return None
    return ContactId.parse(data) if websafe_encode(data) == text else None
