"""A whole server for tests, with people in it, and browsers to visit it with. Real parts; only the clock is ours."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Barrier
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode

import httpx2 as httpx
import pyotp
from pydantic import SecretStr
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from ostiary.clock import SECOND
from ostiary.identity import administration
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.methods import Codes
from ostiary.identity.roles import Role
from ostiary.identity.sealing import Sealer, key_from_file
from ostiary.identity.trust import Trust
from ostiary.settings import Settings
from ostiary.storage import audit, methods, people, sessions
from ostiary.storage.announcements import Announcer
from ostiary.storage.audit import AuditEvent
from ostiary.storage.database import Database, Transaction
from ostiary.storage.methods import CredentialRecord, SignInMethod
from ostiary.storage.migrate import migrate
from ostiary.storage.people import Person
from ostiary.storage.sessions import Session
from ostiary.web.application import build_application, build_site
from ostiary.web.metrics import Metrics
from ostiary.web.site import Site
from tests.software_authenticator import SoftwareAuthenticator

ORIGIN = "https://login.contoso.example"
RP_ID = "login.contoso.example"
START = 1_795_000_000_000  # November 2026
PASSWORD = "analytical-engine-1843"
SECRET = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
)


HOME = "198.51.100.7"
_ADDRESS = b"x-test-address"

P = ParamSpec("P")
T = TypeVar("T")


class TickingClock:
    """Stands still until a test moves it."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, milliseconds: int) -> None:
        self.now += milliseconds


@dataclass
class Browser:
    """One browser: its cookies, its address, and what it sends with every request."""

    client: TestClient
    clock: TickingClock
    headers: dict[str, str] = field(default_factory=lambda: {"user-agent": CHROME})
    cookies: dict[str, str] = field(default_factory=dict)
    address: str = HOME

    def request(
        self,
        verb: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        json: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        is_page = form is not None or verb in ("GET", "HEAD")
        sent = {**self.headers, _ADDRESS.decode(): self.address, "accept": "text/html" if is_page else "*/*"}
        if verb not in ("GET", "HEAD"):
            sent |= {"sec-fetch-site": "same-origin", "origin": ORIGIN}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent |= headers or {}
        body: dict[str, Any] = {}
        if form is not None:
            body["content"] = urlencode(form).encode()
            sent.setdefault("content-type", "application/x-www-form-urlencoded")
        if json is not None:
            body["json"] = json
        if content is not None:
            body["content"] = content
        self.client.cookies.clear()
        response: httpx.Response = self.client.request(verb, path, headers=sent, follow_redirects=False, **body)
        for line in response.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0]
            if "Max-Age=0" in rest:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return response

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, form: Mapping[str, str] | None = None) -> httpx.Response:
        return self.request("POST", path, form=form or {})

    def send(self, path: str, json: object, verb: str = "POST") -> httpx.Response:
        return self.request(verb, path, json=json)

    def follow(self, response: httpx.Response) -> httpx.Response:
        assert response.status_code == 303, response.text
        return self.get(response.headers["location"])

    def copy(self) -> "Browser":
        """The same cookies, kept by somebody else."""
        return replace(self, headers=dict(self.headers), cookies=dict(self.cookies))

    # --- what people do

    def type_username(self, username: str = "ada") -> httpx.Response:
        return self.post("/sign-in", {"username": username})

    def type_password(self, password: str = PASSWORD) -> httpx.Response:
        return self.post("/sign-in/password", {"password": password})

    def type_code(self, code: str | None = None) -> httpx.Response:
        return self.post("/sign-in/code", {"code": self.code() if code is None else code})

    def code(self, secret: str = SECRET) -> str:
        return pyotp.TOTP(secret).at(self.clock() // SECOND)

    def sign_in(self, username: str = "ada", password: str = PASSWORD) -> httpx.Response:
        """By password and code; the next code, for each is taken once."""
        self.clock.advance(30 * SECOND)
        self.type_username(username)
        self.type_password(password)
        return self.type_code()

    def confirm(self) -> None:
        """A step-up by password and code, when it is time for one."""
        self.clock.advance(30 * SECOND)
        if self.get("/sign-in?step_up=1&next=/security-info").status_code == 303:
            return
        self.post("/sign-in/method", {"method": "password"})
        response = self.type_password()
        if response.headers.get("location") == "/sign-in":
            response = self.type_code()
        assert response.headers["location"] == "/security-info", response.text

    def register(self, authenticator: SoftwareAuthenticator, **tampering: Any) -> httpx.Response:
        options = self.send("/security-info/passkeys/options", {})
        assert options.status_code == 200, options.text
        return self.send("/security-info/passkeys", authenticator.create(options.json(), ORIGIN, **tampering))

    def sign_in_with(
        self, authenticator: SoftwareAuthenticator, username: str | None = None, **tampering: Any
    ) -> httpx.Response:
        body = {} if username is None else {"username": username}
        options = self.send("/sign-in/passkey/options", body)
        assert options.status_code == 200, options.text
        return self.send("/sign-in/passkey", authenticator.get(options.json(), ORIGIN, **tampering))


@dataclass
class Organisation:
    site: Site
    database: Database
    client: TestClient
    clock: TickingClock
    directory: Path

    def browser(self, address: str = HOME) -> Browser:
        return Browser(self.client, self.clock, address=address)

    def signed_in(self, username: str = "ada") -> Browser:
        """A browser in which this person has just signed in by password and code."""
        browser = self.browser()
        assert browser.sign_in(username).headers["location"] == "/security-info"
        return browser

    def add_person(self, username: str, *, with_code: bool = True, must_change_password: bool = False) -> None:
        with self.database.transaction() as tx:
            _add_person(
                tx,
                self.site.methods.code,
                username,
                with_code=with_code,
                must_change_password=must_change_password,
                now=self.clock(),
            )

    # --- what an administrator does on the machine

    def administer(self, use_case: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a use case in a transaction of its own."""
        with self.database.transaction() as tx:
            return use_case(tx, *args, **kwargs)

    def disable(self, username: str = "ada") -> None:
        self.administer(
            administration.set_person_enabled,
            username,
            is_enabled=False,
            actor=None,
            caller=COMMAND_LINE,
            now=self.clock(),
        )

    def assign(self, username: str, role: Role) -> None:
        self.administer(
            administration.assign_role, username=username, role=role, actor=None, caller=COMMAND_LINE, now=self.clock()
        )

    # --- what is stored

    def person(self, username: str = "ada") -> Person:
        return self.administer(administration.find_person, username)

    def methods(self, username: str = "ada") -> list[SignInMethod]:
        return self.administer(methods.methods_of, self.person(username).id)

    def method(self, kind: str, username: str = "ada") -> SignInMethod:
        """The person's newest method of this kind."""
        return [method for method in self.methods(username) if method.kind == kind][-1]

    def credentials(self, username: str = "ada") -> list[CredentialRecord]:
        return self.administer(methods.credentials_of, self.person(username).id)

    def sessions(self, username: str = "ada") -> list[Session]:
        return self.administer(sessions.sessions_of, self.person(username).id)

    def count_people(self) -> int:
        return self.administer(people.count_people)

    def events(self, event: str = "") -> list[AuditEvent]:
        """The audit log, newest first."""
        return self.administer(audit.newest_events, limit=1000, event=event)


def at_once(calls: "list[Callable[[], T]]") -> list[T]:
    """The answers to several calls that begin at the same moment."""
    barrier = Barrier(len(calls))

    def begin(call: Callable[[], T]) -> T:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(begin, calls))


def prepare(directory: Path, database_url: str | None = None) -> None:
    """Contoso with its people: `admin`, and `ada` and `grace` with password and code."""
    database = Database(_settings(directory, database_url).database)
    migrate(database)
    codes = Codes(Sealer(key_from_file(directory / "sealing.key")))
    with database.transaction() as tx:
        administration.create_organization(tx, name="Contoso", domain="contoso.example", now=START)
        for name in ("admin", "ada", "grace"):
            _add_person(tx, codes, name, with_code=True, must_change_password=False, now=START)
        administration.assign_role(
            tx, username="admin", role=Role.GLOBAL_ADMINISTRATOR, actor=None, caller=COMMAND_LINE, now=START
        )
    database.close()


@contextmanager
def open_organisation(
    directory: Path, database_url: str | None = None, *, clock: TickingClock | None = None
) -> Iterator[Organisation]:
    """A running server on what `prepare` made, or on a copy of it."""
    settings = _settings(directory, database_url)
    database = Database(settings.database)
    clock = clock or TickingClock()
    site = _build_site(settings, database, clock)
    with TestClient(_Addressed(build_application(site)), base_url=ORIGIN) as client:
        yield Organisation(site, database, client, clock, directory)
    database.close()


_sites: dict[bytes, Site] = {}


def _build_site(settings: Settings, database: Database, clock: TickingClock) -> Site:
    """As the server builds it. Copies of one organisation share the parts that hold no state, for reading the
    catalogues of languages takes longer than most tests."""
    key = key_from_file(settings.data / "sealing.key")
    if key not in _sites:
        _sites[key] = build_site(settings, database, clock=clock)
    return replace(
        _sites[key],
        database=database,
        announcer=Announcer(),
        clock=clock,
        metrics=Metrics(),
        trust=Trust(),
        hashing=ThreadPoolExecutor(2, "hashing"),
    )


def _settings(directory: Path, database_url: str | None) -> Settings:
    return Settings(data=directory, public_url=ORIGIN, database_url=SecretStr(database_url or ""))


def _add_person(
    tx: Transaction, codes: Codes, username: str, *, with_code: bool, must_change_password: bool, now: int
) -> None:
    person, _ = administration.create_person(
        tx,
        username=username,
        display_name=None,
        password=PASSWORD,
        must_change_password=must_change_password,
        actor=None,
        caller=COMMAND_LINE,
        now=now,
    )
    if with_code:
        administration.add_code_generator(tx, person, codes, secret=SECRET, name="Authenticator app", now=now)


class _Addressed:
    """Lets each browser of a test have an address, as they do in the world."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            address = dict(scope["headers"]).get(_ADDRESS, b"").decode()
            headers = [header for header in scope["headers"] if header[0] != _ADDRESS]
            scope = {**scope, "headers": headers, "client": (address, 50_000)}
        await self._app(scope, receive, send)
