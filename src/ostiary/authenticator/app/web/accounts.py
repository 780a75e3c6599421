"""Accounts and passkeys: the list, adding a work or school account, one account, one passkey, and deleting them."""

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from ostiary.authenticator.app.errors import AppError, AppReason
from ostiary.authenticator.app.service import AuthenticatorService
from ostiary.authenticator.app.views import AccountView, Deletion, PasskeyView, SignInStatus, StepKind, StepStatus
from ostiary.authenticator.app.web.problems import status_of
from ostiary.authenticator.app.web.rendering import Problem
from ostiary.authenticator.app.web.translations import N_
from ostiary.authenticator.app.web.visit import Visit

_SERVER_FIELDS = {
    AppReason.SERVER_INVALID: "server",
    AppReason.SERVER_UNREACHABLE: "server",
    AppReason.SERVER_UNTRUSTED: "server",
    AppReason.SERVER_ANSWER_INVALID: "server",
}


async def index(visit: Visit) -> Response:
    accounts = await visit.call(visit.service.accounts)
    known = {account.id for account in accounts}
    return await visit.page(
        "accounts.html",
        accounts=accounts,
        prompt=await visit.call(visit.service.prompt),
        approvals=await visit.call(visit.service.approvals),
        loose_passkeys=[one for one in await visit.call(visit.service.passkeys) if one.account_id not in known],
        codes=[one for one in await visit.call(visit.service.codes) if one.account_id not in known],
    )


async def add(visit: Visit) -> Response:
    return await visit.page("add.html")


async def add_work(visit: Visit) -> Response:
    return await visit.page("add_work.html", server=visit.request.query_params.get("server", ""))


async def begin_sign_in(visit: Visit) -> Response:
    server = (await visit.form()).get("server", "").strip()
    try:
        sign_in = await visit.call(visit.service.begin_sign_in, server)
    except AppError as error:
        if error.reason is AppReason.LOCKED:
            raise
        problem = visit.problem(error, _SERVER_FIELDS)
        return await visit.page("add_work.html", status_of(error.reason), problem=problem, server=server)
    _go_on_when_signed_in(visit.service, sign_in.id)
    return visit.go(f"/accounts/add/work/{sign_in.id}")


async def sign_in_again(visit: Visit) -> Response:
    """To go on where a proof was asked for (`return_to`), or with what is not set up yet."""
    return_to = (await visit.form()).get("return_to")
    account = await visit.call(visit.service.account, visit.parameter("id"))
    sign_in = await visit.call(visit.service.begin_sign_in, account.server)
    if return_to is not None:
        there = quote(f"{visit.access.root}{visit.inside(return_to)}", safe="/")
        return visit.go(f"/accounts/add/work/{sign_in.id}?return_to={there}")
    _go_on_when_signed_in(visit.service, sign_in.id)
    return visit.go(f"/accounts/add/work/{sign_in.id}")


async def sign_in(visit: Visit) -> Response:
    view = await visit.call(visit.service.sign_in, visit.parameter("id"))
    return_to = visit.inside(visit.request.query_params.get("return_to"), f"/accounts/{view.account_id or ''}")
    return await visit.page(
        "sign_in.html",
        sign_in=view,
        message=visit.say(view.message),
        next=visit.say(view.next),
        then=f"{visit.access.root}{return_to}",
    )


async def cancel_sign_in(visit: Visit) -> Response:
    await visit.call(visit.service.cancel_sign_in, visit.parameter("id"))
    return visit.go("/accounts")


async def account(visit: Visit) -> Response:
    return await _account_page(visit, await visit.call(visit.service.account, visit.parameter("id")))


async def set_up(visit: Visit) -> Response:
    """Goes on beside the page, which shows how far it is: it may wait for the person."""
    account = await visit.call(visit.service.account, visit.parameter("id"))
    _in_background(partial(visit.service.set_up, account.id))
    return visit.go(f"/accounts/{account.id}")


async def enrol_attestation(visit: Visit) -> Response:
    account_id = visit.parameter("id")
    code = (await visit.form()).get("code", "").strip()
    try:
        step = await visit.call(visit.service.enrol_attestation, account_id, code)
    except AppError as error:
        problem = visit.problem(error)
        shown = Problem(problem.title, problem.next, "code")
    else:
        if step.status is StepStatus.DONE:
            return visit.go(f"/accounts/{account_id}")
        shown = Problem(visit.say(step.message), visit.say(step.next), "code")
    return await _account_page(visit, await visit.call(visit.service.account, account_id), shown)


async def remove_page(visit: Visit) -> Response:
    account = await visit.call(visit.service.account, visit.parameter("id"))
    gone = visit.say(N_("Its approvals and codes stop working here."))
    there = (
        N_("Your organisation is told to forget them too.")
        if account.is_signed_in
        else N_("Delete this Authenticator also under Security info.")
    )
    stay = visit.say(N_("Its passkeys stay until you delete them one by one."))
    return await visit.page(
        "delete.html",
        heading=visit.say(N_("Remove this account?")),
        name=f"{account.organization}, {account.username}",
        consequences=[("bell", gone), ("briefcase", visit.say(there)), ("passkey", stay)],
        button=visit.say(N_("Remove account")),
        parent=f"accounts/{account.id}",
        parent_words=account.organization,
    )


async def remove(visit: Visit) -> Response:
    account = await visit.call(visit.service.account, visit.parameter("id"))
    deletion = await visit.call(visit.service.remove_account, account.id)
    return await _deleted(visit, deletion, account.username)


async def passkey(visit: Visit) -> Response:
    return await visit.page("passkey.html", passkey=await visit.call(visit.service.passkey, visit.parameter("id")))


async def delete_passkey_page(visit: Visit) -> Response:
    passkey = await visit.call(visit.service.passkey, visit.parameter("id"))
    account = await _account_of(visit, passkey.account_id)
    is_told = account is not None and account.is_signed_in
    there = (
        N_("Your organisation is told to forget it too, under Security info.")
        if is_told
        else N_("Delete it also under Security info, or wherever the website lists your passkeys.")
    )
    return await visit.page(
        "delete.html",
        heading=visit.say(N_("Delete this passkey?")),
        consequences=[
            ("passkey", visit.say(N_("You can no longer sign in with it. It cannot be brought back."))),
            ("check" if is_told else "warning", visit.say(there)),
        ],
        button=visit.say(N_("Delete")),
        **_of_passkey(visit, passkey),
    )


async def delete_passkey(visit: Visit) -> Response:
    form = await visit.form()
    passkey = await visit.call(visit.service.passkey, visit.parameter("id"))
    try:
        deletion = await visit.call(
            visit.service.delete_passkey,
            passkey.id,
            is_understood=form.get("is_understood") == "yes",
            is_here_only=form.get("is_here_only") == "yes",
        )
    except AppError as error:
        if error.reason is AppReason.LAST_STRONG_METHOD:
            return await _ask_again(visit, passkey)
        if error.reason is AppReason.FRESH_SIGN_IN_NEEDED:
            return await _ask_for_proof(visit, passkey, str(error.details["account"]))
        raise
    return await _deleted(visit, deletion, passkey.user_name or passkey.rp_id)


async def _ask_again(visit: Visit, passkey: PasskeyView) -> Response:
    """The server was asked, and wants the person to know first."""
    return await visit.page(
        "delete.html",
        409,
        heading=visit.say(N_("Delete your last strong way to sign in?")),
        consequences=[
            ("warning", visit.say(N_("Without it you may be locked out of your account. Nothing was deleted yet."))),
            ("passkey", visit.say(N_("Add another passkey or approvals first, and nothing can go wrong."))),
            ("help", visit.say(N_("Without one, only your helpdesk lets you in again, with a Temporary Access Pass."))),
        ],
        button=visit.say(N_("Delete it all the same")),
        hidden={"is_understood": "yes"},
        **_of_passkey(visit, passkey),
    )


async def _ask_for_proof(visit: Visit, passkey: PasskeyView, account_id: str) -> Response:
    return await visit.page(
        "delete.html",
        409,
        heading=visit.say(N_("Sign in again to delete this passkey")),
        consequences=[
            ("person", visit.say(N_("Your organisation wants to see that it is you. Nothing was deleted yet."))),
            ("warning", visit.say(N_("Deleted only here, it stays under Security info until you delete it there."))),
        ],
        button=visit.say(N_("Delete it only here")),
        hidden={"is_here_only": "yes"},
        sign_in_to=account_id,
        **_of_passkey(visit, passkey),
    )


def _of_passkey(visit: Visit, passkey: PasskeyView) -> dict[str, Any]:
    return {
        "name": f"{passkey.user_name}, {passkey.rp_id}",
        "parent": f"passkeys/{passkey.id}",
        "parent_words": visit.say(N_("Passkey")),
    }


async def _deleted(visit: Visit, deletion: Deletion, name: str) -> Response:
    if deletion.is_forgotten_by_server:
        words = N_("Your organisation has forgotten it too: it is gone from Security info.")
    elif deletion.security_info_url:
        words = N_("Your organisation still lists it. Delete it also under Security info.")
    else:
        words = N_("The website still lists it. Delete it also where the website lists your passkeys.")
    return await visit.page(
        "deleted.html",
        name=name,
        words=visit.say(words),
        is_forgotten_by_server=deletion.is_forgotten_by_server,
        security_info_url=deletion.security_info_url,
    )


async def _account_of(visit: Visit, account_id: str | None) -> AccountView | None:
    if account_id is None:
        return None
    try:
        return await visit.call(visit.service.account, account_id)
    except AppError:
        return None


async def _account_page(visit: Visit, account: AccountView, problem: Problem | None = None) -> Response:
    is_working = any(step.status is StepStatus.WORKING for step in account.steps)
    open_steps = [step for step in account.steps if step.status in (StepStatus.REFUSED, StepStatus.WAITING)]
    is_passkey_missing = all(step.kind is not StepKind.PASSKEY for step in account.steps)
    is_something_missing = is_passkey_missing or any(step.kind is not StepKind.ATTESTATION for step in open_steps)
    return await visit.page(
        "account.html",
        422 if problem else 200,
        account=account,
        problem=problem,
        can_try_again=not is_working and is_something_missing,
        takes_code=not is_working and any(step.kind is StepKind.ATTESTATION for step in open_steps),
        steps={step.kind: (visit.say(step.message), visit.say(step.next)) for step in account.steps},
    )


def _go_on_when_signed_in(service: AuthenticatorService, sign_in_id: str) -> None:
    def go_on() -> None:
        view = service.wait_for_sign_in(sign_in_id)
        if view.status is SignInStatus.DONE and view.account_id is not None:
            service.set_up(view.account_id)

    _in_background(go_on)


def _in_background(work: Callable[[], object]) -> None:
    def run() -> None:
        # What was refused stands on the account's page, step by step.
        with suppress(AppError):
            work()

    threading.Thread(target=run, name="set up an account", daemon=True).start()
