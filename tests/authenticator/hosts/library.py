"""The `fido2` library at the other end of a host, and 64-byte reports without a kernel between them."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fido2.client import DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.ctap import CtapDevice
from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestationConveyancePreference,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from ostiary.authenticator.hosts.hid_device import Authenticator, HidDevice

ORIGIN = "https://login.contoso.example"
SERVER = Fido2Server(
    PublicKeyCredentialRpEntity(id="login.contoso.example", name="Contoso"),
    attestation=AttestationConveyancePreference.DIRECT,
)
REQUIRED = UserVerificationRequirement.REQUIRED
ADA = PublicKeyCredentialUserEntity(id=b"ada", name="ada@contoso.example", display_name="Ada")


class SocketReports:
    """64-byte reports over one end of a socket pair, in place of the kernel."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def read(self, timeout: float) -> bytes | None:
        if not select.select([self._end], [], [], timeout)[0]:
            return None
        report = self._end.recv(64)
        if not report:
            raise EOFError
        return report

    def write(self, report: bytes) -> None:
        self._end.send(report)


class SocketConnection(CtapHidConnection):
    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def read_packet(self) -> bytes:
        return self._end.recv(64)

    def write_packet(self, data: bytes) -> None:
        self._end.send(data)

    def close(self) -> None:
        self._end.close()


@contextmanager
def plugged_in(authenticator: Authenticator) -> Iterator[CtapHidDevice]:
    """The library's own device for it, as over USB."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    device = HidDevice(SocketReports(ours), authenticator)
    thread = threading.Thread(target=device.serve)
    thread.start()
    try:
        yield CtapHidDevice(HidDescriptor("", 0, 0, 64, 64, None, None), SocketConnection(theirs))
    finally:
        device.stop()
        thread.join(5)
        ours.close()
        theirs.close()
        assert not thread.is_alive()


def register_and_sign_in(device: CtapDevice) -> None:
    """With the library's own client, judged by its own server."""
    client = Fido2Client(device, DefaultClientDataCollector(ORIGIN), user_interaction=UserInteraction())
    options, state = SERVER.register_begin(
        ADA, resident_key_requirement=ResidentKeyRequirement.REQUIRED, user_verification=REQUIRED
    )
    made = SERVER.register_complete(state, client.make_credential(options.public_key))
    assert made.is_user_verified() and made.credential_data is not None
    request, state = SERVER.authenticate_begin(user_verification=REQUIRED)
    selection = client.get_assertion(request.public_key)
    SERVER.authenticate_complete(state, [made.credential_data], selection.get_response(0))
