"""CTAPHID framing, packet by packet (CTAP 2.1 §11.2)."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.authenticator.hosts.ctaphid import (
    BROADCAST,
    LARGEST_MESSAGE,
    PACKET_WITHIN,
    REPORT_LENGTH,
    Cancelled,
    Command,
    Event,
    Problem,
    Protocol,
    Request,
    Send,
    Status,
    packets,
)

NONCE = bytes(range(8))


class Host:
    """The other side: sends whole messages, gathers whole answers."""

    def __init__(self) -> None:
        self.protocol = Protocol(randomness=os.urandom)
        self.now = 0

    def send(self, channel: int, command: int, message: bytes = b"") -> list[Event]:
        events: list[Event] = []
        for report in packets(channel, command, message):
            events += self.protocol.receive(report, self.now)
        return events

    def channel(self) -> int:
        command, body = reassemble(self.send(BROADCAST, Command.INIT, NONCE))
        assert command == Command.INIT and body[:8] == NONCE
        return int.from_bytes(body[8:12], "big")


def reassemble(events: list[Event]) -> tuple[int, bytes]:
    reports = [event.report for event in events if isinstance(event, Send)]
    assert all(len(report) == REPORT_LENGTH for report in reports)
    length = int.from_bytes(reports[0][5:7], "big")
    content = reports[0][7:] + b"".join(report[5:] for report in reports[1:])
    assert [report[4] for report in reports[1:]] == list(range(len(reports) - 1))
    return reports[0][4] & 0x7F, content[:length]


def problem(events: list[Event]) -> Problem:
    command, body = reassemble(events)
    assert command == Command.ERROR
    return Problem(body[0])


def test_gives_every_host_a_channel_of_its_own() -> None:
    host = Host()
    assert len({host.channel() for _ in range(20)}) == 20


def test_says_it_speaks_cbor_and_no_u2f() -> None:
    _, body = reassemble(Host().send(BROADCAST, Command.INIT, NONCE))
    assert body[12] == 2 and body[16] == 0x04 | 0x08


@given(st.binary(max_size=LARGEST_MESSAGE))
@settings(max_examples=30, deadline=None)
def test_echoes_a_ping_of_any_length(message: bytes) -> None:
    host = Host()
    assert reassemble(host.send(host.channel(), Command.PING, message)) == (Command.PING, message)


def test_hands_over_a_request_and_answers_it() -> None:
    host = Host()
    channel = host.channel()
    message = bytes(1000)
    assert host.send(channel, Command.CBOR, message) == [Request(channel, message)]
    assert reassemble(host.protocol.keep_alive(Status.UPNEEDED)) == (Command.KEEPALIVE, b"\x02")
    assert reassemble(host.protocol.answer(b"\0answer")) == (Command.CBOR, b"\0answer")
    assert host.protocol.keep_alive(Status.UPNEEDED) == []


def test_refuses_a_channel_nobody_was_given() -> None:
    host = Host()
    assert problem(host.send(0x01020304, Command.PING, b"x")) is Problem.INVALID_CHANNEL
    assert problem(host.send(0, Command.PING, b"x")) is Problem.INVALID_CHANNEL
    assert problem(host.send(BROADCAST, Command.PING, b"x")) is Problem.INVALID_CHANNEL
    assert problem(host.send(0x01020304, Command.INIT, NONCE)) is Problem.INVALID_CHANNEL


@pytest.mark.parametrize("command", [Command.MSG, Command.LOCK, Command.WINK, Command.KEEPALIVE, 0x2A, 0x7F])
def test_refuses_commands_it_does_not_have(command: int) -> None:
    host = Host()
    assert problem(host.send(host.channel(), command, b"x")) is Problem.INVALID_CMD


def test_refuses_an_initialisation_of_wrong_length() -> None:
    assert problem(Host().send(BROADCAST, Command.INIT, NONCE[:7])) is Problem.INVALID_LEN


def test_refuses_an_empty_request() -> None:
    host = Host()
    assert problem(host.send(host.channel(), Command.CBOR, b"")) is Problem.INVALID_LEN


def test_refuses_a_message_longer_than_packets_can_carry() -> None:
    host = Host()
    report = host.channel().to_bytes(4, "big") + b"\x90" + (LARGEST_MESSAGE + 1).to_bytes(2, "big")
    assert problem(host.protocol.receive(report, 0)) is Problem.INVALID_LEN


def test_refuses_packets_out_of_order() -> None:
    host = Host()
    first, second, third = list(packets(host.channel(), Command.CBOR, bytes(150)))
    assert host.protocol.receive(first, 0) == []
    assert problem(host.protocol.receive(third, 0)) is Problem.INVALID_SEQ
    assert host.protocol.receive(second, 0) == []  # belongs to nothing any more


def test_refuses_a_new_message_in_the_middle_of_one() -> None:
    host = Host()
    first, *_ = packets(host.channel(), Command.CBOR, bytes(150))
    host.protocol.receive(first, 0)
    assert problem(host.protocol.receive(first, 0)) is Problem.INVALID_SEQ


def test_gives_up_a_message_whose_next_packet_is_late() -> None:
    host = Host()
    channel = host.channel()
    first, *_ = packets(channel, Command.CBOR, bytes(150))
    host.protocol.receive(first, 0)
    assert host.protocol.tick(PACKET_WITHIN) == []
    assert problem(host.protocol.tick(PACKET_WITHIN + 1)) is Problem.MSG_TIMEOUT
    assert host.send(channel, Command.CBOR, b"\x04") == [Request(channel, b"\x04")]


def test_tells_other_channels_that_it_is_busy() -> None:
    host = Host()
    one, other = host.channel(), host.channel()
    first, *_ = packets(one, Command.CBOR, bytes(150))
    host.protocol.receive(first, 0)
    assert problem(host.send(other, Command.PING, b"x")) is Problem.CHANNEL_BUSY
    host = Host()
    one, other = host.channel(), host.channel()
    host.send(one, Command.CBOR, b"\x04")
    assert problem(host.send(other, Command.CBOR, b"\x04")) is Problem.CHANNEL_BUSY
    assert problem(host.send(one, Command.CBOR, b"\x04")) is Problem.CHANNEL_BUSY
    assert host.channel()  # a new host is still given a channel meanwhile


def test_cancels_only_what_the_same_channel_asked() -> None:
    host = Host()
    one, other = host.channel(), host.channel()
    assert host.send(one, Command.CANCEL) == []
    host.send(one, Command.CBOR, b"\x04")
    assert host.send(other, Command.CANCEL) == []
    assert host.send(one, Command.CANCEL) == [Cancelled(one)]


def test_an_initialisation_on_a_channel_begins_anew() -> None:
    host = Host()
    channel = host.channel()
    host.send(channel, Command.CBOR, b"\x04")
    cancelled, *answer = host.send(channel, Command.INIT, NONCE)
    assert cancelled == Cancelled(channel)
    assert reassemble(answer)[1][8:12] == channel.to_bytes(4, "big")


def test_forgets_the_oldest_channel_when_there_are_very_many() -> None:
    host = Host()
    first = host.channel()
    for _ in range(256):
        host.channel()
    assert problem(host.send(first, Command.PING, b"x")) is Problem.INVALID_CHANNEL


@given(st.lists(st.binary(max_size=REPORT_LENGTH + 10), max_size=40))
@settings(max_examples=200, deadline=None)
def test_survives_any_reports(reports: list[bytes]) -> None:
    host = Host()
    channel = host.channel().to_bytes(4, "big")
    for number, report in enumerate(reports):
        sent = channel + report if number % 2 else report
        for event in host.protocol.receive(sent, number * 100):
            if isinstance(event, Request):
                host.protocol.answer(b"\0")
    assert host.channel()
