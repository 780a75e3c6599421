"""What pages are drawn with: static files, and each domain's stylesheet and logo."""

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from ostiary.identity.reasons import Refusal
from ostiary.storage import organizations
from ostiary.web.branding import stylesheet
from ostiary.web.refusals import RequestReason
from ostiary.web.visit import Visit

_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"
_FOR_A_WHILE = "public, max-age=300"


class Assets(StaticFiles):
    """Files named with the version of their content are kept by browsers for good; of others, such as the modules that
    scripts import, they ask each time whether they changed."""

    def __init__(self, unknown: ASGIApp) -> None:
        super().__init__(packages=[("ostiary.web", "static"), ("ostiary.look", "static")])
        self._unknown = unknown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except HTTPException:  # no such file, or a verb that files do not know
            await self._unknown(scope, receive, send)

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        scope = next(value for value in (*args, *kwargs.values()) if isinstance(value, dict))
        response.headers["cache-control"] = _FOR_GOOD if b"v=" in scope["query_string"] else _ASK_FIRST
        return response


async def branding_stylesheet(visit: Visit) -> Response:
    """`GET /branding/{key}.css`: empty for a domain without an accent, so that no page lacks its stylesheet."""
    row = await visit.read(organizations.branding_of, visit.parameters["key"])
    css = stylesheet(row.accent if row else None)
    return Response(css, media_type="text/css", headers={"cache-control": _FOR_A_WHILE})


async def logo(visit: Visit) -> Response:
    row = await visit.read(organizations.branding_of, visit.parameters["key"])
    if row is None or row.logo is None:
        raise Refusal(RequestReason.PAGE_UNKNOWN)
    return Response(
        row.logo,
        media_type=row.logo_media_type,
        headers={
            "cache-control": _FOR_A_WHILE,
            # a drawing may hold a script; opened by itself it still must not run
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        },
    )
