"""A real `ostiary serve --demo` on loopback, and people to visit it: what a browser meets is what a person meets."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pyotp

from ostiary.clock import system_clock
from ostiary.identity import administration
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.methods import Codes
from ostiary.identity.sealing import Sealer, key_from_file
from ostiary.storage.database import Database, sqlite_url

PASSWORD = "analytical-engine-1843"
SECRET = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"


@dataclass
class Visitor:
    username: str
    name: str

    def code(self) -> str:
        return pyotp.TOTP(SECRET).now()


class LiveServer:
    def __init__(self, data: Path) -> None:
        self.data = data
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(Path(sys.executable).with_name("ostiary")), "serve", "--demo"]
        command += ["--data", str(self.data), "--port", str(self.port)]
        environment = {**os.environ, "OSTIARY_CONFIG": str(self.data / "none.toml")}
        with (self.data / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.data / "server.log").read_text())

    def stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)

    def add_person(self, display_name: str, *, with_code: bool = True) -> Visitor:
        """Somebody new, so that no test stumbles over another's passkeys."""
        username = f"p{uuid4().hex[:10]}@contoso.example"
        database = Database(sqlite_url(self.data / "ostiary.db"))
        codes = Codes(Sealer(key_from_file(self.data / "sealing.key")))
        with database.transaction() as tx:
            person, _ = administration.create_person(
                tx,
                username=username,
                display_name=display_name,
                password=PASSWORD,
                must_change_password=False,
                actor=None,
                caller=COMMAND_LINE,
                now=system_clock(),
            )
            if with_code:
                administration.add_code_generator(
                    tx, person, codes, secret=SECRET, name="Authenticator app", now=system_clock()
                )
        database.close()
        return Visitor(username, display_name)
