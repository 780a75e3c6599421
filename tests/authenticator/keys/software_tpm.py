"""Debian's software TPM on loopback, with its state in a directory."""

import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from tpm2_pytss import ESAPI, TSS2_Exception
from tpm2_pytss.constants import ESYS_TR, TPM2_CAP

_TRANSIENT, _SESSIONS = 0x80000000, 0x02000000


class SoftwareTpm:
    def __init__(self, state: Path) -> None:
        self._state = state
        state.mkdir()
        self._port = _two_free_ports()
        self.tcti = f"swtpm:host=127.0.0.1,port={self._port}"
        self.start()
        # As most computers' TPMs are made; the software one gives up at the third wrong password.
        self.allow_tries(32)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *("swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self._state}"),
                *("--ctrl", f"type=tcp,port={self._port + 1}", "--server", f"type=tcp,port={self._port}"),
                *("--flags", "not-need-init,startup-clear"),
            ]
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "the software TPM does not start"
                time.sleep(0.02)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def allow_tries(self, tries: int) -> None:
        with _connected(self.tcti) as esapi:
            esapi.dictionary_attack_parameters(tries, 1000, 1000, ESYS_TR.LOCKOUT)

    def handles(self) -> int:
        """How many objects and sessions it holds."""
        with _connected(self.tcti) as esapi:
            held = 0
            for first in (_TRANSIENT, _SESSIONS):
                # the list lies in the memory of the whole answer, which must outlive it
                _, answer = esapi.get_capability(TPM2_CAP.HANDLES, first, 32)
                held += len(list(answer.data.handles))
            return held


def _connected(tcti: str) -> Any:
    """The software TPM serves one connection after another, and needs a moment between two."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return ESAPI(tcti)
        except TSS2_Exception:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def _two_free_ports() -> int:
    """One after the other, as the library wants them."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
