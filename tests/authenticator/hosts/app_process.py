"""The app as a process of its own, and the person before it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ostiary.authenticator.app.agent import SOCKET
from ostiary.authenticator.app.agent_client import AgentClient, AgentError, NotRunning

PIN = "482915"
PATIENCE = 30.0


def ostiary(directory: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "ostiary", "authenticator", "--data", str(directory), *words]


class AppProcess:
    """`ostiary authenticator --no-browser`, which may die and be started again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / SOCKET
        self.log = directory / "app.log"
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.starts += 1
        self.directory.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(ostiary(self.directory, "--no-browser"), stdout=log, stderr=log)
        until(self._answers)

    def kill(self) -> None:
        """Without a word."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def ask(self, op: str, params: dict[str, Any] | None = None) -> Any:
        with AgentClient(self.path) as agent:
            return agent.call(op, params)

    def prompt(self) -> Any:
        """Once there is one."""
        return until(lambda: self.ask("prompt"))

    def _answers(self) -> bool:
        with suppress(NotRunning):
            return bool(self.ask("status"))
        return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
        self._process = None


@contextmanager
def person_before(app: AppProcess) -> Iterator[list[dict[str, Any]]]:
    """Types the PIN into every question; those asked so far."""
    asked: list[dict[str, Any]] = []
    gone = threading.Event()

    def answer() -> None:
        while not gone.wait(0.05):
            with suppress(AgentError, NotRunning):
                prompt = app.ask("prompt")
                if prompt is not None:
                    app.ask("prompt.approve", {"id": prompt["id"], "pin": PIN})
                    asked.append(prompt)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield asked
    finally:
        gone.set()
        thread.join(PATIENCE)


def until(question: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError("it did not come")


def end_by_socket(path: Path) -> None:
    """An app that somebody else started: asks the kernel who listens there."""
    import socket
    import struct

    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    os.kill(pid, signal.SIGTERM)
    until(lambda: not path.exists())
