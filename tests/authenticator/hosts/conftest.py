"""The virtual card reader, where this computer has one."""

import gc
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from ostiary.authenticator.hosts.vpcd import PORT


@pytest.fixture
def pcscd() -> Iterator[None]:
    program = shutil.which("pcscd")
    if program is None or os.geteuid() != 0:
        pytest.skip("needs root, and Debian's pcscd and vsmartcard-vpcd")
    process = subprocess.Popen([program, "--foreground"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                break
        time.sleep(0.1)
    try:
        yield
    finally:
        gc.collect()  # connections say goodbye to the service when they go
        process.terminate()
        process.wait(10)
