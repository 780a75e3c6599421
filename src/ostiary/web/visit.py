"""One request, as the faces see it: what was sent, who sends it, and answers to send back.

Deliberately thin: the two ceremonies of a sign-in are the hot path, and everything here is made only when asked for.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, ParamSpec, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from ostiary.identifiers import new_token, token_hash
from ostiary.identity import admission, sessions
from ostiary.identity.caller import Caller
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.sessions import SignedIn
from ostiary.storage.database import UseCase
from ostiary.web import cookies
from ostiary.web.refusals import RequestReason
from ostiary.web.site import Site
from ostiary.web.user_agent import coarse_client

LARGEST_BODY = 64 * 1024
_MOST_FIELDS = 50
P = ParamSpec("P")
T = TypeVar("T")


class Visit:
    def __init__(self, site: Site, scope: Scope, receive: Receive, *, is_page: bool = True) -> None:
        self.site = site
        self._is_page = is_page
        self.scope = scope
        self.now = site.clock()
        self._receive = receive
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._cookies: dict[str, str] | None = None
        self._caller: Caller | None = None
        self.set_cookies: list[tuple[bytes, bytes]] = []
        self.signed_in: SignedIn | None = None
        self.parent_path: str | None = None

    # --- what was sent

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    @property
    def verb(self) -> str:
        return str(self.scope["method"])

    @property
    def page_path(self) -> str | None:
        """The page this request belongs to, to come back to; None when a GET here shows none."""
        if not self._is_page:
            return None
        query = self.scope["query_string"].decode("latin-1")
        return f"{self.path}?{query}" if query and self.verb == "GET" else self.path

    @property
    def way_back(self) -> str:
        """Where a step-up leads back to: this page, or for a button the page it stands on."""
        return self.page_path or self.parent_path or "/security-info"

    @property
    def parameters(self) -> Mapping[str, str]:
        """The variable parts of the path. Raises `Refusal(PAGE_UNKNOWN)` for what no identifier of ours holds and a
        database may not even look up."""
        parameters = dict(self.scope.get("path_params", {}))
        if any("\x00" in value for value in parameters.values()):
            raise Refusal(RequestReason.PAGE_UNKNOWN)
        return parameters

    @property
    def query(self) -> dict[str, str]:
        """Raises `Refusal(REQUEST_INVALID)` for more fields than any address of ours has."""
        try:
            found = dict(parse_qsl(self.scope["query_string"].decode("latin-1"), max_num_fields=_MOST_FIELDS))
            if any("\x00" in value for value in found.values()):
                raise ValueError("NUL")
            return found
        except ValueError as error:
            raise Refusal(RequestReason.REQUEST_INVALID) from error

    def header(self, name: bytes) -> str:
        return self._headers.get(name, b"").decode("latin-1")

    def cookie(self, name: str) -> str | None:
        if self._cookies is None:
            self._cookies = cookies.read_cookies(self.header(b"cookie"))
        return self._cookies.get(name)

    @property
    def is_led_here_by_another_site(self) -> bool:
        """Whether the browser says that a page of somebody else's brought it here: it may look, and starts nothing."""
        return self.header(b"sec-fetch-site") in ("cross-site", "same-site")

    @property
    def wants_page(self) -> bool:
        """Whether a person's browser asks for a page, rather than a program for JSON."""
        return "text/html" in self.header(b"accept")

    @property
    def language(self) -> str:
        return self.site.translations.negotiate(self.header(b"accept-language"), self.cookie(cookies.LANGUAGE))

    def say(self, message: str) -> str:
        """In the reader's language."""
        return self.site.translations.gettext(self.language, message)

    async def body(self) -> bytes:
        """Raises `Refusal(BODY_TOO_LARGE)` before more than that is kept."""
        declared = self.header(b"content-length")
        if declared.isdecimal() and int(declared) > LARGEST_BODY:
            raise Refusal(RequestReason.BODY_TOO_LARGE)
        body = bytearray()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            if len(body) > LARGEST_BODY:
                raise Refusal(RequestReason.BODY_TOO_LARGE)
            if not message.get("more_body", False):
                return bytes(body)

    async def json(self) -> dict[str, Any]:
        """A JSON object; an empty body is an empty one."""
        body = await self.body()
        if not body:
            return {}
        if not self.header(b"content-type").startswith("application/json"):
            raise Refusal(RequestReason.MEDIA_TYPE_UNSUPPORTED)
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refusal(RequestReason.MALFORMED_JSON) from error
        if not isinstance(value, dict):
            raise Refusal(RequestReason.MALFORMED_JSON)
        return value

    async def form(self, *, most_fields: int = _MOST_FIELDS) -> dict[str, str]:
        """The fields of an HTML form, each once."""
        if not self.header(b"content-type").startswith("application/x-www-form-urlencoded"):
            raise Refusal(RequestReason.MEDIA_TYPE_UNSUPPORTED)
        try:
            fields = parse_qsl(
                (await self.body()).decode("ascii"),
                keep_blank_values=True,
                max_num_fields=most_fields,
                errors="strict",
            )
        except ValueError as error:  # more fields than any form of ours has, or not UTF-8
            raise Refusal(RequestReason.MALFORMED_FORM) from error
        values = dict(fields)
        if len(values) != len(fields) or any("\x00" in value for value in values.values()):
            raise Refusal(RequestReason.MALFORMED_FORM)
        return values

    # --- who sends it

    @property
    def caller(self) -> Caller:
        if self._caller is None:
            client = self.scope.get("client")
            token = self.cookie(cookies.BROWSER)
            self._caller = Caller(
                address=client[0] if client else "",
                client=coarse_client(self.header(b"user-agent")),
                browser=token_hash(token) if token else None,
            )
        return self._caller

    async def find_session(self) -> SignedIn | None:
        """The live session of this browser, for pages that anyone may see."""
        token = self.cookie(cookies.SESSION)
        self.signed_in = await self.read(sessions.find_session, token, now=self.now) if token else None
        return self.signed_in

    async def admit_to_security_info(self) -> None:
        """Raises `Refusal(SIGN_IN_REQUIRED)` or `Refusal(FRESH_MFA_REQUIRED)`."""
        self.signed_in = await self.read(sessions.admit, self.cookie(cookies.SESSION), now=self.now)
        session = self.signed_in.session
        if sessions.needs_touch(session, self.now):
            await self.write(sessions.touch_session, session.id, now=self.now)

    async def admit_to_admin_centre(self, *, is_fresh: bool) -> None:
        """Raises `Refusal`: as Security info does, and for who has no role, or a passkey that was not used."""
        await self.admit_to_security_info()
        await self.read(admission.admit_administrator, self.session(), is_fresh=is_fresh, now=self.now)

    def session(self) -> SignedIn:
        """The session of a route that needs one."""
        if self.signed_in is None:
            raise Refusal(Reason.SIGN_IN_REQUIRED)
        return self.signed_in

    @property
    def sign_in_token(self) -> str:
        """The cookie a sign-in is bound to, made now if this browser has none."""
        token = self.cookie(cookies.SIGN_IN)
        if not token:
            token = new_token()
            assert self._cookies is not None
            self._cookies[cookies.SIGN_IN] = token
            self.set_cookies.append(cookies.set_cookie(cookies.SIGN_IN, token))
        return token

    def ensure_sign_in_token(self) -> None:
        """For pages whose script makes several requests at once: they must all be bound to one cookie."""
        _ = self.sign_in_token

    # --- doing things

    async def read(self, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.site.database.read(use_case, *args, **kwargs)

    async def write(self, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.site.database.write(use_case, *args, **kwargs)

    async def hashing(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs slow, database-free work beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.site.hashing, partial(work, *args, **kwargs))


def local_path(text: str | None, default: str = "/security-info", *, may_sign_in: bool = False) -> str:
    """A path on this server to go on to, or the default: never another site, whatever was asked for, and after a
    sign-in not the sign-in again."""
    if not text or len(text) > 500 or not text.startswith("/") or not text.isprintable():
        return default
    if text.startswith("//") or "\\" in text:  # browsers read either as the beginning of another host
        return default
    path = urlsplit(text).path
    leads_back = path in ("/sign-in", "/sign-out") or path.startswith("/sign-in/")
    return text if may_sign_in or not leads_back else default


def sign_in_path(next_path: str, *, step_up: Literal["1", "passkey"] | None = None) -> str:
    """`step_up`: of a session that is there; by what it has, or by a passkey alone."""
    return f"/sign-in?{f'step_up={step_up}&' if step_up else ''}next={quote(next_path, safe='/')}"
