"""The app's own process: one that runs already, or one to be started behind the terminal."""

import os
import sys
import time
import webbrowser
from pathlib import Path
from typing import Final

from ostiary.authenticator.app.agent import SOCKET
from ostiary.authenticator.app.agent_client import AgentClient, NotRunning
from ostiary.cli.printing import fail, say

START_WITHIN: Final = 15.0


def open_running(directory: Path, *, opens: bool, patience: float = 0.0) -> bool:
    """Whether an app runs on this directory; then its window is what was asked for."""
    until = time.monotonic() + patience
    while True:
        try:
            with AgentClient(directory / SOCKET) as agent:
                url = agent.call("open")["url"]
            break
        except NotRunning:
            if time.monotonic() >= until:
                return False
            time.sleep(0.1)
    print(f"The Authenticator is running already. Open it at {url}", flush=True)
    if opens and url:
        webbrowser.open(url)
    return True


def start_behind(directory: Path, *, port: int, tpm: bool, bluetooth: str = "") -> None:
    """A process of its own, which answers once this returns."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ostiary", "authenticator", "--data", str(directory), "--port", str(port)]
    log = str(directory / "app.log")
    pid = os.posix_spawn(
        sys.executable,
        [*command, "--no-browser", *(["--tpm"] if tpm else []), *(["--bluetooth", bluetooth] if bluetooth else [])],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,  # it outlives the terminal
    )
    until = time.monotonic() + START_WITHIN
    while time.monotonic() < until and os.waitpid(pid, os.WNOHANG) == (0, 0):
        try:
            with AgentClient(directory / SOCKET) as agent:
                agent.call("status")
        except NotRunning:
            time.sleep(0.05)
        else:
            say("The Authenticator is running.")
            return
    fail(f"The Authenticator did not start. Its log says why: {log}")


def is_running(directory: Path) -> bool:
    try:
        AgentClient(directory / SOCKET).close()
    except NotRunning:
        return False
    return True
