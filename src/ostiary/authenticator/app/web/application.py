"""Builds the pages' ASGI application. All pages are under the secret path of this run; the links that lead there are
not."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.web import accounts, asking, codes, doors, live, nearby, settings
from ostiary.authenticator.app.web.access import Access
from ostiary.authenticator.app.web.guard import Guard
from ostiary.authenticator.app.web.rendering import Renderer
from ostiary.authenticator.app.web.streams import Streams
from ostiary.authenticator.app.web.translations import N_
from ostiary.authenticator.app.web.visit import Desk, Handler, Visit, answer
from ostiary.authenticator.ports import Clock
from ostiary.clock import system_clock

Pages = dict[str, tuple[Handler | None, Handler | None]]
"""By path: what answers a GET, and what a POST."""

FOR_EVERYONE: Final[Pages] = {
    "/prompt/{id}": (asking.prompt_page, asking.answer_prompt),
    "/prompt/{id}/events": (live.window_events, None),
}
"""These ask themselves who it is: a window's cookie is enough."""

WHILE_LOCKED: Final[Pages] = {
    "/start": (doors.start, doors.set_first_pin),
    "/unlock": (doors.unlock_page, doors.unlock),
    "/lock": (None, doors.lock),
    "/language": (None, doors.choose_language),
    "/settings/reset": (settings.reset_page, settings.reset),
    "/events": (live.events, None),
    "/sheet": (asking.sheet, None),
    "/approvals/{id}": (asking.approval_page, asking.answer_approval),
}

UNLOCKED: Final[Pages] = {
    "/accounts": (accounts.index, None),
    "/accounts/add": (accounts.add, None),
    "/accounts/add/work": (accounts.add_work, accounts.begin_sign_in),
    "/accounts/add/work/{id}": (accounts.sign_in, None),
    "/accounts/add/work/{id}/cancel": (None, accounts.cancel_sign_in),
    "/accounts/{id}": (accounts.account, None),
    "/accounts/{id}/set-up": (None, accounts.set_up),
    "/accounts/{id}/sign-in": (None, accounts.sign_in_again),
    "/accounts/{id}/code": (None, accounts.enrol_attestation),
    "/accounts/{id}/remove": (accounts.remove_page, accounts.remove),
    "/passkeys/{id}": (accounts.passkey, None),
    "/passkeys/{id}/delete": (accounts.delete_passkey_page, accounts.delete_passkey),
    "/codes": (codes.index, None),
    "/codes/add": (codes.add_page, None),
    "/codes/add/link": (None, codes.add_link),
    "/codes/add/key": (None, codes.add_key),
    "/codes/picture": (None, codes.add_picture),
    "/codes/{id}/delete": (codes.delete_page, codes.delete),
    "/nearby": (nearby.index, None),
    "/nearby/scan": (nearby.scan_page, nearby.scan_text),
    "/nearby/picture": (None, nearby.scan_picture),
    "/nearby/cancel": (None, nearby.cancel),
    "/settings": (settings.index, settings.save),
    "/settings/pin": (settings.pin_page, settings.change_pin),
    "/settings/browsers": (settings.browsers, None),
    "/settings/computers": (nearby.computers, None),
    "/settings/computers/{id}": (nearby.computer, nearby.rename_computer),
    "/settings/computers/{id}/remove": (nearby.remove_computer_page, nearby.remove_computer),
    "/settings/security-key": (settings.security_key, None),
}


class Application:
    """An ASGI application. `end_streams`, called on its event loop, lets a server stop while pages are open."""

    def __init__(self, app: ASGIApp, streams: Streams) -> None:
        self._app = app
        self.end_streams = streams.end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def build_application(
    service: AuthenticatorService, *, token: str, port: int, clock: Clock = system_clock
) -> Application:
    """`token`: of the start link, `http://127.0.0.1:{port}/?token={token}`, which works once. Later links come from
    `service.start_url` and `service.prompt_url`."""
    access = Access(token=token, port=port)
    streams = Streams()
    desk = Desk(service=service, access=access, renderer=Renderer(), streams=streams, clock=clock)
    service.serve_pages_at(access)

    pages: list[BaseRoute] = [
        *_routes(desk, FOR_EVERYONE, is_for_everyone=True, needs_unlocked=False),
        *_routes(desk, WHILE_LOCKED, is_for_everyone=False, needs_unlocked=False),
        *_routes(desk, UNLOCKED, is_for_everyone=False, needs_unlocked=True),
    ]
    outside: Pages = {"/": (doors.enter, None), "/prompt/{id}": (doors.enter_window, None)}
    static = _Static(packages=[("ostiary.authenticator.app.web", "static"), ("ostiary.look", "static")])

    async def refused(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        title, next_step = _REFUSALS.get(status, _REFUSALS[500])
        return Visit(request, desk).closed(status, title, next_step)

    application = Starlette(
        routes=[
            *_routes(desk, outside, is_for_everyone=True, needs_unlocked=False),
            Mount("/static", static),
            Mount(access.root, routes=pages),
        ],
        exception_handlers={HTTPException: refused, Exception: refused},
    )
    return Application(Guard(application, access=access), streams)


_REFUSALS: Final = {
    404: (N_("There is no such page"), N_("Check the address, or open the Authenticator again from a terminal:")),
    405: (N_("This cannot be done here"), N_("Go back and start again. Nothing was changed.")),
    500: (N_("Something went wrong inside the Authenticator"), N_("Try again. If it stays, start it again:")),
}


def _routes(
    desk: Desk,
    table: Pages,
    *,
    is_for_everyone: bool,
    needs_unlocked: bool,
) -> list[Route]:
    def endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            visit = Visit(request, desk)
            return await answer(visit, handler, is_for_everyone=is_for_everyone, needs_unlocked=needs_unlocked)

        return serve

    routes = []
    for path, (get, post) in table.items():
        verbs = {"GET": get, "POST": post}

        async def dispatch(request: Request, verbs: dict[str, Handler | None] = verbs) -> Response:
            handler = verbs.get(request.method)
            if handler is None:
                raise HTTPException(405)
            return await endpoint(handler)(request)

        routes.append(Route(path, dispatch, methods=["GET", "POST"]))
    return routes


class _Static(StaticFiles):
    """Files named with the version of their content are kept for good; of others the browser asks each time."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        scope: Scope = next(value for value in (*args, *kwargs.values()) if isinstance(value, dict))
        is_versioned = b"v=" in scope["query_string"]
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if is_versioned else "no-cache"
        return response
