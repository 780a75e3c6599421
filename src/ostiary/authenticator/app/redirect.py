"""Where the browser comes back to after signing in: a listener on 127.0.0.1, for one sign-in, for a while
(RFC 8252 §7.3, §8.3)."""

import base64
import hashlib
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qsl, urlsplit

PATH: Final = "/signed-in"
_STYLE: Final = (
    "body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.5 system-ui,sans-serif;"
    "background:#f5f7f9;color:#1a2229}main{max-width:26rem;margin:1rem;padding:2rem;background:#fff;"
    "border:1px solid #d8dfe4;border-top:4px solid #005f69;border-radius:12px}"
    "h1{margin:0 0 .5rem;font-size:1.5625rem;line-height:1.2;font-weight:650}p{margin:0}"
    "@media(prefers-color-scheme:dark){body{background:#15191d;color:#e6eaed}"
    "main{background:#1d2328;border-color:#343c43;border-top-color:#4db3bd}}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the code is in the address
    "X-Content-Type-Options": "nosniff",
}
_READ_TIMEOUT: Final = 10


class RedirectListener:
    """Takes the first request that carries the state; everything else is sent away and changes nothing."""

    def __init__(self) -> None:
        self._state = ""
        self._answer: dict[str, str] | None = None
        self._arrived = threading.Event()
        self._guard = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(), bind_and_activate=True)
        self._server.daemon_threads = True
        self.port: Final = self._server.server_address[1]
        self.redirect_uri: Final = f"http://127.0.0.1:{self.port}{PATH}"

    def start(self, state: str) -> None:
        self._state = state
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="redirect", daemon=True
        ).start()

    def wait(self, seconds: float) -> Mapping[str, str] | None:
        """The parameters of the redirect, once; None when nobody came, or it was closed."""
        self._arrived.wait(seconds)
        return self._answer

    def cancel(self) -> None:
        self._arrived.set()

    def close(self) -> None:
        self._arrived.set()
        if self._state:  # it serves, and can be told to stop
            self._server.shutdown()
        self._server.server_close()

    def take(self, query: str) -> bool:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=20)
        given = dict(pairs)
        if len(given) != len(pairs) or given.get("state") != self._state:
            return False
        with self._guard:
            if self._arrived.is_set():
                return False
            self._answer = given
            self._arrived.set()
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _READ_TIMEOUT
            server_version = "Ostiary"
            sys_version = ""

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if self.headers.get("host") != f"127.0.0.1:{listener.port}" or parts.path != PATH:
                    self._show(404, "Nothing is here", "Go back to the Authenticator.")
                    return
                try:
                    is_ours = listener.take(parts.query)
                except ValueError:
                    is_ours = False
                if is_ours:
                    self._show(200, "Go back to the Authenticator", "It finishes adding your account. Close this page.")
                else:
                    self._show(400, "This sign-in is over", "Go back to the Authenticator and start again.")

            def _show(self, status: int, title: str, text: str) -> None:
                page = (
                    f'<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
                    f"<title>{title}</title><style>{_STYLE}</style><main><h1>{title}</h1><p>{text}</p></main></html>"
                ).encode()
                self.send_response(status)
                for name, value in _HEADERS.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the address holds the code."""

        return Handler
