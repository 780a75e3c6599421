"""A server that only plays its part of the ceremonies: fresh options out, prepared answers back, everything noted.

It judges nothing; the real server's tests do. Pages carry the hooks of the real templates and as strict a
Content-Security-Policy.
"""

import base64
import json
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ostiary.web
from ostiary.look import Shelves

SHELVES = Shelves(Path(ostiary.web.__file__).parent / "static")
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; style-src 'self'"

SIGN_IN_OPTIONS = "/sign-in/passkey/options"
SIGN_IN = "/sign-in/passkey"
ADD_OPTIONS = "/security-info/passkeys/options"
ADD = "/security-info/passkeys"
REPORTS = "/ceremonies/reports"

ADA = {"id": "YWRhLWhhbmRsZQ", "name": "ada@contoso.example", "displayName": "Ada Lovelace"}

Json = dict[str, Any]
Answer = tuple[int, Json | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    path: str
    body: Json


def problem(status: int, code: str, **more: object) -> Answer:
    """A refusal as the real server spells it."""
    title, next_step = f"Title of {code}.", f"Next step of {code}."
    return status, {"status": status, "code": code, "title": title, "next": next_step, "reference": "P-7K3Q", **more}


def request_options(**more: object) -> Json:
    return {"challenge": _challenge(), "rpId": "localhost", "userVerification": "required", "timeout": 300_000, **more}


def creation_options(**more: object) -> Json:
    return {
        "challenge": _challenge(),
        "rp": {"id": "localhost", "name": "Contoso"},
        "user": ADA,
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
        "timeout": 300_000,
        **more,
    }


class StubServer:
    """`pages[path]` is the markup of a body; `answers[path]` are given in order, then the default."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {"/": "<h1>Start</h1>"}
        self.answers: defaultdict[str, list[Answer]] = defaultdict(list)
        self.received: list[Received] = []
        self.defaults: dict[str, Callable[[], Answer]] = {
            SIGN_IN_OPTIONS: lambda: (200, request_options()),
            SIGN_IN: lambda: (200, {"next": "/landed"}),
            ADD_OPTIONS: lambda: (200, creation_options()),
            ADD: lambda: (201, {"id": "m/1"}),
            REPORTS: lambda: (200, {"reference": "C-2B4D"}),
        }
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": self}))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return self._http.server_port

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def bodies(self, path: str) -> list[Json]:
        """What was posted there, in order."""
        return [received.body for received in self.received if received.path == path]

    def answer(self, path: str) -> Answer:
        if self.answers[path]:
            return self.answers[path].pop(0)
        return self.defaults[path]() if path in self.defaults else (404, {})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    stub: StubServer
    protocol_version = "HTTP/1.1"
    timeout = 5  # seconds that an idle connection may keep its thread

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        file = SHELVES.find(path.removeprefix("/static/"))
        if path.startswith("/static/js/") and file is not None:
            self._send(200, file.read_bytes(), "text/javascript")
            return
        body = self.stub.pages.get(self.path) or self.stub.pages.get(path, "<h1>Elsewhere</h1>")
        document = f'<!doctype html><html lang="en"><title>Stub</title><link rel="icon" href="data:,">{body}'
        self._send(200, document.encode(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.stub.received.append(Received(path=self.path, body=body))
        status, answer = self.stub.answer(self.path)
        kind = "application/json" if status < 400 else "application/problem+json"
        self._send(status, b"" if answer is None else json.dumps(answer).encode(), kind)

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests look at what was received."""


def _challenge() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
