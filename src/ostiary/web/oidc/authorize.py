"""`/oauth2/v2.0/authorize`: an application asks, the person signs in, and says yes or no (RFC 6749 §4.1, RFC 8252)."""

from typing import Literal
from urllib.parse import urlsplit

from starlette.responses import Response

from ostiary.identity import sessions, sign_in
from ostiary.identity.reasons import Refusal
from ostiary.identity.sessions import SignedIn
from ostiary.oidc import authorization
from ostiary.oidc.authorization import Pending
from ostiary.oidc.errors import ErrorCode, OAuthError, RedirectedError
from ostiary.oidc.metadata import AUTHORIZE
from ostiary.oidc.requests import AuthorizationRequest, Prompt, answer_uri, parse_authorization_request
from ostiary.oidc.scopes import Scope
from ostiary.web import cookies
from ostiary.web.answers import answer_page, redirect
from ostiary.web.guard import content_security_policy
from ostiary.web.oidc.issuer import issuer_of
from ostiary.web.pages import ConfirmAppPage
from ostiary.web.refusals import RequestReason
from ostiary.web.visit import Visit, sign_in_path

_RIGHTS: tuple[tuple[Scope, Literal["methods_write", "methods_read", "profile", "offline_access"]], ...] = (
    (Scope.METHODS_WRITE, "methods_write"),
    (Scope.METHODS_READ, "methods_read"),
    (Scope.PROFILE, "profile"),
    (Scope.OFFLINE_ACCESS, "offline_access"),
)
DENIED = OAuthError(ErrorCode.ACCESS_DENIED, "the person did not agree")


async def begin(visit: Visit) -> Response:
    """`GET /oauth2/v2.0/authorize?...`: judged, kept, and led to the page that asks."""
    try:
        request = parse_authorization_request(visit.scope["query_string"].decode("latin-1"))
        if Prompt.NONE in request.prompts:
            await _without_asking(visit, request)
    except RedirectedError as error:
        return _send_back(visit, error)
    token = await visit.write(authorization.keep_request, request, caller=visit.caller, now=visit.now)
    path = f"{AUTHORIZE}/{token}"
    return await _lead(visit, request, path)


async def ask(visit: Visit) -> Response:
    """`GET /oauth2/v2.0/authorize/{request}`: signs in whoever is not, then asks."""
    token = visit.parameters["request"]
    pending = await visit.read(authorization.find_request, token, now=visit.now)
    signed_in = await visit.find_session()
    if signed_in is None:
        return await _lead(visit, pending.request, visit.path)
    if not await visit.read(authorization.is_proven, pending, signed_in, now=visit.now):
        return await _step_up(visit, pending, signed_in)
    if sessions.needs_touch(signed_in.session, visit.now):
        await visit.write(sessions.touch_session, signed_in.session.id, now=visit.now)
    page = ConfirmAppPage(
        app=pending.request.client.name,
        username=signed_in.person.username,
        account=signed_in.person.id,
        rights=tuple(right for scope, right in _RIGHTS if scope in pending.request.scopes),
        path=visit.path,
    )
    response = await answer_page(visit, page)
    # browsers hold the redirect after a form against `form-action`: this page's alone may lead to the application
    policy = content_security_policy(_form_target(pending.request.redirect_uri))
    response.headers["content-security-policy"] = policy.decode()
    return response


async def decide(visit: Visit) -> Response:
    """`POST /oauth2/v2.0/authorize/{request}`: what the person decided."""
    token = visit.parameters["request"]
    form = await visit.form()
    decision = form.get("decision")
    signed_in = await visit.find_session()
    if decision == "cancel":
        pending = await visit.write(authorization.take_request, token, now=visit.now)
        error = RedirectedError(DENIED, redirect_uri=pending.request.redirect_uri, state=pending.request.state)
        return _send_back(visit, error)
    pending = await visit.read(authorization.find_request, token, now=visit.now)
    if decision == "switch":
        return await _switch(visit, signed_in)
    if decision != "continue":
        raise Refusal(RequestReason.REQUEST_INVALID, field="decision")
    if signed_in is None:
        return await _lead(visit, pending.request, visit.path)
    if not await visit.read(authorization.is_proven, pending, signed_in, now=visit.now):
        return await _step_up(visit, pending, signed_in)
    if form.get("account") != signed_in.person.id:  # somebody else signed in meanwhile: nobody asked them yet
        return redirect(visit, visit.path)
    _, code = await visit.write(authorization.approve, token, signed_in, caller=visit.caller, now=visit.now)
    return _leave(visit, pending.request.redirect_uri, pending.request.state, code=code)


async def _step_up(visit: Visit, pending: Pending, signed_in: SignedIn) -> Response:
    await visit.write(
        authorization.begin_step_up,
        visit.sign_in_token,
        pending,
        signed_in,
        next_path=visit.path,
        caller=visit.caller,
        now=visit.now,
    )
    return redirect(visit, "/sign-in")


async def _lead(visit: Visit, request: AuthorizationRequest, path: str) -> Response:
    """To the page that asks; for whoever is not signed in by way of the sign-in, with the username that was hinted."""
    if await visit.find_session() is not None:
        return redirect(visit, path)
    if request.login_hint is not None:
        try:
            await visit.write(
                sign_in.identify,
                visit.sign_in_token,
                request.login_hint,
                next_path=path,
                caller=visit.caller,
                now=visit.now,
            )
        except Refusal:  # no username of ours: whoever it is types theirs
            return redirect(visit, sign_in_path(path))
        return redirect(visit, "/sign-in")
    return redirect(visit, sign_in_path(path))


async def _switch(visit: Visit, signed_in: SignedIn | None) -> Response:
    """*Use another account*: this browser's session ends, and somebody else signs in."""
    if signed_in is not None:
        await visit.write(sessions.end_session, signed_in, signed_in.session.id, caller=visit.caller, now=visit.now)
        visit.set_cookies.append(cookies.delete_cookie(cookies.SESSION))
        visit.signed_in = None
    return redirect(visit, sign_in_path(visit.path))


async def _without_asking(visit: Visit, request: AuthorizationRequest) -> None:
    """`prompt=none`: nothing may be shown, so nothing can be agreed to (OpenID Connect Core §3.1.2.6)."""
    is_signed_in = await visit.find_session() is not None
    code = ErrorCode.INTERACTION_REQUIRED if is_signed_in else ErrorCode.LOGIN_REQUIRED
    error = OAuthError(code, "the person must be asked")
    raise RedirectedError(error, redirect_uri=request.redirect_uri, state=request.state)


def _send_back(visit: Visit, error: RedirectedError) -> Response:
    return _leave(
        visit, error.redirect_uri, error.state, error=error.error.code.value, error_description=error.error.description
    )


def _leave(visit: Visit, redirect_uri: str, state: str | None, **parameters: str) -> Response:
    """303, never 307: what was typed here is not sent on (RFC 9700 §4.12)."""
    location = answer_uri(redirect_uri, issuer=issuer_of(visit.site).url, state=state, **parameters)
    response = Response(status_code=303, headers={"location": location})
    response.raw_headers.extend(visit.set_cookies)
    return response


def _form_target(redirect_uri: str) -> str:
    """A source expression for the application's address (CSP Level 3 §2.3.1). It cannot name an IPv6 address, so there
    the scheme stands for it."""
    parts = urlsplit(redirect_uri)
    if parts.scheme in ("http", "https") and not parts.netloc.startswith("["):
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"
