"""Which step a transaction has come to, and what helps when it stays there."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final


class Step(StrEnum):
    QR_SHOWN = "qr_shown"
    BLUETOOTH_ON = "bluetooth_on"
    ADVERT_HEARD = "advert_heard"
    TUNNEL_CONNECTED = "tunnel_connected"
    HANDSHAKE_DONE = "handshake_done"
    WAITING_FOR_PERSON = "waiting_for_person"
    DONE = "done"


WHEN_STUCK: Final = {
    Step.QR_SHOWN: "Turn Bluetooth on, on this computer.",
    Step.BLUETOOTH_ON: "Scan the code with the phone's camera, keep the phone near, and turn its Bluetooth on.",
    Step.ADVERT_HEARD: "The phone is near, but its tunnel service does not answer: check the Internet connection.",
    Step.TUNNEL_CONNECTED: "The phone does not answer: check its Internet connection, and begin again with a new code.",
    Step.HANDSHAKE_DONE: "The phone is connected. Begin again if nothing happens.",
    Step.WAITING_FOR_PERSON: "Approve on the phone.",
    Step.DONE: "",
}

Progress = Callable[[Step], None]


def no_progress(step: Step) -> None:
    """For those who do not watch."""
