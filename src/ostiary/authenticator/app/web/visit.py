"""One request: whose it is, in which language, and what pages are made with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.web.access import Access
from ostiary.authenticator.app.web.problems import Fields, problem_of, status_of
from ostiary.authenticator.app.web.rendering import Problem, Renderer, Shell
from ostiary.authenticator.app.web.streams import Streams
from ostiary.authenticator.app.web.translations import N_, Language, negotiate, translate
from ostiary.authenticator.ports import Clock

P = ParamSpec("P")
T = TypeVar("T")

LANGUAGE_COOKIE: Final = "authenticator_language"
LIVE: Final = "x-live"
"""Sent by the page's own script when it looks again by itself: not something the person did."""
SHEET: Final = "x-sheet"
"""Sent by the same script when it wants the question alone: to show it over the `app`, or in its `window`."""
LONGEST_FORM: Final = 20_000
MOST_FIELDS: Final = 16


@dataclass(frozen=True, slots=True)
class Desk:
    """What all pages are made with; built once."""

    service: AuthenticatorService
    access: Access
    renderer: Renderer
    streams: Streams
    clock: Clock


class Visit:
    def __init__(self, request: Request, desk: Desk) -> None:
        cookies: Mapping[str, str] = request.scope["cookies"]
        self.request = request
        self.service = desk.service
        self.access = desk.access
        self.streams = desk.streams
        self.cookies = cookies
        self.is_signed_in: bool = request.scope["is_signed_in"]
        self.is_live = LIVE in request.headers
        self.is_sheet = SHEET in request.headers
        question = request.path_params.get("id", "")
        self.is_window = request.headers.get(SHEET) != "app" and desk.access.is_window_of(cookies, question)
        self.language: Language = negotiate(request.headers.get("accept-language", ""), cookies.get(LANGUAGE_COOKIE))
        self._renderer = desk.renderer
        self._clock = desk.clock

    @property
    def now(self) -> int:
        return self._clock()

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """In a thread: the service may block."""
        return await run_in_threadpool(function, *args, **kwargs)

    def parameter(self, name: str) -> str:
        return str(self.request.path_params[name])

    async def form(self) -> dict[str, str]:
        """The fields of an ordinary form, the first of each name."""
        if self.request.headers.get("content-length") == "0":
            return {}
        if self.request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            raise AppError(AppReason.REQUEST_INVALID)
        body = await self.request.body()
        try:
            if len(body) > LONGEST_FORM:
                raise ValueError("too long")
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
        except ValueError as error:
            raise AppError(AppReason.REQUEST_INVALID) from error
        return dict(reversed(pairs))

    def say(self, message: str) -> str:
        return translate(self.language, message)

    def problem(self, error: AppError, fields: Fields | None = None) -> Problem:
        return problem_of(error, self.language, fields or {})

    # --- answers

    async def page(self, template: str, status: int = 200, **values: object) -> Response:
        return HTMLResponse(await self.draw(template, **values), status)

    async def draw(self, template: str, **values: object) -> str:
        state = await self.call(self.service.state)
        shell = Shell(
            language=self.language,
            root=self.access.root,
            path=self.request.url.path,
            now=self.now,
            state=state,
            is_window=self.is_window,
        )
        values.setdefault("problem", None)
        values.setdefault("protection", self.say(state.protection))
        return self._renderer.render(template, shell, **values)

    def closed(self, status: int, title: str, next_step: str, *, shows_command: bool = True) -> Response:
        """For readers who may know nothing of what is kept here: no name, no path."""
        root = self.access.root if self.is_signed_in else ""
        shell = Shell(language=self.language, root=root, path="/", now=self.now, state=None)
        values: dict[str, Any] = {"title": self.say(title), "next": self.say(next_step)}
        drawn = self._renderer.render("closed.html", shell, **values, shows_command=shows_command and not root)
        return HTMLResponse(drawn, status)

    def go(self, path: str) -> Response:
        """303: whatever this was, what follows is a GET."""
        return RedirectResponse(f"{self.access.root}{path}", 303)

    def inside(self, path: str | None, default: str = "/accounts") -> str:
        """A path of ours that a form or an address named; never anywhere else."""
        root = self.access.root
        if path is None or not path.startswith(f"{root}/") or "\\" in path or "//" in path or not path.isprintable():
            return default
        return quote(path.removeprefix(root), safe="/?&=%-_~.")


Handler = Callable[[Visit], Awaitable[Response]]


async def answer(visit: Visit, handler: Handler, *, is_for_everyone: bool, needs_unlocked: bool) -> Response:
    """Who may, and in which state of the app; what is refused is said on a page."""
    if not is_for_everyone and not visit.is_signed_in:
        return visit.closed(
            403,
            N_("This page belongs to another window"),
            N_("The Authenticator opens in the browser of whoever started it. Open it again from a terminal:"),
        )
    try:
        if not is_for_everyone:
            state = await visit.call(visit.service.state)
            if not state.is_pin_set and needs_unlocked:
                return visit.go("/start")
            if state.is_locked and needs_unlocked:
                return visit.go(f"/unlock?return_to={quote(visit.request.url.path)}")
            if not visit.is_live:
                await visit.call(visit.service.touch)
        return await handler(visit)
    except AppError as error:
        if error.reason is AppReason.LOCKED:
            return visit.go("/unlock")
        problem = visit.problem(error)
        return visit.closed(status_of(error.reason), problem.title, problem.next)
