"""`/sign-out`: ends this browser's session. A GET only asks, so that no link can sign anybody out."""

from contextlib import suppress

from starlette.responses import Response

from ostiary.identity import sessions
from ostiary.identity.reasons import Refusal
from ostiary.web import cookies
from ostiary.web.answers import answer_page, redirect
from ostiary.web.pages import SignOutPage
from ostiary.web.visit import Visit


async def show(visit: Visit) -> Response:
    if await visit.find_session() is None:
        return redirect(visit, "/sign-in")
    return await answer_page(visit, SignOutPage())


async def sign_out(visit: Visit) -> Response:
    signed_in = await visit.find_session()
    if signed_in is not None:
        with suppress(Refusal):  # ended meanwhile from elsewhere: as wished
            await visit.write(sessions.end_session, signed_in, signed_in.session.id, caller=visit.caller, now=visit.now)
    visit.set_cookies.append(cookies.delete_cookie(cookies.SESSION))
    visit.set_cookies.append(cookies.delete_cookie(cookies.SIGN_IN))
    return redirect(visit, "/sign-in?done=signed_out")
