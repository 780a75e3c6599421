"""A Chromium of its own with our extension in it, and the native messaging host where it looks for one."""

import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from ostiary.authenticator.hosts.browser_installation import (
    EXTENSION_DIRECTORY,
    built_in_extension_id,
    install_browser,
)

from .chromium import ARGUMENTS, CHROMIUM, WITHIN, evaluate

CEREMONY_WITHIN = 15_000
"""The host's start is part of it."""


def extension_url(page: str) -> str:
    return f"chrome-extension://{built_in_extension_id()}/{page}"


@contextmanager
def chromium_with_extension(
    browser: Browser, home: Path, data: Path | None, *, others: Sequence[Path] = ()
) -> Iterator[BrowserContext]:
    """`data`: the Authenticator's data directory; None for a browser nobody has set up. `others`: more extensions."""
    profile = home / "chromium"
    if data is not None:
        (home / "chromium").mkdir(parents=True, exist_ok=True)
        install_browser(data, environment={"XDG_CONFIG_HOME": str(home), "PATH": ""})
    context = browser.browser_type.launch_persistent_context(
        profile,
        executable_path=CHROMIUM,
        args=[*ARGUMENTS, f"--load-extension={','.join(map(str, [EXTENSION_DIRECTORY, *others]))}"],
        ignore_default_args=["--disable-extensions"],
        locale="en-GB",
        env={**os.environ, "LANGUAGE": "en"},
    )
    context.set_default_timeout(WITHIN)
    try:
        yield context
    finally:
        context.close()


def popup(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto(extension_url("popup.html"))
    return page


def wait_until_attached(page: Page) -> None:
    """Before that a request goes to the browser's own dialog, which nobody can press."""
    available = "async () => await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable()"
    for _ in range(100):
        if evaluate(page, available):
            return
        page.wait_for_timeout(100)
    raise AssertionError("the extension did not attach")


_CREATE = """async (options) => {
  const giveUp = (globalThis.giveUp = new AbortController());
  const signal = AbortSignal.any([giveUp.signal, AbortSignal.timeout(14_000)]);
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  try { return (await navigator.credentials.create({ publicKey, signal })).toJSON(); }
  catch (error) { return { error: error.name, message: error.message }; }
}"""
_GET = _CREATE.replace("Creation", "Request").replace("credentials.create", "credentials.get")


def create(page: Page, options: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = evaluate(page, _CREATE, options, within=CEREMONY_WITHIN)
    return answer


def get(page: Page, options: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = evaluate(page, _GET, options, within=CEREMONY_WITHIN)
    return answer


def begin(page: Page, kind: str, options: dict[str, Any]) -> None:
    """Starts a ceremony and does not wait for it: `outcome` does."""
    script = _CREATE if kind == "create" else _GET
    evaluate(page, f"(options) => {{ globalThis.outcome = ({script})(options); }}", options)


def outcome(page: Page) -> dict[str, Any]:
    answer: dict[str, Any] = evaluate(page, "() => globalThis.outcome", within=CEREMONY_WITHIN)
    return answer


class SmallSite:
    """A page to ask from, on localhost, and one with the person's buttons."""

    def __init__(self) -> None:
        self.pressed: list[str] = []
        self.on_press: Any = lambda _answer: None
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(_PROMPT if self.path.startswith("/prompt") else _PAGE)

            def do_POST(self) -> None:
                answer = json.loads(self.rfile.read(int(self.headers["content-length"])))["answer"]
                site.pressed.append(answer)
                site.on_press(answer)
                self._send("")

            def _send(self, html: str) -> None:
                body = html.encode()
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with suppress(OSError):  # the window is closed before it has shown anything
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://localhost:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


_PAGE = "<!doctype html><title>A site</title><link rel=icon href=data:,><h1>A site</h1>"
_PROMPT = """<!doctype html><title>A prompt</title><link rel=icon href=data:,>
<button id=approve>Approve</button><button id=decline>Decline</button>
<script>for (const button of document.querySelectorAll("button")) button.onclick = () =>
  fetch("/answer", {method: "POST", body: JSON.stringify({answer: button.id})});</script>"""
