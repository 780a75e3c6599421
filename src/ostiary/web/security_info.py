"""`/security-info`: what a person sees of their sign-in methods, and the changes that need no ceremony."""

from starlette.responses import Response

from ostiary.identity import security_info, sessions
from ostiary.identity.assurance import is_multi_factor
from ostiary.identity.methods.password import MINIMUM_LENGTH, hash_password
from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import base64url
from ostiary.storage import people
from ostiary.web import cookies
from ostiary.web.activity import activity_rows
from ostiary.web.answers import answer_json, answer_nothing, answer_page, redirect, tell
from ostiary.web.method_rows import client_words, method_json, method_row
from ostiary.web.pages import DeletePage, PasswordPage, RenamePage, SecurityInfoPage, SessionRow
from ostiary.web.refusals import RequestReason
from ostiary.web.translations import N_
from ostiary.web.visit import Visit


async def show(visit: Visit) -> Response:
    """`GET /security-info`"""
    signed_in = visit.session()
    seen = await visit.read(security_info.overview, signed_in, now=visit.now)
    rows = tuple(method_row(visit, entry) for entry in seen.entries)
    added = [entry.method.created_at for entry in seen.entries if entry.credential]
    person = signed_in.person
    if person.language is None:  # what they read here is what mail to them speaks
        await visit.write(people.set_language, person.id, visit.language)
    page = SecurityInfoPage(
        methods=rows,
        passkey_count=len(added),
        newest_passkey_added=max(added, default=None),
        needs_second_factor=seen.add_by is None and not is_multi_factor(seen.kinds),
        add_by=seen.add_by,
        second_factors=security_info.second_factors(seen.kinds),
        default_second_factor=seen.preferred_second_factor,
        sessions=tuple(
            SessionRow(
                id=session.id,
                where=client_words(visit, session.client) or visit.say(N_("Unknown browser")),
                address=session.address,
                started=session.created_at,
                last_seen=session.last_seen_at,
                is_this_one=session.id == signed_in.session.id,
            )
            for session in seen.sessions
        ),
        activity=activity_rows(visit, seen.activity),
        done=visit.query.get("done"),
        accepted={
            "rpId": visit.site.relying_party.id,
            "userId": base64url.encode(person.user_handle),
            "allAcceptedCredentialIds": [
                base64url.encode(entry.credential.credential_id) for entry in seen.entries if entry.credential
            ],
            "name": person.username,
            "displayName": person.display_name,
        },
    )
    return await answer_page(visit, page)


# --- One method, by program


async def patch_method(visit: Visit) -> Response:
    """`PATCH /security-info/methods/{id}`: `{"name"}`"""
    name = (await visit.json()).get("name")
    if not isinstance(name, str):
        raise Refusal(RequestReason.REQUEST_INVALID, field="name")
    entry = await visit.write(
        security_info.rename,
        visit.session(),
        visit.parameters["method_id"],
        name,
        caller=visit.caller,
        now=visit.now,
    )
    return answer_json(visit, method_json(visit, entry))


async def delete_method(visit: Visit) -> Response:
    """`DELETE /security-info/methods/{id}`; the last strong one only with `{"understood": true}`."""
    is_understood = (await visit.json()).get("understood", False)
    if not isinstance(is_understood, bool):
        raise Refusal(RequestReason.REQUEST_INVALID, field="understood")
    await visit.write(
        security_info.remove,
        visit.session(),
        visit.parameters["method_id"],
        is_understood=is_understood,
        caller=visit.caller,
        now=visit.now,
    )
    return answer_nothing(visit)


# --- One method, by form


async def show_rename(visit: Visit) -> Response:
    await _require_fresh(visit)
    return await _rename_page(visit)


async def rename(visit: Visit) -> Response:
    name = (await visit.form()).get("name", "")
    try:
        await visit.write(
            security_info.rename,
            visit.session(),
            visit.parameters["method_id"],
            name,
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        if refusal.field is None:
            raise
        return await _rename_page(visit, refusal, name)
    return redirect(visit, "/security-info?done=renamed")


async def _rename_page(visit: Visit, refusal: Refusal | None = None, name: str | None = None) -> Response:
    entry = await visit.read(security_info.find, visit.session(), visit.parameters["method_id"], now=visit.now)
    told = await tell(visit, refusal) if refusal else None
    page = RenamePage(
        method=method_row(visit, entry),
        name=(entry.method.name or "") if name is None else name,
        problem=told.problem if told else None,
    )
    return await answer_page(visit, page, told.status if told else 200)


async def show_delete(visit: Visit) -> Response:
    await _require_fresh(visit)
    return await _delete_page(visit)


async def delete(visit: Visit) -> Response:
    form = await visit.form()
    try:
        await visit.write(
            security_info.remove,
            visit.session(),
            visit.parameters["method_id"],
            is_understood="understood" in form,
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        if refusal.field is None:
            raise
        return await _delete_page(visit, refusal)
    return redirect(visit, "/security-info?done=deleted")


async def _delete_page(visit: Visit, refusal: Refusal | None = None) -> Response:
    signed_in = visit.session()
    entry = await visit.read(security_info.find, signed_in, visit.parameters["method_id"], now=visit.now)
    is_last = await visit.read(security_info.is_last_strong, signed_in, entry, now=visit.now)
    told = await tell(visit, refusal) if refusal else None
    page = DeletePage(method=method_row(visit, entry), is_last_strong=is_last, problem=told.problem if told else None)
    return await answer_page(visit, page, told.status if told else 200)


# --- The rest of the page


async def choose_second_factor(visit: Visit) -> Response:
    kind = (await visit.form()).get("kind", "")
    await visit.write(security_info.choose_second_factor, visit.session(), kind, caller=visit.caller, now=visit.now)
    return redirect(visit, "/security-info?done=default_changed")


async def end_session(visit: Visit) -> Response:
    signed_in = visit.session()
    session_id = visit.parameters["session_id"]
    await visit.write(sessions.end_session, signed_in, session_id, caller=visit.caller, now=visit.now)
    if session_id == signed_in.session.id:
        return _signed_out(visit)
    return redirect(visit, "/security-info?done=session_ended")


async def sign_out_everywhere(visit: Visit) -> Response:
    await visit.write(sessions.end_all_sessions, visit.session(), caller=visit.caller, now=visit.now)
    return _signed_out(visit)


async def show_password(visit: Visit) -> Response:
    await _require_fresh(visit)
    return await _password_page(visit)


async def change_password(visit: Visit) -> Response:
    form = await visit.form()
    signed_in = visit.session()
    new = form.get("new", "")
    try:
        present = await visit.write(security_info.begin_password_change, signed_in, now=visit.now)
        await visit.hashing(
            security_info.check_password_change,
            present,
            username=signed_in.person.username,
            current=form.get("current", ""),
            new=new,
            repeat=form.get("repeat", ""),
        )
    except Refusal as refusal:
        if refusal.reason is Reason.FRESH_MFA_REQUIRED:
            raise
        return await _password_page(visit, refusal)
    hash = await visit.hashing(hash_password, new)
    await visit.write(security_info.finish_password_change, signed_in, hash, caller=visit.caller, now=visit.now)
    return redirect(visit, "/security-info?done=password_changed")


async def _password_page(visit: Visit, refusal: Refusal | None = None) -> Response:
    told = await tell(visit, refusal) if refusal else None
    page = PasswordPage(
        username=visit.session().person.username,
        minimum_length=MINIMUM_LENGTH,
        problem=told.problem if told else None,
    )
    return await answer_page(visit, page, told.status if told else 200)


async def _require_fresh(visit: Visit) -> None:
    """Asked before a form that changes something is shown, so that nobody fills it in for nothing."""
    await visit.read(security_info.require_change, visit.session(), now=visit.now)


def _signed_out(visit: Visit) -> Response:
    visit.set_cookies.append(cookies.delete_cookie(cookies.SESSION))
    return redirect(visit, "/sign-in?done=signed_out")
