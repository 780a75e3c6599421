"""Shows the samples to a real browser, under the app's own Content-Security-Policy, without the app."""

import mimetypes
from functools import cache
from typing import Final, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Route

from ostiary.authenticator.app.web.guard import POLICY
from ostiary.authenticator.app.web.rendering import STATIC, Renderer, Shell
from ostiary.authenticator.app.web.translations import LANGUAGES
from ostiary.look import Shelves
from tests.authenticator.app.web.samples import NOW, ROOT, Sample

ORIGIN: Final = "http://127.0.0.1:5151"
SHELVES: Final = Shelves(STATIC)
Scheme = Literal["light", "dark"]


@cache
def renderer() -> Renderer:
    return Renderer()


def draw(sample: Sample, tag: str = "en") -> str:
    language = LANGUAGES[tag]
    root = ROOT if sample.state is not None else ""
    shell = Shell(language=language, root=root, path="/", now=NOW, state=sample.state, is_window=sample.is_window)
    return renderer().render(sample.template, shell, **sample.values_in(language))


class Gallery:
    """One browser context that finds every sample under its own address. Time stands still."""

    def __init__(self, browser: Browser, *, width: int, scheme: Scheme, height: int = 780, scale: float = 1) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=scale,
            color_scheme=scheme,
            timezone_id="UTC",
            locale="en-GB",
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.page.clock.set_fixed_time(NOW / 1000)
        self.problems: list[str] = []
        self.page.on("console", lambda message: self._noted(message.type, message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self._shown = ""
        self.context.route("**/*", self._answer)

    def show(self, sample: Sample, tag: str = "en") -> Page:
        self._shown = draw(sample, tag)
        self.page.goto(f"{ORIGIN}{ROOT}/{sample.template}", wait_until="load")
        self.page.evaluate("document.fonts.ready")
        return self.page

    def close(self) -> None:
        self.context.close()

    def _answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        file = SHELVES.find(path.removeprefix("/static/")) if path.startswith("/static/") else None
        if route.request.resource_type == "document":
            route.fulfill(
                body=self._shown,
                content_type="text/html; charset=utf-8",
                headers={"content-security-policy": POLICY},
            )
        elif file is not None:
            route.fulfill(path=file, content_type=mimetypes.guess_type(path)[0] or "application/octet-stream")
        else:
            route.fulfill(status=204)

    def _noted(self, kind: str, text: str) -> None:
        if kind == "error" and "204" not in text and "EventSource" not in text:
            self.problems.append(text)
