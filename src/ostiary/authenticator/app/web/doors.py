"""Coming in: the links from outside, the first PIN, the lock."""

from html import escape

from starlette.responses import HTMLResponse, RedirectResponse, Response

from ostiary.authenticator.app.errors import AppError
from ostiary.authenticator.app.web.problems import PIN_FIELDS, PINS_DIFFER
from ostiary.authenticator.app.web.rendering import Problem
from ostiary.authenticator.app.web.translations import LANGUAGES, N_
from ostiary.authenticator.app.web.visit import LANGUAGE_COOKIE, Visit

_USED = N_("This link was used already")
_USED_NEXT = N_("Each link opens the Authenticator once. Open it again from a terminal:")
_BOUNCE = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={}"><title>Authenticator</title>'
)


async def enter(visit: Visit) -> Response:
    """`GET /?token=...`"""
    token = visit.request.query_params.get("token")
    if token is None and visit.is_signed_in:
        return visit.go("/accounts")
    session = visit.access.exchange_start(token) if token else None
    if session is None:
        return visit.closed(403, _USED if token else N_("The Authenticator is here"), _USED_NEXT)
    return _into(visit, "/accounts", visit.access.session_cookie(session))


async def enter_window(visit: Visit) -> Response:
    """`GET /prompt/{id}?key=...`"""
    prompt_id = visit.parameter("id")
    window = visit.access.exchange_window(prompt_id, visit.request.query_params.get("key", ""))
    if window is None:
        return visit.closed(403, _USED, N_("Go back to the website and start again there."), shows_command=False)
    return _into(visit, f"/prompt/{prompt_id}", visit.access.window_cookie(window, prompt_id))


def _into(visit: Visit, path: str, cookie: str) -> Response:
    """On to the clean address. A browser that was sent here by another site keeps back a SameSite=Strict cookie on a
    redirect too, so there the page itself goes on."""
    there = f"{visit.access.root}{path}"
    headers = {"set-cookie": cookie}
    if visit.request.headers.get("sec-fetch-site") in (None, "none", "same-origin"):
        return RedirectResponse(there, 303, headers=headers)
    return HTMLResponse(_BOUNCE.format(escape(there)), headers=headers)


async def start(visit: Visit) -> Response:
    if (await visit.call(visit.service.state)).is_pin_set:
        return visit.go("/accounts")
    return await visit.page("start.html")


async def set_first_pin(visit: Visit) -> Response:
    form = await visit.form()
    problem = pins_differ(visit, form)
    if problem is None:
        try:
            await visit.call(visit.service.set_pin, form.get("pin", ""))
        except AppError as error:
            problem = visit.problem(error, PIN_FIELDS)
    if problem is not None:
        return await visit.page("start.html", 422, problem=problem)
    return visit.go("/accounts")


def pins_differ(visit: Visit, form: dict[str, str]) -> Problem | None:
    if form.get("pin") == form.get("again"):
        return None
    return Problem(visit.say(PINS_DIFFER[0]), visit.say(PINS_DIFFER[1]), "again")


async def unlock_page(visit: Visit) -> Response:
    state = await visit.call(visit.service.state)
    if not state.is_pin_set:
        return visit.go("/start")
    return_to = visit.inside(visit.request.query_params.get("return_to"))
    if not state.is_locked and not state.is_blocked:
        return visit.go(return_to)
    return await visit.page("unlock.html", return_to=f"{visit.access.root}{return_to}")


async def unlock(visit: Visit) -> Response:
    form = await visit.form()
    return_to = visit.inside(form.get("return_to"))
    try:
        await visit.call(visit.service.unlock, form.get("pin", ""))
    except AppError as error:
        problem = visit.problem(error, PIN_FIELDS)
        return await visit.page("unlock.html", 422, problem=problem, return_to=f"{visit.access.root}{return_to}")
    return visit.go(return_to)


async def lock(visit: Visit) -> Response:
    await visit.call(visit.service.lock)
    return visit.go("/unlock")


async def choose_language(visit: Visit) -> Response:
    form = await visit.form()
    answer = visit.go(visit.inside(form.get("return_to")))
    if form.get("language") in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, form["language"], max_age=31_536_000, httponly=True, samesite="strict")
    return answer
