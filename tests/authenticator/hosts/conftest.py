"""The virtual card reader, where this computer has one."""

import fcntl
import gc
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ostiary.authenticator.hosts.vpcd import PORT


@pytest.fixture
def pcscd() -> Iterator[None]:
    """There is one on a computer, so that tests in other processes wait for it."""
    program = shutil.which("pcscd")
    if program is None or os.geteuid() != 0:
        pytest.skip("needs root, and Debian's pcscd and vsmartcard-vpcd")
    with (Path(tempfile.gettempdir()) / "ostiary-tests-pcscd.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert _within(70, _is_free), f"somebody else has port {PORT}"
        process = subprocess.Popen([program, "--foreground"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert _within(10, _listens), "pcscd did not start"
            yield
        finally:
            gc.collect()  # connections say goodbye to the service when they go
            process.terminate()
            process.wait(10)


def _is_free() -> bool:
    """The reader does not ask for a port that lately somebody else had (TIME_WAIT, a minute)."""
    with socket.socket() as probe:
        try:
            probe.bind(("", PORT))
        except OSError:
            return False
    return True


def _listens() -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def _within(seconds: float, question: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if question():
            return True
        time.sleep(0.1)
    return False
