"""`/security-info/add`: a person adds a sign-in method. The ceremony's two requests are `passkeys`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, ParamSpec

import segno
from starlette.responses import Response

from ostiary.identity import authenticator_registration, code_enrolment, passkey_registration, security_info
from ostiary.identity.code_enrolment import Pending
from ostiary.identity.policy.prospects import Choice
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.security_info import Entry
from ostiary.identity.sessions import SignedIn
from ostiary.storage.database import Transaction
from ostiary.web import cookies
from ostiary.web.answers import answer_page, redirect, tell
from ostiary.web.method_rows import method_row
from ostiary.web.pages import (
    AddAuthenticatorPage,
    AddCodePage,
    AddMethodPage,
    AddPasskeyPage,
    MethodChoice,
    PasskeyAddedPage,
)
from ostiary.web.translations import N_
from ostiary.web.visit import Visit
from ostiary.web.wording import WORDING

ADD_AUTHENTICATOR = "/security-info/add/authenticator"
ADD_CODE = "/security-info/add/code"
ADD_PASSKEY = "/security-info/add/passkey"
WHY = "/security-info/why"
P = ParamSpec("P")


async def show(visit: Visit) -> Response:
    """`GET /security-info/add`: every choice there is; one that cannot be taken now says why."""
    signed_in = visit.session()
    for_passkey, for_code, for_authenticator = await visit.read(_hindrances, signed_in, now=visit.now)
    seen = await visit.read(passkey_registration.prospects, signed_in, now=visit.now)

    def choice_of(
        name: Choice | Literal["code", "authenticator", "passkey_in_authenticator"], path: str, against: Reason | None
    ) -> MethodChoice:
        return MethodChoice(
            choice=name.value if isinstance(name, Choice) else name,
            path=path,
            is_allowed=against is None,
            reason=visit.say(WORDING[against.value].title) if against else None,
        )

    choices = [
        choice_of(choice, f"{ADD_PASSKEY}?provider={choice.value}", for_passkey or seen.choices[choice])
        for choice in Choice
    ]
    in_authenticator = for_passkey or seen.choices[Choice.THIS_DEVICE]
    choices.append(choice_of("passkey_in_authenticator", f"{ADD_AUTHENTICATOR}?passkey=1", in_authenticator))
    choices.append(choice_of("authenticator", ADD_AUTHENTICATOR, for_authenticator))
    choices.append(choice_of("code", ADD_CODE, for_code))
    page = AddMethodPage(
        choices=tuple(choices),
        needs_second_factor=for_passkey is Reason.SECOND_FACTOR_REQUIRED,
        why_path=None if all(one.is_allowed for one in choices) else WHY,
    )
    return await answer_page(visit, page)


def _hindrances(
    tx: Transaction, signed_in: SignedIn, *, now: int
) -> tuple[Reason | None, Reason | None, Reason | None]:
    """Why no passkey, no authenticator app and no Ostiary Authenticator could be added, whatever was proven."""
    return (
        _reason(passkey_registration.require_room, tx, signed_in, now=now),
        _reason(code_enrolment.require_room, tx, signed_in, now=now),
        _reason(authenticator_registration.require_room, tx, signed_in.person),
    )


def _reason(require: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> Reason | None:
    try:
        require(*args, **kwargs)
    except Refusal as refusal:
        return Reason(refusal.reason)
    return None


async def show_passkey(visit: Visit) -> Response:
    """`GET /security-info/add/passkey?provider=...`: the last page before the browser's own dialog."""
    try:
        await visit.read(passkey_registration.require_may_add, visit.session(), now=visit.now)
    except Refusal as refusal:
        if refusal.reason is Reason.SECOND_FACTOR_REQUIRED:
            return redirect(visit, "/security-info/add")
        raise
    try:
        choice = Choice(visit.query.get("provider", Choice.THIS_DEVICE))
    except ValueError:
        return redirect(visit, "/security-info/add")
    seen = await visit.read(passkey_registration.prospects, visit.session(), now=visit.now)
    if seen.choices[choice] is not None:  # the page of choices says why
        return redirect(visit, "/security-info/add")
    page = AddPasskeyPage(
        provider=choice.value,
        username=visit.session().person.username,
        accepted_providers=seen.accepted[choice],
    )
    if choice is Choice.PHONE_OR_TABLET and seen.choices[Choice.THIS_DEVICE] is None:
        # a phone's own browser succeeds far more often than this one does from afar
        address = f"{visit.site.relying_party.origins[0]}/security-info/add"
        page = replace(page, address=address, qr=_qr(address))
    return await answer_page(visit, page)


async def show_added(visit: Visit) -> Response:
    """`GET /security-info/methods/{id}/added`: name it, try it, add another."""
    return await _added_page(visit)


async def name_added(visit: Visit) -> Response:
    name = (await visit.form()).get("name", "")
    method_id = visit.parameters["method_id"]
    try:
        await visit.write(security_info.rename, visit.session(), method_id, name, caller=visit.caller, now=visit.now)
    except Refusal as refusal:
        if refusal.field is None:
            raise
        return await _added_page(visit, refusal, name)
    return redirect(visit, f"/security-info/methods/{method_id}/added?named=1")


async def _added_page(visit: Visit, refusal: Refusal | None = None, name: str | None = None) -> Response:
    signed_in = visit.session()
    entry = await visit.read(security_info.find, signed_in, visit.parameters["method_id"], now=visit.now)
    if entry.credential is None:
        raise Refusal(Reason.METHOD_UNKNOWN)
    told = await tell(visit, refusal) if refusal else None
    query = visit.query
    page = PasskeyAddedPage(
        method=method_row(visit, entry),
        username=signed_in.person.username,
        name=(entry.method.name or "") if name is None else name,
        is_named="named" in query or "tried" in query,
        tried="tried" in query,
        problem=told.problem if told else None,
    )
    return await answer_page(visit, page, told.status if told else 200)


async def show_authenticator(visit: Visit) -> Response:
    """`GET /security-info/add/authenticator`: what to do in the app. `?since=` when it was begun before."""
    person = visit.session().person
    query = visit.query
    text = query.get("since", "")
    since = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else visit.now
    owned = await visit.read(authenticator_registration.authenticators_of, person.id)
    new = next((one for one in reversed(owned) if one.method.created_at >= since), None) if text else None
    if new is None:
        await visit.read(authenticator_registration.require_room, person)
    address = visit.site.relying_party.origins[0]
    page = AddAuthenticatorPage(
        address=address,
        qr=_qr(address),
        since=since,
        registered=method_row(visit, Entry(new.method, None, device=new.device)) if new else None,
        is_passkey_wanted="passkey" in query,
    )
    return await answer_page(visit, page)


async def show_code(visit: Visit) -> Response:
    """`GET /security-info/add/code`: a new secret, by QR and in letters."""
    await visit.read(code_enrolment.require_may_add, visit.session(), now=visit.now)
    return await _code_page(visit, _begin_code(visit))


async def add_code(visit: Visit) -> Response:
    form = await visit.form()
    signed_in = visit.session()
    pending = None
    try:
        pending = code_enrolment.resume(
            form.get("enrolment", ""), signed_in, visit.site.sealer, issuer=_issuer(visit), now=visit.now
        )
        opened = await visit.write(
            code_enrolment.finish,
            signed_in,
            visit.site.methods.code,
            pending,
            form.get("code", ""),
            default_name=visit.say(N_("Authenticator app")),
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        if refusal.reason not in (Reason.CODE_WRONG, Reason.ENROLMENT_EXPIRED):
            raise
        return await _code_page(visit, pending or _begin_code(visit), refusal)
    visit.set_cookies.append(cookies.set_cookie(cookies.SESSION, opened.token))
    return redirect(visit, "/security-info?done=code_added")


def _begin_code(visit: Visit) -> Pending:
    return code_enrolment.begin(visit.session(), visit.site.sealer, issuer=_issuer(visit), now=visit.now)


def _issuer(visit: Visit) -> str:
    return visit.site.relying_party.name


async def _code_page(visit: Visit, pending: Pending, refusal: Refusal | None = None) -> Response:
    told = await tell(visit, refusal) if refusal else None
    secret = pending.secret
    page = AddCodePage(
        enrolment=pending.enrolment,
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        uri=pending.uri,
        qr=_qr(pending.uri),
        name=visit.say(N_("Authenticator app")),
        problem=told.problem if told else None,
    )
    return await answer_page(visit, page, told.status if told else 200)


def _qr(text: str) -> str:
    return segno.make(text, micro=False).svg_data_uri(scale=4, border=2)
