"""The fingerprint reader, against a small fprintd on a bus of our own: real messages, made-up fingers."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    message_bus,
    new_error,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from ostiary.authenticator.biometrics import MOST_WRONG_FINGERS, Finger, FingerprintReader
from tests.authenticator.keys.private_bus import private_bus

NAME, DEVICE = "net.reactivated.Fprint", "/net/reactivated/Fprint/Device/0"
Said = list[tuple[str, bool]]


class Fprintd:
    """Answers as fprintd does, and says `said` of every finger put on the reader."""

    def __init__(
        self, bus: str, said: Said, *, fails_at: str = "", fingers: tuple[str, ...] = ("right-thumb",)
    ) -> None:
        self._said, self._fails_at, self._fingers = said, fails_at, fingers
        self.asked: list[str] = []
        self._connection: DBusConnection = open_dbus_connection(bus)
        self._connection.send_and_get_reply(message_bus.RequestName(NAME))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                message = self._connection.receive(timeout=0.02)
            except TimeoutError:
                continue
            if message.header.message_type is MessageType.method_call:
                self._answer(message, str(message.header.fields[HeaderFields.member]))

    def _answer(self, message: Message, method: str) -> None:
        self.asked.append(method)
        if method == self._fails_at:
            self._connection.send(new_error(message, f"{NAME}.Error.Internal"))
        elif method == "GetDefaultDevice":
            self._connection.send(new_method_return(message, "o", (DEVICE,)))
        elif method == "ListEnrolledFingers":
            self._connection.send(new_method_return(message, "as", (list(self._fingers),)))
        else:
            self._connection.send(new_method_return(message))
        if method == "VerifyStart":
            for status in self._said:
                send_status(self._connection, *status)


def send_status(connection: DBusConnection, result: str, is_done: bool, to: str | None = None) -> None:
    signal = new_signal(DBusAddress(DEVICE, NAME, f"{NAME}.Device"), "VerifyStatus", "sb", (result, is_done))
    if to is not None:
        signal.header.fields[HeaderFields.destination] = to
    connection.send(signal)


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    with private_bus(tmp_path) as address:
        yield address


@contextmanager
def fprintd(
    bus: str, said: Said, *, fails_at: str = "", fingers: tuple[str, ...] = ("right-thumb",)
) -> Iterator[Fprintd]:
    running = Fprintd(bus, said, fails_at=fails_at, fingers=fingers)
    try:
        yield running
    finally:
        running.close()


def reader(bus: str) -> FingerprintReader:
    return FingerprintReader(bus=bus, trusted_user=os.getuid(), patience=2)


@pytest.mark.parametrize(
    "said, expected",
    [
        ([("verify-match", True)], Finger.MATCHED),
        ([("verify-no-match", True)], Finger.NO_MATCH),
        ([("verify-swipe-too-short", False), ("verify-retry-scan", False), ("verify-match", True)], Finger.MATCHED),
        ([("verify-disconnected", True)], Finger.UNAVAILABLE),
        ([("verify-unknown-error", True)], Finger.UNAVAILABLE),
        ([("verify-no-match", True), ("verify-match", True)], Finger.NO_MATCH),
    ],
)
def test_says_what_fprintd_said(bus: str, said: Said, expected: Finger) -> None:
    with fprintd(bus, said) as service:
        assert reader(bus).is_available
        assert reader(bus).verify(threading.Event()) is expected
    assert service.asked[-5:] == ["GetDefaultDevice", "Claim", "VerifyStart", "VerifyStop", "Release"]


def test_gives_up_when_told_to(bus: str) -> None:
    cancelled = threading.Event()
    with fprintd(bus, []) as service:
        threading.Timer(0.2, cancelled.set).start()
        started = time.monotonic()
        assert reader(bus).verify(cancelled) is Finger.CANCELLED
        assert time.monotonic() - started < 2
    assert service.asked[-2:] == ["VerifyStop", "Release"]


def test_gives_up_when_time_is_over(bus: str) -> None:
    with fprintd(bus, [("verify-retry-scan", False)]) as service:
        assert reader(bus).verify(threading.Event(), timeout=0.2) is Finger.TIMED_OUT
    assert service.asked[-2:] == ["VerifyStop", "Release"]


@pytest.mark.parametrize("method", ["GetDefaultDevice", "Claim", "VerifyStart", "VerifyStop", "Release"])
def test_a_reader_that_refuses_is_not_a_match(bus: str, method: str) -> None:
    with fprintd(bus, [("verify-no-match", True)], fails_at=method):
        expected = Finger.NO_MATCH if method in ("VerifyStop", "Release") else Finger.UNAVAILABLE
        assert reader(bus).verify(threading.Event()) is expected


def test_is_not_available_without_a_finger_enrolled(bus: str) -> None:
    with fprintd(bus, [], fingers=()):
        assert not reader(bus).is_available
    with fprintd(bus, [], fails_at="ListEnrolledFingers"):
        assert not reader(bus).is_available


def test_looks_for_a_reader_once_a_minute(bus: str) -> None:
    fingers = reader(bus)
    with fprintd(bus, []) as service:
        assert [fingers.is_available for _ in range(3)] == [True] * 3
    assert service.asked.count("ListEnrolledFingers") == 1


def test_is_not_available_without_fprintd(bus: str) -> None:
    for address in (bus, "unix:path=/nonexistent/bus", "tcp:host=localhost", ""):
        absent = FingerprintReader(bus=address)
        assert not absent.is_available
        assert absent.verify(threading.Event()) is Finger.UNAVAILABLE


def test_refuses_a_name_that_another_user_owns(bus: str) -> None:
    with fprintd(bus, [("verify-match", True)]):
        stranger = FingerprintReader(bus=bus, trusted_user=os.getuid() + 1)
        assert stranger.verify(threading.Event()) is Finger.UNAVAILABLE


def test_refuses_a_match_that_another_program_sent(bus: str) -> None:
    """Directed at every connection of the bus, over and over while fprintd has seen no finger."""
    ended = threading.Event()
    liar = open_dbus_connection(bus)

    def lie() -> None:
        while not ended.wait(0.01):
            send_status(liar, "verify-match", True)
            (names,) = liar.send_and_get_reply(message_bus.ListNames()).body
            for name in names:
                if name.startswith(":") and name != liar.unique_name:
                    send_status(liar, "verify-match", True, name)

    with fprintd(bus, []):
        thread = threading.Thread(target=lie)
        thread.start()
        try:
            assert reader(bus).verify(threading.Event(), timeout=0.5) is Finger.TIMED_OUT
        finally:
            ended.set()
            thread.join()
            liar.close()


def test_wants_the_pin_after_three_wrong_fingers(bus: str) -> None:
    fingers = reader(bus)
    with fprintd(bus, [("verify-no-match", True)]):
        for _ in range(MOST_WRONG_FINGERS):
            assert fingers.is_available
            assert fingers.verify(threading.Event()) is Finger.NO_MATCH
        assert not fingers.is_available
        assert fingers.verify(threading.Event()) is Finger.UNAVAILABLE
    with fprintd(bus, [("verify-match", True)]):
        assert fingers.verify(threading.Event()) is Finger.UNAVAILABLE
        fingers.forget_wrong_fingers()
        assert fingers.verify(threading.Event()) is Finger.MATCHED
