"""What holds for every request and answer, whichever face it meets: same origin for writes, and the safe headers."""

from collections.abc import Awaitable, Collection

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def content_security_policy(*form_targets: str) -> bytes:
    """The policy of every page. `form_targets`: where else a form of this page leads, also by a redirect, for browsers
    hold those against `form-action` too."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            " ".join(("form-action 'self'", *form_targets)),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    ).encode()


_HEADERS = (
    (b"content-security-policy", content_security_policy()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(), geolocation=(), microphone=()",
    ),
)
_NOT_KEPT = (b"cache-control", b"no-store")
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=63072000")


class Guard:
    """Pure ASGI. A write from another site is marked `scope["cross_site"]`, and the faces refuse it."""

    def __init__(self, app: ASGIApp, *, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)
        is_https = all(origin.startswith("https:") for origin in origins)
        self._headers = (*_HEADERS, _STRICT_TRANSPORT) if is_https else _HEADERS
        self._redirect_headers = {name.decode(): value.decode() for name, value in self._headers}
        self._by_address = _loopback_addresses(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._by_address and scope["method"] == "GET":
            sent = dict(scope["headers"])
            origin = self._by_address.get(sent.get(b"host", b""))
            if origin is not None and b"text/html" in sent.get(b"accept", b""):
                query = scope["query_string"].decode("latin-1")
                there = f"{origin}{scope['path']}?{query}" if query else f"{origin}{scope['path']}"
                await RedirectResponse(there, headers=self._redirect_headers)(scope, receive, send)
                return
        scope["cross_site"] = scope["method"] not in _SAFE and not self._is_same_origin(scope)
        headers = self._headers

        def send_guarded(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                answered = message["headers"] = list(message.get("headers", ()))
                names = {name for name, _ in answered}
                answered.extend(header for header in headers if header[0] not in names)
                if b"cache-control" not in names:
                    answered.append(_NOT_KEPT)
            return send(message)

        await self._app(scope, receive, send_guarded)

    def _is_same_origin(self, scope: Scope) -> bool:
        """Browsers say where a request comes from, and pages cannot change what they say. A request that says nothing
        comes from a program, which has no one else's cookies to misuse."""
        site = origin = None
        for name, value in scope["headers"]:
            if name == b"sec-fetch-site":
                site = value
            elif name == b"origin":
                origin = value
        if origin is not None and origin not in self._origins:
            return False
        return site in (None, b"same-origin", b"none")


def _loopback_addresses(origins: Collection[str]) -> dict[bytes, str]:
    """The numeric names of a server on localhost, where people end up who type an address: browsers make no passkeys
    for a number, so they are sent to the name."""
    found: dict[bytes, str] = {}
    for origin in origins:
        scheme, _, authority = origin.partition("://")
        host, _, port = authority.partition(":")
        if scheme == "http" and host == "localhost":
            suffix = f":{port}" if port else ""
            found |= {f"{address}{suffix}".encode(): origin for address in ("127.0.0.1", "[::1]")}
    return found
