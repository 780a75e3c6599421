"""A page that registers and signs in, in a headless Chromium without an extension or a virtual authenticator."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from playwright.sync_api import sync_playwright

PATIENCE: Final = 300_000
_FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
_PAGE: Final = b"""<!doctype html><title>Contoso</title><script>
const bytes = (text) => Uint8Array.from(text, (one) => one.charCodeAt(0));
async function register() {
  const made = await navigator.credentials.create({publicKey: {
    rp: {id: "localhost", name: "Contoso"}, user: {id: bytes("ada"), name: "ada", displayName: "Ada"},
    challenge: bytes("a challenge of a test"), pubKeyCredParams: [{type: "public-key", alg: -7}],
    authenticatorSelection: {residentKey: "required", userVerification: "required"}, timeout: 300000}});
  return {id: made.id, attachment: made.authenticatorAttachment, transports: made.response.getTransports()};
}
async function signIn(allowed) {
  const got = await navigator.credentials.get({publicKey: {
    rpId: "localhost", challenge: bytes("another challenge"), userVerification: "required", timeout: 300000,
    allowCredentials: allowed.map((one) => ({type: "public-key", transports: one.transports,
      id: bytes(atob(one.id.replaceAll("-", "+").replaceAll("_", "/")))}))}});
  return {id: got.id, flags: new Uint8Array(got.response.authenticatorData)[32]};
}
</script>"""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(_PAGE)))
        self.end_headers()
        self.wfile.write(_PAGE)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Page:
    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._playwright = sync_playwright().start()
        browser = self._playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--headless=new", *_FLAGS], timeout=PATIENCE
        )
        self._page = browser.new_page()
        self._page.set_default_timeout(PATIENCE)
        self._page.goto(f"http://localhost:{self._server.server_port}/")
        return self

    def __exit__(self, *_: object) -> None:
        self._playwright.stop()
        self._server.shutdown()
        self._server.server_close()

    def register(self) -> dict[str, Any]:
        return dict(self._page.evaluate("register()"))

    def sign_in(self, *allowed: dict[str, Any]) -> dict[str, Any]:
        """With those passkeys, or with any."""
        return dict(self._page.evaluate("(allowed) => signIn(allowed)", list(allowed)))
