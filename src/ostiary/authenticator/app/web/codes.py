"""One-time codes: the list, adding one in three ways, deleting one."""

from typing import Final

from starlette.responses import JSONResponse, Response

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.web.problems import status_of
from ostiary.authenticator.app.web.rendering import Problem
from ostiary.authenticator.app.web.translations import N_
from ostiary.authenticator.app.web.visit import Visit

MOST_PIXELS: Final = 4_000_000
_LINK_FIELDS = {
    AppReason.OTPAUTH_INVALID: "link",
    AppReason.OTPAUTH_COUNTER: "link",
    AppReason.SECRET_INVALID: "link",
    AppReason.CODE_DUPLICATE: "link",
}
_KEY_FIELDS = {AppReason.SECRET_INVALID: "secret", AppReason.CODE_DUPLICATE: "secret"}


async def index(visit: Visit) -> Response:
    return await visit.page("codes.html", codes=await visit.call(visit.service.codes))


async def add_page(visit: Visit) -> Response:
    return await _add_page(visit)


async def add_link(visit: Visit) -> Response:
    link = (await visit.form()).get("link", "").strip()
    try:
        await visit.call(visit.service.add_code_from_uri, link)
    except AppError as error:
        if error.reason is AppReason.LOCKED:
            raise
        return await _add_page(visit, visit.problem(error, _LINK_FIELDS), link=link)
    return visit.go("/codes")


async def add_key(visit: Visit) -> Response:
    form = await visit.form()
    issuer, name = form.get("issuer", "").strip(), form.get("name", "").strip()
    if not issuer or not name:
        empty = Problem(visit.say(N_("Something is missing.")), visit.say(N_("Fill in both names.")))
        return await _add_page(visit, empty, issuer=issuer, name=name, is_by_hand=True)
    try:
        await visit.call(visit.service.add_code, issuer=issuer, name=name, secret=form.get("secret", ""))
    except AppError as error:
        if error.reason is AppReason.LOCKED:
            raise
        return await _add_page(visit, visit.problem(error, _KEY_FIELDS), issuer=issuer, name=name, is_by_hand=True)
    return visit.go("/codes")


async def add_picture(visit: Visit) -> Response:
    """From the page's script: greyscale pixels, a byte each, row by row; `?width=&height=`."""
    try:
        pixels, width, height = await read_picture(visit)
        await visit.call(visit.service.add_code_from_image, pixels, width, height)
    except AppError as error:
        problem = visit.problem(error)
        return JSONResponse({"title": problem.title, "next": problem.next}, status_of(error.reason))
    return JSONResponse({"to": f"{visit.access.root}/codes"})


async def read_picture(visit: Visit) -> tuple[bytes, int, int]:
    """The body of a POST of the page's script, with its width and height. Raises IMAGE_INVALID."""
    width, height = (_side(visit.request.query_params.get(name, "")) for name in ("width", "height"))
    pixels = await visit.request.body()
    if len(pixels) != width * height or not 0 < len(pixels) <= MOST_PIXELS:
        raise AppError(AppReason.IMAGE_INVALID)
    return pixels, width, height


def _side(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        raise AppError(AppReason.IMAGE_INVALID)
    return int(text)


async def _add_page(
    visit: Visit,
    problem: Problem | None = None,
    *,
    link: str = "",
    issuer: str = "",
    name: str = "",
    is_by_hand: bool = False,
) -> Response:
    return await visit.page(
        "add_code.html",
        422 if problem else 200,
        problem=problem,
        link=link,
        issuer=issuer,
        name=name,
        is_by_hand=is_by_hand,
    )


async def delete_page(visit: Visit) -> Response:
    code = next((one for one in await visit.call(visit.service.codes) if one.id == visit.parameter("id")), None)
    if code is None:
        raise AppError(AppReason.CODE_UNKNOWN)
    return await visit.page(
        "delete.html",
        heading=visit.say(N_("Delete this code?")),
        name=", ".join(filter(None, (code.issuer, code.name))),
        consequences=[
            ("warning", visit.say(N_("First turn it off at the account itself, or you may lock yourself out there."))),
            ("mark-code", visit.say(N_("It cannot be brought back. A new one needs a new QR code."))),
        ],
        button=visit.say(N_("Delete")),
        tab="codes",
        parent="codes",
        parent_words=visit.say(N_("Codes")),
    )


async def delete(visit: Visit) -> Response:
    await visit.call(visit.service.delete_code, visit.parameter("id"))
    return visit.go("/codes")
