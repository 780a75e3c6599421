"""A virtual NFC card in the virtual reader of vsmartcard: for programs that read FIDO cards by PC/SC.

The reader (`vpcd`, a driver of `pcscd`) listens on TCP; whoever connects is the card. Frames are two bytes of length
and their content; a content of one byte is an order (power off, power on, reset, tell the ATR), others are APDUs.
"""

import socket
import threading
import time
from typing import Final

from ostiary.authenticator.hosts.ctaphid import KEEP_ALIVE_EVERY, Status
from ostiary.authenticator.hosts.hid_device import Authenticator
from ostiary.authenticator.hosts.nfc_card import Card, Poll, Work
from ostiary.authenticator.ports import Exchange

PORT: Final = 35963

_POWER_OFF, _POWER_ON, _RESET, _TELL_ATR = 0, 1, 2, 4
_ATR: Final = bytes.fromhex("3b8d80014f737469617279204e4643204b47")  # T=1; says who it is in its historical bytes
_FAILED: Final = b"\x7f"  # CTAP1_ERR_OTHER


class ReaderUnavailable(Exception):
    """There is no virtual reader to lie on. The text says what helps."""


class VirtualCard:
    """Lies on the reader until `close`. One request at a time, as cards do."""

    def __init__(self, connection: socket.socket, authenticator: Authenticator, *, source: str = "NFC card") -> None:
        self._connection = connection
        self._authenticator = authenticator
        self._source = source
        self._card = Card()
        self._exchange = Exchange()
        self._thread: threading.Thread | None = None
        self._answer = _FAILED
        self._is_waiting_for_person = False

    def serve(self) -> None:
        try:
            while (frame := self._read()) is not None:
                answer = self._order(frame[0]) if len(frame) == 1 else self._apdu(frame)
                if answer is not None:
                    self._connection.sendall(len(answer).to_bytes(2, "big") + answer)
        except OSError:  # closed, by either side
            pass
        finally:
            self._abandon()
            self._connection.close()

    def close(self) -> None:
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            self._connection.close()

    def _read(self) -> bytes | None:
        head = self._exactly(2)
        return self._exactly(int.from_bytes(head, "big")) if head else None

    def _exactly(self, length: int) -> bytes | None:
        content = bytearray()
        while len(content) < length:
            part = self._connection.recv(length - len(content))
            if not part:
                return None
            content += part
        return bytes(content)

    def _order(self, order: int) -> bytes | None:
        if order == _TELL_ATR:
            return _ATR
        if order in (_POWER_OFF, _POWER_ON, _RESET):
            self._abandon()
            self._card = Card()
        return None

    def _apdu(self, raw: bytes) -> bytes:
        answer = self._card.receive(raw)
        if isinstance(answer, bytes):
            return answer
        if isinstance(answer, Work):
            self._start(answer.message)
            timeout = KEEP_ALIVE_EVERY / 1000 if answer.may_poll else None
        else:
            if answer.is_cancel:
                self._exchange.cancelled.set()
            timeout = KEEP_ALIVE_EVERY / 1000
        return self._finish(answer, timeout)

    def _start(self, message: bytes) -> None:
        self._is_waiting_for_person = False
        self._answer = _FAILED
        self._exchange = Exchange(source=self._source, on_waiting=self._wait_for_person)
        self._thread = threading.Thread(target=self._run, args=(message, self._exchange), daemon=True)
        self._thread.start()

    def _run(self, message: bytes, exchange: Exchange) -> None:
        try:
            answer = self._authenticator(message, exchange)
        except Exception:  # the app is gone, say: the reader waits for an answer
            answer = _FAILED
        if exchange is self._exchange:  # nobody reset the card meanwhile
            self._answer = answer

    def _finish(self, asked: Work | Poll, timeout: float | None) -> bytes:
        assert self._thread is not None
        self._thread.join(timeout)
        if self._thread.is_alive():
            return self._card.keep_alive(Status.UPNEEDED if self._is_waiting_for_person else Status.PROCESSING)
        return self._card.answer(self._answer, asked.expected)

    def _wait_for_person(self) -> None:
        self._is_waiting_for_person = True

    def _abandon(self) -> None:
        self._exchange.cancelled.set()


def insert_card(
    authenticator: Authenticator, *, host: str = "127.0.0.1", port: int = PORT, patience: float = 3.0
) -> VirtualCard:
    """`patience`: seconds, for a reader that another card has just left listens again only after a moment. Raises
    `ReaderUnavailable`."""
    until = time.monotonic() + patience
    while True:
        try:
            connection = socket.create_connection((host, port), timeout=5)
            break
        except OSError as error:
            if time.monotonic() >= until:
                raise ReaderUnavailable(
                    "There is no virtual card reader on this computer. Install it with: "
                    "sudo apt-get install pcscd vsmartcard-vpcd"
                ) from error
            time.sleep(0.1)
    connection.settimeout(None)
    return VirtualCard(connection, authenticator)
