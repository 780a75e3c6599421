"""The app's fingerprint reader over a small fprintd on a bus of our own."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.authenticator.app.fingerprints import SystemFingerprints, find_fingerprints
from ostiary.authenticator.biometrics import MOST_WRONG_FINGERS
from tests.authenticator.keys.private_bus import private_bus
from tests.authenticator.keys.test_biometrics import fprintd, reader


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    with private_bus(tmp_path) as address:
        yield address


def test_a_finger_that_matches_is_a_yes(bus: str) -> None:
    with fprintd(bus, [("verify-match", True)]):
        fingerprints = SystemFingerprints(reader(bus))
        assert fingerprints.is_available
        assert fingerprints.verify(threading.Event(), 5)


def test_wrong_fingers_lead_to_the_pin_which_forgives_them(bus: str) -> None:
    with fprintd(bus, [("verify-no-match", True)]):
        fingerprints = SystemFingerprints(reader(bus))
        assert not any(fingerprints.verify(threading.Event(), 5) for _ in range(MOST_WRONG_FINGERS))
        assert not fingerprints.is_available
        fingerprints.pin_was_right()
        assert fingerprints.is_available


def test_there_is_none_where_fprintd_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ostiary.authenticator.app.fingerprints.SERVICE_FILE", tmp_path / "none")
    assert find_fingerprints() is None
