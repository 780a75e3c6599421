"""Shows the sample pages to a real browser, under the server's own Content-Security-Policy, without the server."""

import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from ostiary.look import Shelves
from ostiary.web.rendering import STATIC, Renderer
from ostiary.web.translations import Translations
from tests.browser.chromium import ARGUMENTS, CHROMIUM
from tests.web.samples import NOW, Sample, shell

ORIGIN: Final = "https://login.contoso.example"
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SHELVES: Final = Shelves(STATIC)
Scheme = Literal["light", "dark"]
Language = Literal["en", "ar"]


@cache
def renderer() -> Renderer:
    return Renderer(Translations.load())


def draw(sample: Sample, language: Language) -> str:
    return renderer().render(
        sample.page,
        shell(
            language=language,
            direction="rtl" if language == "ar" else "ltr",
            path=sample.path,
            branding=sample.branding,
            viewer=sample.viewer,
        ),
    )


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Gallery:
    """One browser context that finds every sample under its own address."""

    def __init__(self, browser: Browser, *, width: int, scheme: Scheme, height: int = 800, scale: float = 1) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=scale,
            color_scheme=scheme,
            timezone_id="UTC",
            locale="en-GB",
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.page.clock.set_fixed_time(NOW)
        self.problems: list[str] = []
        self.page.on("console", lambda message: self._noted(message.type, message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self._shown = ""
        self.context.route("**/*", self._answer)

    def show(self, sample: Sample, language: Language = "en") -> Page:
        """Opens the sample and waits until it stands still."""
        self._shown = draw(sample, language)
        self.page.goto(f"{ORIGIN}{sample.path}", wait_until="load")
        self.page.evaluate("document.fonts.ready")
        return self.page

    def close(self) -> None:
        self.context.close()

    def _answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        if route.request.resource_type == "document":
            route.fulfill(
                body=self._shown,
                content_type="text/html; charset=utf-8",
                headers={"content-security-policy": CONTENT_SECURITY_POLICY},
            )
        elif path.startswith("/static/") and (file := SHELVES.find(path.removeprefix("/static/"))):
            route.fulfill(path=file, content_type=mimetypes.guess_type(path)[0] or "application/octet-stream")
        elif path.startswith("/branding/"):
            route.fulfill(body="", content_type="text/css")
        else:
            route.fulfill(status=404, json={"code": "not_found", "title": "", "next": ""})

    def _noted(self, kind: str, text: str) -> None:
        if kind == "error" and "404" not in text:
            self.problems.append(text)
