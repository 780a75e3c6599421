"""What holds for every request and answer, before any page is asked: the host, where a request comes from, who sends
it; and the headers that keep a browser from doing more than our pages do."""

from collections.abc import Awaitable
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ostiary.authenticator.app.web.access import Access, read_cookies

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    # not no-referrer: with it, browsers hide from us the origin of our own forms
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), display-capture=(), geolocation=(), microphone=()"),
)
NOT_KEPT: Final = (b"cache-control", b"no-store")
OURS: Final = (None, "same-origin")
TYPED: Final = (None, "same-origin", "none")
"""`none`: typed, or opened by a program."""
LONGEST_BODY: Final = 5_000_000
"""A picture with a QR code, a byte a pixel."""


class Guard:
    """Pure ASGI. `scope["is_signed_in"]` says for the pages whether the reader may see them."""

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no page of ours opens a WebSocket
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return

        def send_guarded(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                answered = message["headers"] = list(message.get("headers", ()))
                names = {name for name, _ in answered}
                answered.extend(header for header in HEADERS if header[0] not in names)
                if b"cache-control" not in names:
                    answered.append(NOT_KEPT)
            return send(message)

        headers = Headers(scope=scope)
        refused = self._refused(scope["method"], scope["path"], headers)
        if refused:
            words = f"{refused.phrase}. Nothing was changed. Open the Authenticator with: ostiary authenticator\n"
            await PlainTextResponse(words, refused)(scope, receive, send_guarded)
            return
        scope["cookies"] = read_cookies(headers.get("cookie", ""))
        scope["is_signed_in"] = self._access.is_signed_in(scope["cookies"])
        await self._app(scope, receive, send_guarded)

    def _refused(self, method: str, path: str, headers: Headers) -> HTTPStatus | None:
        if headers.getlist("host") != [headers.get("host")] or headers["host"] not in self._access.hosts:
            return HTTPStatus.MISDIRECTED_REQUEST
        if method not in ("GET", "HEAD", "POST"):
            return HTTPStatus.METHOD_NOT_ALLOWED
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        own = f"http://{headers['host']}"
        if method == "POST":
            # Browsers name the origin of every POST; what names none is no page of ours.
            if origin != own or site not in OURS:
                return HTTPStatus.FORBIDDEN
            if not headers.get("content-length", "").isdecimal():
                return HTTPStatus.LENGTH_REQUIRED
            if int(headers["content-length"]) > LONGEST_BODY:
                return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        elif origin not in (None, own):
            return HTTPStatus.FORBIDDEN
        elif path.endswith("/events"):
            if site not in OURS:
                return HTTPStatus.FORBIDDEN
        elif path.startswith(f"{self._access.root}/") and site not in TYPED:
            # Another port of this host is "same-site": to SameSite=Strict it is one of us, to us it is not.
            return HTTPStatus.FORBIDDEN
        return None
