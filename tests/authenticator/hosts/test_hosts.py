"""The engine where it is plugged in, met by the `fido2` library's own devices and client."""

import errno
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fido2.ctap import CtapError
from fido2.ctap2.base import Ctap2
from fido2.hid import CAPABILITY, CTAPHID, CtapHidDevice

from ostiary.authenticator import AutomaticVerifier, Decision, Engine, Exchange, Outcome, Prompt
from ostiary.authenticator.hosts.ctaphid import LARGEST_MESSAGE
from ostiary.authenticator.hosts.in_process import InProcessDevice
from ostiary.authenticator.hosts.uhid import REPORT_DESCRIPTOR, UhidPort, UhidUnavailable, open_uhid
from ostiary.authenticator.hosts.vpcd import ReaderUnavailable, VirtualCard, insert_card
from ostiary.authenticator.keys import memory_key_store
from tests.authenticator.hosts.library import plugged_in, register_and_sign_in


class SlowPerson:
    """Takes her time, and approves unless the request is cancelled first."""

    can_verify = True
    can_choose = False

    def ask(self, prompt: Prompt, exchange: Exchange) -> Decision:
        if exchange.on_waiting is not None:
            exchange.on_waiting()
        if exchange.cancelled.wait(0.25):
            return Decision(outcome=Outcome.CANCELLED)
        return Decision(outcome=Outcome.APPROVED, is_verified=True)


def engine(verifier: AutomaticVerifier | SlowPerson | None = None) -> Engine:
    return Engine(keys=memory_key_store(), verifier=verifier or AutomaticVerifier())


@pytest.fixture
def hid() -> Iterator[CtapHidDevice]:
    with plugged_in(engine(SlowPerson()).ctap2) as device:
        yield device


def test_in_process_registers_and_signs_in() -> None:
    device = InProcessDevice(engine())
    assert list(InProcessDevice.list_devices()) == []
    assert device.call(CTAPHID.PING, b"x") == b"x"
    with pytest.raises(CtapError):
        device.call(CTAPHID.WINK)
    register_and_sign_in(device)


def test_usb_registers_and_signs_in_while_the_person_takes_time(hid: CtapHidDevice) -> None:
    assert hid.capabilities == CAPABILITY.CBOR | CAPABILITY.NMSG
    assert hid.ping(bytes(1000)) == bytes(1000)
    assert hid.ping(bytes(LARGEST_MESSAGE)) == bytes(LARGEST_MESSAGE)
    register_and_sign_in(hid)


def test_usb_tells_the_host_that_a_person_is_waited_for(hid: CtapHidDevice) -> None:
    told: list[int] = []
    Ctap2(hid).selection(on_keepalive=told.append)
    assert told == [2]


def test_usb_cancels_when_the_host_does(hid: CtapHidDevice) -> None:
    event = threading.Event()
    threading.Timer(0.1, event.set).start()
    with pytest.raises(CtapError) as refused:
        Ctap2(hid).selection(event=event)
    assert refused.value.code == CtapError.ERR.KEEPALIVE_CANCEL
    Ctap2(hid).selection()  # and is there for the next


def test_usb_answers_when_the_app_is_gone() -> None:
    def gone(request: bytes, exchange: Exchange) -> bytes:
        raise ConnectionResetError

    with plugged_in(gone) as device:
        assert device.call(CTAPHID.CBOR, b"\x04") == b"\x7f"


def test_uhid_speaks_the_kernels_structures() -> None:
    """`linux/uhid.h`; a socket that keeps messages apart stands in for the kernel's device."""
    ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with kernel:
        port = UhidPort(ours.detach())
        created = kernel.recv(8192)
        assert int.from_bytes(created[:4], "little") == 11  # UHID_CREATE2
        assert created[4:132].rstrip(b"\0") == b"Ostiary Authenticator"
        size = int.from_bytes(created[260:262], "little")
        assert created[280 : 280 + size] == REPORT_DESCRIPTOR
        assert port.read(0) is None

        report = bytes(range(64))
        for sent in (report, b"\0" + report):  # with the number of the report, which there is none of, or without
            kernel.send(struct.pack("<I4096sHB", 6, sent, len(sent), 1))  # UHID_OUTPUT
            assert port.read(1) == report
        kernel.send(struct.pack("<I", 4))  # UHID_OPEN: nothing to do
        assert port.read(1) is None

        kernel.send(struct.pack("<IIBB", 9, 7, 0, 0))  # UHID_GET_REPORT: the kernel waits for a reply
        assert port.read(1) is None
        assert struct.unpack("<IIHH", kernel.recv(8192)) == (10, 7, errno.EIO, 0)
        kernel.send(struct.pack("<IIBBH", 13, 8, 0, 0, 0))  # UHID_SET_REPORT
        assert port.read(1) is None
        assert struct.unpack("<IIH", kernel.recv(8192)) == (14, 8, errno.EIO)

        port.write(report)
        assert kernel.recv(8192)[:70] == struct.pack("<IH", 12, 64) + report  # UHID_INPUT2
        port.close()
        assert kernel.recv(8192) == struct.pack("<I", 1)  # UHID_DESTROY


def test_uhid_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UhidUnavailable, match="modprobe uhid"):
        open_uhid(tmp_path / "uhid")
    no_device = tmp_path / "file"
    no_device.symlink_to("/dev/full")
    with pytest.raises(UhidUnavailable, match="did not take"):
        open_uhid(no_device)


def test_a_card_answers_when_the_app_is_gone() -> None:
    def gone(request: bytes, exchange: Exchange) -> bytes:
        raise ConnectionResetError

    def send(apdu: str) -> bytes:
        reader.sendall((len(apdu) // 2).to_bytes(2, "big") + bytes.fromhex(apdu))
        return reader.recv(2 + int.from_bytes(reader.recv(2), "big"))

    ours, reader = socket.socketpair()
    card = VirtualCard(ours, gone)
    thread = threading.Thread(target=card.serve)
    thread.start()
    with reader:
        reader.settimeout(5)
        assert send("00a4040008a0000006472f000100") == b"FIDO_2_0\x90\x00"
        assert send("801000000104" + "00") == b"\x7f\x90\x00"
    thread.join(5)
    assert not thread.is_alive()


def test_a_card_says_when_there_is_no_reader() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ReaderUnavailable, match="vsmartcard-vpcd"):
        insert_card(engine().ctap2, port=port, patience=0)


@pytest.mark.slow
@pytest.mark.usefixtures("pcscd")
def test_nfc_registers_and_signs_in() -> None:
    from fido2.pcsc import CtapPcscDevice

    card = insert_card(engine(SlowPerson()).ctap2)
    thread = threading.Thread(target=card.serve)
    thread.start()
    devices: list[CtapPcscDevice] = []
    try:
        deadline = time.monotonic() + 10
        while not devices and time.monotonic() < deadline:
            time.sleep(0.2)
            devices = list(CtapPcscDevice.list_devices())
        device = devices.pop()
        for device.use_ext_apdu in (False, True):
            for device.use_nfcctap_getresponse in (True, False):
                register_and_sign_in(device)
        event = threading.Event()
        device.use_nfcctap_getresponse = True
        threading.Timer(0.1, event.set).start()
        with pytest.raises(CtapError) as refused:
            Ctap2(device).selection(event=event)
        assert refused.value.code == CtapError.ERR.KEEPALIVE_CANCEL
        device.close(release=True)
        del device
    finally:
        devices.clear()
        card.close()
        thread.join(5)
    assert not thread.is_alive()
