"""Settings: the PIN, the lock, this computer's name, where the Authenticator works, and deleting everything."""

from typing import Final

from starlette.responses import Response

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.web.doors import pins_differ
from ostiary.authenticator.app.web.problems import PIN_FIELDS
from ostiary.authenticator.app.web.rendering import Problem
from ostiary.authenticator.app.web.translations import N_
from ostiary.authenticator.app.web.visit import Visit

LOCK_CHOICES: Final = (1, 5, 15, 60, 0)
RESET_WORD: Final = N_("delete")


async def index(visit: Visit) -> Response:
    return await _index(visit)


async def save(visit: Visit) -> Response:
    form = await visit.form()
    state = await visit.call(visit.service.state)
    minutes = form.get("lock_minutes", "")
    try:
        if not (minutes.isascii() and minutes.isdecimal() and len(minutes) <= 5):
            raise AppError(AppReason.SETTING_INVALID, field="lock_minutes")
        await visit.call(
            visit.service.change_settings,
            device_name=form.get("device_name", ""),
            lock_minutes=int(minutes),
            is_fingerprint_on=form.get("is_fingerprint_on") == "yes" if state.can_use_fingerprint else None,
        )
    except AppError as error:
        field = "device_name" if error.details.get("field") == "name" else "lock_minutes"
        return await _index(visit, visit.problem(error, {AppReason.SETTING_INVALID: field}))
    return visit.go("/settings?saved=1")


async def _index(visit: Visit, problem: Problem | None = None) -> Response:
    settings = await visit.call(visit.service.settings)
    state = await visit.call(visit.service.state)
    return await visit.page(
        "settings.html",
        422 if problem else 200,
        problem=problem,
        settings=settings,
        is_saved=visit.request.query_params.get("saved") == "1" and problem is None,
        lock_choices=sorted({*LOCK_CHOICES, settings.lock_minutes}, key=lambda minutes: minutes or 10**6),
        has_fingerprint_reader=state.can_use_fingerprint or not settings.is_fingerprint_on,
    )


async def pin_page(visit: Visit) -> Response:
    return await visit.page("pin.html")


async def change_pin(visit: Visit) -> Response:
    form = await visit.form()
    problem = pins_differ(visit, form)
    if problem is None:
        try:
            await visit.call(visit.service.change_pin, form.get("current", ""), form.get("pin", ""))
        except AppError as error:
            of_current = {AppReason.PIN_WRONG: "current", AppReason.PIN_NEEDED: "current"}
            problem = visit.problem(error, {**PIN_FIELDS, **of_current})
    if problem is not None:
        return await visit.page("pin.html", 422, problem=problem)
    return visit.go("/settings?saved=1")


async def browsers(visit: Visit) -> Response:
    settings = await visit.call(visit.service.settings)
    return await visit.page("browsers.html", linked_browsers=settings.linked_browsers)


async def security_key(visit: Visit) -> Response:
    return await visit.page("security_key.html")


async def reset_page(visit: Visit) -> Response:
    return await _reset_page(visit)


async def reset(visit: Visit) -> Response:
    """Also while locked or blocked: it is the way out."""
    if (await visit.form()).get("word", "").strip().casefold() != visit.say(RESET_WORD):
        problem = Problem(visit.say(N_("Nothing was deleted.")), visit.say(N_("Type the word as it is shown.")), "word")
        return await _reset_page(visit, problem)
    await visit.call(visit.service.reset)
    return visit.go("/start")


async def _reset_page(visit: Visit, problem: Problem | None = None) -> Response:
    state = await visit.call(visit.service.state)
    return await visit.page(
        "reset.html",
        422 if problem else 200,
        problem=problem,
        base="_door.html" if state.is_locked or state.is_blocked else "_sub.html",
        word=visit.say(RESET_WORD),
    )
