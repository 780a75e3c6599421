"""Signing in on another computer: the page that scans its code, how far that is, and the computers that are remembered.

A code arrives here by a POST of our own pages alone, and only what the person has just scanned or pasted: no address of
ours takes one.
"""

from typing import Final

from starlette.responses import JSONResponse, Response

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.nearby_views import ComputerView
from ostiary.authenticator.app.web.codes import read_picture
from ostiary.authenticator.app.web.problems import status_of
from ostiary.authenticator.app.web.rendering import Problem
from ostiary.authenticator.app.web.translations import N_
from ostiary.authenticator.app.web.visit import Visit

_TEXT_FIELDS: Final = {
    AppReason.QR_NOT_FIDO: "text",
    AppReason.QR_DAMAGED: "text",
    AppReason.QR_EXPIRED: "text",
}
_MAY_LOOK: Final = "camera=(self), display-capture=(self), geolocation=(), microphone=()"
"""On the page that scans, and on no other."""


async def scan_page(visit: Visit) -> Response:
    return await _scan_page(visit)


async def scan_text(visit: Visit) -> Response:
    text = (await visit.form()).get("text", "")
    try:
        await visit.call(visit.service.nearby.begin, text)
    except AppError as error:
        if error.reason is AppReason.COMPUTER_BUSY:
            return visit.go("/nearby")
        return await _scan_page(visit, visit.problem(error, _TEXT_FIELDS))
    return visit.go("/nearby")


async def scan_picture(visit: Visit) -> Response:
    """From the page's script: grey pixels, a byte each, row by row; `?width=&height=`. With `&frame=`, one of many:
    that there is no code in it is nothing to tell."""
    try:
        pixels, width, height = await read_picture(visit)
        await visit.call(visit.service.nearby.begin_from_image, pixels, width, height)
    except AppError as error:
        if error.reason is AppReason.QR_NOT_FOUND and "frame" in visit.request.query_params:
            return Response(status_code=204)
        if error.reason is not AppReason.COMPUTER_BUSY:
            problem = visit.problem(error)
            return JSONResponse({"title": problem.title, "next": problem.next}, status_of(error.reason))
    return JSONResponse({"to": f"{visit.access.root}/nearby"})


async def index(visit: Visit) -> Response:
    nearby = visit.service.nearby.view()
    return await visit.page(
        "nearby.html",
        nearby=nearby,
        message=visit.say(nearby.message) if nearby else "",
        next=visit.say(nearby.next) if nearby else "",
    )


async def cancel(visit: Visit) -> Response:
    await visit.call(visit.service.nearby.cancel)
    return visit.go("/nearby")


async def _scan_page(visit: Visit, problem: Problem | None = None) -> Response:
    page = await visit.page("scan.html", 422 if problem else 200, problem=problem)
    page.headers["permissions-policy"] = _MAY_LOOK
    return page


# --- computers that are remembered


async def computers(visit: Visit) -> Response:
    return await visit.page("computers.html", computers=await visit.call(visit.service.nearby.computers.views))


async def computer(visit: Visit) -> Response:
    return await _computer_page(visit)


async def rename_computer(visit: Visit) -> Response:
    name = (await visit.form()).get("name", "")
    try:
        await visit.call(visit.service.nearby.computers.rename, visit.parameter("id"), name)
    except AppError as error:
        if error.reason is not AppReason.SETTING_INVALID:
            raise
        return await _computer_page(visit, visit.problem(error, {AppReason.SETTING_INVALID: "name"}), name)
    return visit.go("/settings/computers")


async def remove_computer_page(visit: Visit) -> Response:
    found = await _find(visit)
    return await visit.page(
        "delete.html",
        heading=visit.say(N_("Remove this computer?")),
        name=found.name or found.rp_id,
        consequences=[
            ("qr", visit.say(N_("It can no longer ring this Authenticator. Next time it needs a QR code."))),
            ("passkey", visit.say(N_("Your passkeys stay. A sign-in that it has goes on."))),
        ],
        button=visit.say(N_("Remove")),
        tab="settings",
        parent=f"settings/computers/{found.id}",
        parent_words=visit.say(N_("Remembered computers")),
    )


async def remove_computer(visit: Visit) -> Response:
    await visit.call(visit.service.nearby.computers.remove, visit.parameter("id"))
    return visit.go("/settings/computers")


async def _find(visit: Visit) -> ComputerView:
    for one in await visit.call(visit.service.nearby.computers.views):
        if one.id == visit.parameter("id"):
            return one
    raise AppError(AppReason.COMPUTER_UNKNOWN)


async def _computer_page(visit: Visit, problem: Problem | None = None, name: str | None = None) -> Response:
    found = await _find(visit)
    return await visit.page(
        "computer.html",
        422 if problem else 200,
        problem=problem,
        computer=found,
        name=found.name if name is None else name,
    )
