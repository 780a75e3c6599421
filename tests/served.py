"""A real `ostiary serve` on SQLite and loopback, people with passkeys in it, and clients that speak HTTP to it.

For what only a process of its own can show: what it costs, and what is left of it after a `kill -9`.
"""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from ostiary.clock import as_datetime, system_clock
from ostiary.identifiers import new_id
from ostiary.identity import administration, passkey_registration
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.passkey_registration import Naming
from ostiary.identity.relying_party import RelyingParty
from ostiary.identity.sessions import SignedIn
from ostiary.passkeys import creation_options, parse_registration_response, verify_registration
from ostiary.storage import people
from ostiary.storage.database import Database, Transaction, sqlite_url
from ostiary.storage.migrate import migrate
from ostiary.storage.people import Person
from ostiary.storage.sessions import Session
from tests.software_authenticator import SoftwareAuthenticator

_START_WITHIN: Final = 30.0
_NAMING: Final = Naming(device="Windows", month="May 2026", passkey="Passkey", phone="Phone", security_key="Key")
_SENT_BY_BROWSERS: Final = (
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/156.0.0.0 Safari/537.36\r\n"
    "Accept: application/json\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\n"
    "Sec-Fetch-Dest: empty\r\n"
    "Sec-Fetch-Mode: cors\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
)


@dataclass(frozen=True)
class Owner:
    """A person and the authenticator that holds their passkey."""

    person: Person
    authenticator: SoftwareAuthenticator


class ServedOrganisation:
    """Contoso in a data directory, and the process that serves it, started and stopped any number of times."""

    def __init__(self, data: Path) -> None:
        self.data = data
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.origin = f"http://localhost:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        database = Database(sqlite_url(self.path))
        migrate(database)
        with database.transaction() as tx:
            organization = administration.create_organization(
                tx, name="Contoso", domain="contoso.example", now=system_clock()
            )
        self._organization_id = organization.id
        self._relying_party = RelyingParty("localhost", organization.name, (self.origin,))
        database.close()

    @property
    def path(self) -> Path:
        return self.data / "ostiary.db"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    # --- people

    def add_owners(self, count: int) -> list[Owner]:
        """People who have a passkey and nothing else: no password, whose hash would take longer than all the rest."""
        database = Database(sqlite_url(self.path))
        with database.transaction() as tx:
            owners = []
            for _ in range(count):
                person = self._new_person()
                people.insert_person(tx, person)
                authenticator = SoftwareAuthenticator()
                self._register(tx, person, authenticator)
                owners.append(Owner(person, authenticator))
        database.close()
        return owners

    def _new_person(self) -> Person:
        name = f"p{secrets.token_hex(5)}"
        return Person(
            id=new_id(),
            organization_id=self._organization_id,
            username=f"{name}@contoso.example",
            display_name=name.title(),
            user_handle=secrets.token_bytes(32),
            is_enabled=True,
            must_change_password=False,
            preferred_second_factor=None,
            created_at=system_clock(),
        )

    def _register(self, tx: Transaction, person: Person, authenticator: SoftwareAuthenticator) -> None:
        """The whole registration ceremony, as for a session that may."""
        now, challenge, relying_party = system_clock(), secrets.token_bytes(32), self._relying_party
        options = creation_options(
            challenge=challenge,
            rp_id=relying_party.id,
            rp_name=relying_party.name,
            user_handle=person.user_handle,
            user_name=person.username,
            user_display_name=person.display_name,
        )
        facts = verify_registration(
            response=parse_registration_response(authenticator.create(options, self.origin)),
            challenge=challenge,
            origins=relying_party.origins,
            rp_id=relying_party.id,
            at=as_datetime(now),
        )
        signed_in = SignedIn(Session(new_id(), b"", person.id, "[]", "", "", now, now, now), person, ())
        passkey_registration.finish(
            tx, signed_in, facts, relying_party, _NAMING, None, is_compromised=False, caller=COMMAND_LINE, now=now
        )

    # --- the process

    def start(self, **settings: str) -> None:
        command = [str(Path(sys.executable).with_name("ostiary")), "serve"]
        command += ["--data", str(self.data), "--port", str(self.port)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("OSTIARY_")}
        environment |= {"OSTIARY_PUBLIC_URL": self.origin, "OSTIARY_CONFIG": str(self.data / "none.toml")}
        environment |= {f"OSTIARY_{name.upper()}": value for name, value in settings.items()}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + _START_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1):
                    return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"the server did not start:\n{self._log.read_text()}")

    def kill(self) -> None:
        """`kill -9`: it gets to finish nothing."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process = None

    @property
    def _log(self) -> Path:
        return self.data / "server.log"


@contextmanager
def served_organisation(data: Path) -> Iterator[ServedOrganisation]:
    """Not started yet; stopped at the end."""
    served = ServedOrganisation(data)
    try:
        yield served
    finally:
        served.stop()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value


@dataclass
class Client:
    """One browser with one kept connection. A new `cookies` makes it a browser nobody has seen."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    _reader: asyncio.StreamReader = field(init=False)
    _writer: asyncio.StreamWriter = field(init=False)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    async def __aenter__(self) -> "Client":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def get(self, path: str) -> Answer:
        return await self._exchange(f"GET {path} HTTP/1.1\r\n{self._headers()}\r\n".encode())

    async def post(self, path: str, value: object) -> Answer:
        body = json.dumps(value, separators=(",", ":")).encode()
        head = (
            f"POST {path} HTTP/1.1\r\n{self._headers()}Origin: {self.origin}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return await self._exchange(head.encode() + body)

    async def sign_in(self, authenticator: SoftwareAuthenticator) -> Answer:
        """The two requests of a passkey sign-in."""
        options = await self.post("/sign-in/passkey/options", {})
        assert options.status == 200, options
        return await self.post("/sign-in/passkey", authenticator.get(options.json(), self.origin))

    def _headers(self) -> str:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return f"Host: localhost:{self.port}\r\n{_SENT_BY_BROWSERS}" + (f"Cookie: {cookie}\r\n" if cookie else "")

    async def _exchange(self, request: bytes) -> Answer:
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        length = 0
        for line in head[1:]:
            name, _, value = line.partition(": ")
            if name == "content-length":
                length = int(value)
            elif name == "set-cookie":
                self._keep(value)
        return Answer(int(head[0].split(" ")[1]), await self._reader.readexactly(length))

    def _keep(self, set_cookie: str) -> None:
        name, _, rest = set_cookie.partition("=")
        if "Max-Age=0" in rest:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = rest.partition(";")[0]
