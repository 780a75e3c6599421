"""The person's finger, for the app: a reader that is there or not, and a yes or no."""

import threading
from pathlib import Path
from typing import Final

from ostiary.authenticator.app.ports import Fingerprints
from ostiary.authenticator.biometrics import Finger, FingerprintReader

SYSTEM_BUS: Final = Path("/run/dbus/system_bus_socket")
SERVICE_FILE: Final = Path("/usr/share/dbus-1/system-services/net.reactivated.Fprint.service")


def find_fingerprints() -> Fingerprints | None:
    """None where fprintd is not installed, so that nothing is asked of the bus."""
    if not SYSTEM_BUS.exists() or not SERVICE_FILE.exists():
        return None
    return SystemFingerprints(FingerprintReader())


class SystemFingerprints:
    """A finger that matched is one the system knows as this very user's. Three wrong ones in a row, and the PIN is
    asked for instead."""

    def __init__(self, reader: FingerprintReader) -> None:
        self._reader = reader

    @property
    def is_available(self) -> bool:
        return self._reader.is_available

    def verify(self, cancelled: threading.Event, timeout: float) -> bool:
        return self._reader.verify(cancelled, timeout=timeout) is Finger.MATCHED

    def pin_was_right(self) -> None:
        self._reader.forget_wrong_fingers()
