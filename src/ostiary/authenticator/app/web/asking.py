"""What is asked of the person: prompts (passkeys) and approvals. In a window of their own, or over the app's pages.

A window that was opened for one of them shows that one and nothing else.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, Literal, NamedTuple

from starlette.responses import HTMLResponse, Response

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.phrases import phrase
from ostiary.authenticator.app.views import ApprovalResult, ApprovalView, PromptView
from ostiary.authenticator.app.web.doors import pins_differ
from ostiary.authenticator.app.web.problems import PIN_FIELDS, status_of
from ostiary.authenticator.app.web.rendering import Problem
from ostiary.authenticator.app.web.translations import N_
from ostiary.authenticator.app.web.visit import Visit
from ostiary.authenticator.ports import Purpose


class Answered(NamedTuple):
    kind: Literal["good", "note", "danger"]
    title: str
    words: str


_APPROVED: Final = {
    Purpose.REGISTER: Answered("good", N_("Approved"), N_("The passkey is saved here. Go back to the website.")),
    Purpose.ALREADY_REGISTERED: Answered(
        "note", N_("Nothing new was made"), N_("The website was told that your passkey is here already.")
    ),
    Purpose.SIGN_IN: Answered("good", N_("Approved"), N_("Go back to the website; it lets you in now.")),
    Purpose.RESET: Answered("good", N_("Everything was deleted"), N_("Add your accounts again.")),
    Purpose.MANAGE: Answered("good", N_("Allowed"), N_("The program may go on for now.")),
}
_GO_ON: Final = Answered("good", N_("Thank you"), N_("Go back to where you came from."))
_DECLINED: Final = Answered("note", N_("Declined"), N_("Nothing was changed, and nobody was let in."))
_OVER: Final = Answered(
    "note", N_("This question is over"), N_("Nothing was changed. Start again where you came from.")
)
_TRIED_TOO_OFTEN: Final = {AppReason.PIN_BLOCKED, AppReason.RESTART_NEEDED}
_APPROVALS: Final = {
    ApprovalResult.APPROVED: Answered("good", N_("Approved"), N_("The sign-in page goes on by itself.")),
    ApprovalResult.DECLINED: _DECLINED,
    ApprovalResult.REPORTED: Answered(
        "danger",
        N_("Reported"),
        N_("Nobody was let in, and your organisation knows. Change your password now: somebody may know it."),
    ),
}
_OVER_REASONS: Final = {AppReason.APPROVAL_OVER, AppReason.NUMBER_WRONG, *_TRIED_TOO_OFTEN}


_SOURCES: Final = (
    N_("USB security key"),
    N_("NFC card"),
    N_("another computer nearby"),
    N_("Setting up your account"),
    N_("Reset from the command line"),
)
"""What hosts and the app itself call themselves; anything else is shown as it is."""
_ON_THIS_COMPUTER: Final = " on this computer"
_BROWSER: Final = N_("%(browser)s on this computer")


# --- prompts


async def prompt_page(visit: Visit) -> Response:
    if not _may_answer(visit):
        return _refused(visit)
    prompt = await _open_prompt(visit)
    return await approval_page(visit) if prompt is None else await _ask(visit, prompt)


async def answer_prompt(visit: Visit) -> Response:
    if not _may_answer(visit):
        return _refused(visit)
    form = await visit.form()
    prompt = await _open_prompt(visit)
    if prompt is None:
        return await answer_approval(visit)
    choice = _choice(form.get("choice", ""), prompt)
    try:
        match form.get("answer"):
            case "decline":
                await visit.call(visit.service.decline_prompt, prompt.id)
                return await _answered(visit, _DECLINED)
            case "fingerprint":
                await visit.call(visit.service.approve_prompt_by_fingerprint, prompt.id, choice=choice)
            case "approve":
                problem = pins_differ(visit, form) if prompt.needs_new_pin else None
                if problem is not None:
                    return await _ask(visit, prompt, problem, choice)
                pin = form.get("pin", "")
                given = {"new_pin": pin} if prompt.needs_new_pin else {"pin": pin}
                await visit.call(partial(visit.service.approve_prompt, prompt.id, choice=choice, **given))
            case _:
                raise AppError(AppReason.REQUEST_INVALID)
    except AppError as error:
        if error.reason is AppReason.PROMPT_OVER:
            return await _answered(visit, _OVER, 410)
        problem = visit.problem(error, PIN_FIELDS)
        still_open = None if error.reason in _TRIED_TOO_OFTEN else await _open_prompt(visit)
        if still_open is None:
            return await _answered(visit, Answered("danger", problem.title, problem.next), status_of(error.reason))
        return await _ask(visit, still_open, problem, choice)
    return await _answered(visit, _APPROVED.get(prompt.purpose, _GO_ON))


def _may_answer(visit: Visit) -> bool:
    return visit.is_signed_in or visit.access.is_window_of(visit.cookies, visit.parameter("id"))


def _refused(visit: Visit) -> Response:
    return visit.closed(
        403,
        N_("This question belongs to another window"),
        N_("Go back to the website and start again there."),
        shows_command=False,
    )


async def _open_prompt(visit: Visit) -> PromptView | None:
    prompt = await visit.call(visit.service.prompt)
    return prompt if prompt is not None and prompt.id == visit.parameter("id") else None


def _choice(text: str, prompt: PromptView) -> int:
    """Which account. Where there are several, one that was not named is none of them: the board refuses it."""
    if len(prompt.accounts) < 2:
        return 0
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else -1


async def _ask(visit: Visit, prompt: PromptView, problem: Problem | None = None, choice: int = 0) -> Response:
    state = await visit.call(visit.service.state)
    return await _sheet(
        visit,
        "_prompt.html",
        422 if problem else 200,
        title=visit.say(N_("A question for you")),
        prompt=replace(prompt, source=_source(visit, prompt.source)),
        problem=problem,
        choice=max(choice, 0),
        seconds=_seconds_until(visit, prompt.deadline),
        minimum_pin_length=state.minimum_pin_length,
    )


def _source(visit: Visit, source: str) -> str:
    """Which way the question came. It travels as text, and a browser has a name of its own in it."""
    browser = source.removesuffix(_ON_THIS_COMPUTER)
    return visit.say(phrase(_BROWSER, browser=browser) if browser != source else source)


# --- approvals


async def approval_page(visit: Visit) -> Response:
    approval = await _pending(visit)
    return await _answered(visit, _OVER, 410) if approval is None else await _ask_approval(visit, approval)


async def answer_approval(visit: Visit) -> Response:
    form = await visit.form()
    approval = await _pending(visit)
    if approval is None:
        return await _answered(visit, _OVER, 410)
    number, pin = form.get("number", "").strip(), form.get("pin", "")
    answers: dict[str | None, Callable[[], ApprovalResult]] = {
        "approve": partial(visit.service.answer_approval, approval.id, number=number, pin=pin),
        "fingerprint": partial(visit.service.answer_approval_by_fingerprint, approval.id, number=number),
        "decline": partial(visit.service.decline_approval, approval.id, pin=pin),
        "report": partial(visit.service.report_approval, approval.id, pin=pin),
    }
    try:
        if form.get("answer") not in answers:
            raise AppError(AppReason.REQUEST_INVALID)
        return await _answered(visit, _APPROVALS[await visit.call(answers[form.get("answer")])])
    except AppError as error:
        problem = visit.problem(error, {**PIN_FIELDS, AppReason.NUMBER_INVALID: "number"})
        if error.reason in _OVER_REASONS:
            return await _answered(visit, Answered("danger", problem.title, problem.next), status_of(error.reason))
        return await _ask_approval(visit, approval, problem)


async def _pending(visit: Visit) -> ApprovalView | None:
    pending = await visit.call(visit.service.approvals)
    return next((one for one in pending if one.id == visit.parameter("id")), None)


async def _ask_approval(visit: Visit, approval: ApprovalView, problem: Problem | None = None) -> Response:
    state = await visit.call(visit.service.state)
    return await _sheet(
        visit,
        "_approval.html",
        422 if problem else 200,
        title=visit.say(N_("Is this you signing in?")),
        approval=approval,
        problem=problem,
        needs_pin=True,
        can_use_fingerprint=state.can_use_fingerprint,
        seconds=_seconds_until(visit, approval.expires_at),
    )


# --- what is open now, to be shown over the app's pages


async def sheet(visit: Visit) -> Response:
    """`GET /sheet`: 204 when nothing is asked."""
    prompt = await visit.call(visit.service.prompt)
    if prompt is not None:
        visit.request.path_params["id"] = prompt.id
        return await _ask(visit, prompt)
    approvals = await visit.call(visit.service.approvals)
    return await _ask_approval(visit, approvals[0]) if approvals else Response(status_code=204)


async def _answered(visit: Visit, answered: Answered, status: int = 200) -> Response:
    title, words = visit.say(answered.title), visit.say(answered.words)
    return await _sheet(visit, "_answered.html", status, kind=answered.kind, title=title, words=words)


async def _sheet(visit: Visit, part: str, status: int, **values: object) -> Response:
    if visit.is_sheet:
        return HTMLResponse(await visit.draw(part, **values), status)
    return HTMLResponse(await visit.draw("sheet.html", part=part, **values), status)


def _seconds_until(visit: Visit, deadline: int) -> int:
    return max(0, (deadline - visit.now) // 1000)
