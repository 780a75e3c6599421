"""A virtual USB security key on Linux, through `/dev/uhid`: for every browser, libfido2 and OpenSSH.

The kernel's interface is `linux/uhid.h`: packed little-endian structures, one event a read and one a write.
"""

import errno
import os
import select
import struct
from pathlib import Path
from typing import Final

from ostiary.authenticator.hosts.ctaphid import REPORT_LENGTH

DEVICE: Final = Path("/dev/uhid")
NAME: Final = "Ostiary Authenticator"

UDEV_RULE: Final = """\
# Lets whoever sits at this computer offer a virtual security key. That programs may use it, systemd sees to:
# its own rules know a FIDO device by the usage page.
KERNEL=="uhid", SUBSYSTEM=="misc", TAG+="uaccess", OPTIONS+="static_node=uhid"
"""

# USB HID usage tables: usage page F1D0, one input and one output report of 64 bytes (CTAP 2.1 §11.2.8.2)
REPORT_DESCRIPTOR: Final = bytes.fromhex(
    "06d0f1"  # usage page (FIDO alliance)
    "0901"  # usage (CTAPHID)
    "a101"  # collection (application)
    "0920150026ff0075089540" + "8102"  # input: 64 bytes
    "0921150026ff0075089540" + "9102"  # output: 64 bytes
    "c0"
)

_DESTROY, _START, _STOP, _OPEN, _CLOSE, _OUTPUT = 1, 2, 3, 4, 5, 6
_GET_REPORT, _GET_REPORT_REPLY, _CREATE2, _INPUT2, _SET_REPORT, _SET_REPORT_REPLY = 9, 10, 11, 12, 13, 14
_CREATE: Final = struct.Struct("<I128s64s64sHHIIII4096s")
_INPUT: Final = struct.Struct("<IH4096s")
_REPLY: Final = struct.Struct("<IIH")
_EVENT_LENGTH: Final = 4380
_USB: Final = 0x03
_VENDOR, _PRODUCT = 0x1D50, 0x6F53  # a community vendor; programs go by the usage page alone
_MOST_DATA: Final = 4096


class UhidUnavailable(Exception):
    """There is no virtual key to be made here. The text says why, and what helps."""


class UhidPort:
    """The reports of one virtual device. It is there while this object is open."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        create = _CREATE.pack(
            _CREATE2,
            NAME.encode(),
            b"ostiary",
            b"",
            len(REPORT_DESCRIPTOR),
            _USB,
            _VENDOR,
            _PRODUCT,
            1,
            0,
            REPORT_DESCRIPTOR.ljust(_MOST_DATA, b"\0"),
        )
        os.write(descriptor, create)

    def read(self, timeout: float) -> bytes | None:
        ready, _, _ = select.select([self._descriptor], [], [], timeout)
        if not ready:
            return None
        event = os.read(self._descriptor, _EVENT_LENGTH)
        if len(event) < 4:
            raise EOFError
        return self._take(event)

    def write(self, report: bytes) -> None:
        os.write(self._descriptor, _INPUT.pack(_INPUT2, len(report), report.ljust(_MOST_DATA, b"\0")))

    def close(self) -> None:
        try:
            os.write(self._descriptor, struct.pack("<I", _DESTROY))
        finally:
            os.close(self._descriptor)

    def _take(self, event: bytes) -> bytes | None:
        kind = int.from_bytes(event[:4], "little")
        if kind == _OUTPUT and len(event) >= 4 + _MOST_DATA + 2:
            size = int.from_bytes(event[4 + _MOST_DATA : 6 + _MOST_DATA], "little")
            data = event[4 : 4 + min(size, _MOST_DATA)]
            # the first byte is the number of the report, which devices with one report do not have
            return data[1:] if len(data) == REPORT_LENGTH + 1 else data
        if kind in (_GET_REPORT, _SET_REPORT) and len(event) >= 8:  # no feature reports: the kernel waits for a reply
            identifier = int.from_bytes(event[4:8], "little")
            reply = _GET_REPORT_REPLY if kind == _GET_REPORT else _SET_REPORT_REPLY
            body = _REPLY.pack(reply, identifier, errno.EIO)
            os.write(self._descriptor, body + b"\0\0" if reply == _GET_REPORT_REPLY else body)
        return None


def open_uhid(path: Path = DEVICE) -> UhidPort:
    """Raises `UhidUnavailable`."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise UhidUnavailable(
            "This kernel offers no virtual USB devices. Load its module with: sudo modprobe uhid"
        ) from error
    except PermissionError as error:
        raise UhidUnavailable(
            "You may not make virtual USB devices. Install the udev rule that this command prints with --udev-rule."
        ) from error
    try:
        return UhidPort(descriptor)
    except OSError as error:
        os.close(descriptor)
        raise UhidUnavailable(f"The kernel did not take the virtual device: {error.strerror}.") from error
