"""`/admin/people/{person_id}`: one person's story, and what an administrator does for them."""

from collections.abc import Collection
from datetime import UTC, datetime

from starlette.responses import Response

from ostiary.clock import MINUTE
from ostiary.identity import administration, directory, passes
from ostiary.identity.assurance import MethodKind, is_multi_factor, starts
from ostiary.identity.directory import Story
from ostiary.identity.methods.password import MINIMUM_LENGTH
from ostiary.identity.methods.temporary_access_pass import Usability
from ostiary.identity.passes import Held
from ostiary.identity.permissions import Permission
from ostiary.identity.policy import keeping
from ostiary.identity.policy.enforcing import is_passwordless_offered
from ostiary.identity.policy.explain import explain
from ostiary.identity.reasons import Reason, Refusal
from ostiary.storage.people import Person
from ostiary.web.admin.event_words import event_rows
from ostiary.web.admin.frames import actor, make_frame
from ostiary.web.admin.pages import (
    ConfirmKind,
    ConfirmPage,
    IssuePassPage,
    PassView,
    PersonMethod,
    PersonPage,
    SecretPage,
    SetPasswordPage,
    Trouble,
)
from ostiary.web.answers import answer_page, redirect, tell
from ostiary.web.method_rows import client_words, method_row
from ostiary.web.pages import SessionRow
from ostiary.web.refusals import RequestReason
from ostiary.web.visit import Visit
from ostiary.web.wording import wording_of


def _page_path(visit: Visit) -> str:
    return f"/admin/people/{visit.parameters['person_id']}"


async def show(visit: Visit) -> Response:
    """`GET /admin/people/{person_id}`"""
    me = actor(visit)
    story = await visit.read(directory.story, visit.parameters["person_id"], actor=me, now=visit.now)
    why = await visit.read(explain, story.person, visit.now)
    refusals = {verdict.method_id: verdict.reason for verdict in why.passkeys if verdict.reason is not None}
    policy = await visit.read(keeping.current)
    person = story.person
    methods = tuple(
        PersonMethod(row=method_row(visit, entry), refused=_words(visit, refusals.get(entry.method.id)))
        for entry in story.entries
        if entry.method.kind != MethodKind.PASS
    )
    usable = _usable_kinds(story, refusals)
    page = PersonPage(
        frame=await make_frame(visit, "people", story.may),
        id=person.id,
        name=person.display_name,
        username=person.username,
        is_enabled=person.is_enabled,
        is_oneself=person.id == me.id,
        must_change_password=person.must_change_password,
        created=person.created_at,
        can_sign_in=why.can_sign_in,
        troubles=_troubles(story, usable, refusals, starts=starts(is_passwordless=is_passwordless_offered(policy))),
        methods=methods,
        held_pass=_pass_view(story.held_pass) if story.held_pass else None,
        sessions=tuple(
            SessionRow(
                id=session.id,
                where=client_words(visit, session.client) or visit.say("Unknown browser"),
                address=session.address,
                started=session.created_at,
                last_seen=session.last_seen_at,
                is_this_one=session.id == visit.session().session.id,
            )
            for session in story.sessions
        ),
        groups=tuple((group.id, group.name) for group in story.groups),
        roles=story.roles,
        activity=event_rows(visit, story.activity),
        passes_allowed=policy.temporary_access_pass.is_enabled,
    )
    return await answer_page(visit, page)


def _usable_kinds(story: Story, refusals: dict[str, Reason]) -> set[MethodKind]:
    kinds = {MethodKind(entry.method.kind) for entry in story.entries if entry.method.id not in refusals}
    is_usable = story.held_pass is not None and story.held_pass.usability is Usability.ENABLED_BY_POLICY
    return kinds if is_usable else kinds - {MethodKind.PASS}


def _troubles(
    story: Story, usable: set[MethodKind], refusals: dict[str, Reason], *, starts: Collection[MethodKind]
) -> tuple[Trouble, ...]:
    """What is wrong, the worst first."""
    found: list[Trouble] = []
    if not story.person.is_enabled:
        found.append("disabled")
    if usable.isdisjoint(starts):
        found.append("no_method")
    elif not is_multi_factor(usable):
        found.append("only_password")
    elif MethodKind.PASSKEY not in usable and not refusals:
        found.append("no_passkey")
    if refusals:
        found.append("passkey_refused")
    if story.held_pass is not None and story.held_pass.usability is not Usability.ENABLED_BY_POLICY:
        found.append("pass_unusable")
    if story.entries and all(entry.method.last_used_at is None for entry in story.entries):
        found.append("never_signed_in")
    return tuple(found)


def _words(visit: Visit, reason: Reason | None) -> str | None:
    wording = wording_of(reason.value) if reason is not None else None
    return visit.say(wording.title) if wording else None


def _pass_view(held: Held) -> PassView:
    return PassView(
        usability=held.usability.value,
        starts=held.held.starts_at,
        expires=held.held.expires_at,
        is_one_time=held.held.is_one_time,
        used=held.held.used_at,
    )


async def _to_change(visit: Visit, permission: Permission) -> Person:
    return await visit.read(directory.person_to_change, visit.parameters["person_id"], permission, actor=actor(visit))


# --- Methods and sessions


async def show_remove_method(visit: Visit) -> Response:
    """`GET /admin/people/{person_id}/methods/{method_id}/remove`"""
    person, entry = await visit.read(
        directory.method_to_remove,
        visit.parameters["person_id"],
        visit.parameters["method_id"],
        actor=actor(visit),
    )
    page = ConfirmPage(
        frame=await make_frame(visit, "people"),
        what="remove_method",
        name=person.display_name,
        path=visit.path,
        back_path=_page_path(visit),
        method=method_row(visit, entry),
    )
    return await answer_page(visit, page)


async def remove_method(visit: Visit) -> Response:
    person = await _to_change(visit, Permission.METHODS_REMOVE)
    await visit.write(
        administration.remove_person_method,
        person.username,
        visit.parameters["method_id"],
        actor=actor(visit),
        caller=visit.caller,
        now=visit.now,
    )
    return redirect(visit, f"{_page_path(visit)}?done=method_removed")


async def show_end_sessions(visit: Visit) -> Response:
    return await _confirm(visit, "sign_out", Permission.SESSIONS_END)


async def end_sessions(visit: Visit) -> Response:
    """`POST /admin/people/{person_id}/sign-out`: everywhere."""
    person = await _to_change(visit, Permission.SESSIONS_END)
    await visit.write(
        administration.end_person_sessions,
        person.username,
        actor=actor(visit),
        caller=visit.caller,
        now=visit.now,
    )
    return redirect(visit, f"{_page_path(visit)}?done=signed_out")


async def end_session(visit: Visit) -> Response:
    """`POST /admin/people/{person_id}/sessions/{session_id}/end`"""
    person = await _to_change(visit, Permission.SESSIONS_END)
    await visit.write(
        administration.end_person_session,
        person.username,
        visit.parameters["session_id"],
        actor=actor(visit),
        caller=visit.caller,
        now=visit.now,
    )
    return redirect(visit, f"{_page_path(visit)}?done=session_ended")


# --- The account


async def _confirm(visit: Visit, what: ConfirmKind, permission: Permission) -> Response:
    person = await _to_change(visit, permission)
    page = ConfirmPage(
        frame=await make_frame(visit, "people"),
        what=what,
        name=person.display_name,
        path=visit.path,
        back_path=_page_path(visit),
    )
    return await answer_page(visit, page)


async def enable(visit: Visit) -> Response:
    return await _set_enabled(visit, is_enabled=True)


async def show_disable(visit: Visit) -> Response:
    return await _confirm(visit, "disable", Permission.PEOPLE_WRITE)


async def disable(visit: Visit) -> Response:
    return await _set_enabled(visit, is_enabled=False)


async def _set_enabled(visit: Visit, *, is_enabled: bool) -> Response:
    person = await _to_change(visit, Permission.PEOPLE_WRITE)
    await visit.write(
        administration.set_person_enabled,
        person.username,
        is_enabled=is_enabled,
        actor=actor(visit),
        caller=visit.caller,
        now=visit.now,
    )
    return redirect(visit, f"{_page_path(visit)}?done={'enabled' if is_enabled else 'disabled'}")


async def show_delete(visit: Visit) -> Response:
    return await _confirm(visit, "delete_person", Permission.PEOPLE_WRITE)


async def delete(visit: Visit) -> Response:
    person = await _to_change(visit, Permission.PEOPLE_WRITE)
    await visit.write(
        administration.delete_person, person.username, actor=actor(visit), caller=visit.caller, now=visit.now
    )
    return redirect(visit, "/admin/people?done=person_deleted")


async def show_password(visit: Visit) -> Response:
    """`GET /admin/people/{person_id}/password`"""
    return await _password_page(visit, await _to_change(visit, Permission.PEOPLE_WRITE))


async def set_password(visit: Visit) -> Response:
    form = await visit.form()
    person = await _to_change(visit, Permission.PEOPLE_WRITE)
    typed = form.get("password") or None
    try:
        password = await visit.hashing(administration.hash_given_or_made, typed, username=person.username)
    except Refusal as refusal:
        return await _password_page(visit, person, refusal)
    created = await visit.write(
        administration.set_person_password,
        person.username,
        password=password,
        actor=actor(visit),
        caller=visit.caller,
        now=visit.now,
    )
    if created.password is None:
        return redirect(visit, f"{_page_path(visit)}?done=password_set")
    page = SecretPage(
        frame=await make_frame(visit, "people"),
        kind="password",
        id=person.id,
        name=person.display_name,
        username=person.username,
        secret=created.password,
    )
    return await answer_page(visit, page)


async def _password_page(visit: Visit, person: Person, refusal: Refusal | None = None) -> Response:
    told = await tell(visit, refusal) if refusal else None
    page = SetPasswordPage(
        frame=await make_frame(visit, "people"),
        id=person.id,
        name=person.display_name,
        username=person.username,
        minimum_length=MINIMUM_LENGTH,
        problem=told.problem_at("password") if told else None,
    )
    return await answer_page(visit, page, told.status if told else 200)


# --- Temporary Access Pass


async def show_issue_pass(visit: Visit) -> Response:
    """`GET /admin/people/{person_id}/pass`"""
    return await _pass_page(visit, await _to_change(visit, Permission.PASSES_ISSUE), {})


async def issue_pass(visit: Visit) -> Response:
    form = await visit.form()
    person = await _to_change(visit, Permission.PASSES_ISSUE)
    try:
        issued = await visit.write(
            passes.issue,
            visit.site.methods.temporary_access_pass,
            person,
            lifetime_minutes=_minutes(form.get("lifetime", "")),
            is_one_time=form.get("one_time") == "yes",
            starts_at=_start(form.get("starts", "")),
            actor=actor(visit),
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        if refusal.field is None:
            raise
        return await _pass_page(visit, person, form, refusal)
    page = SecretPage(
        frame=await make_frame(visit, "people"),
        kind="pass",
        id=person.id,
        name=person.display_name,
        username=person.username,
        secret=issued.code,
        starts=issued.held.starts_at if issued.held.starts_at > visit.now else None,
        expires=issued.held.expires_at,
        is_one_time=issued.held.is_one_time,
        usability=issued.usability.value,
    )
    return await answer_page(visit, page, 201)


async def remove_pass(visit: Visit) -> Response:
    """`POST /admin/people/{person_id}/pass/remove`"""
    person = await _to_change(visit, Permission.PASSES_ISSUE)
    await visit.write(passes.remove, person, actor=actor(visit), caller=visit.caller, now=visit.now)
    return redirect(visit, f"{_page_path(visit)}?done=pass_removed")


async def _pass_page(visit: Visit, person: Person, form: dict[str, str], refusal: Refusal | None = None) -> Response:
    settings = (await visit.read(keeping.current)).pass_settings
    told = await tell(visit, refusal) if refusal else None
    page = IssuePassPage(
        frame=await make_frame(visit, "people"),
        id=person.id,
        name=person.display_name,
        settings=settings,
        lifetime=form.get("lifetime", str(settings.default_minutes)),
        is_one_time=settings.is_one_time_required or form.get("one_time") == "yes",
        starts=form.get("starts", ""),
        replaces=await visit.read(passes.find, person, now=visit.now) is not None,
        problem=told.problem if told else None,
    )
    return await answer_page(visit, page, told.status if told else 200)


def _minutes(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise Refusal(Reason.PASS_LIFETIME_INVALID, field="lifetime")
    return int(text)


def _start(text: str) -> int | None:
    """A `datetime-local` field, meant in UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return int(moment.timestamp()) * 1000 // MINUTE * MINUTE
    except (ValueError, OverflowError) as error:
        raise Refusal(RequestReason.REQUEST_INVALID, field="starts") from error
