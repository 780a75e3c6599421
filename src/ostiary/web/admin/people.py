"""`/admin/people`: everybody, searched and filtered in the address bar, and new people."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

from starlette.responses import Response

from ostiary.clock import as_datetime
from ostiary.identity import administration, directory
from ostiary.identity.directory import Listed, Wanted
from ostiary.identity.permissions import Permission
from ostiary.identity.reasons import Refusal
from ostiary.identity.roles import Role
from ostiary.storage import people
from ostiary.web.admin.exports import answer_download, csv_lines
from ostiary.web.admin.frames import actor, make_frame
from ostiary.web.admin.pages import Chip, NewPersonPage, PeoplePage, PersonRow, SecretPage
from ostiary.web.answers import answer_page, redirect, tell
from ostiary.web.refusals import RequestReason
from ostiary.web.visit import Visit

_PATH = "/admin/people"
_LONGEST_SEARCH = 100
_YES_NO = {"yes": True, "no": False}


async def home(visit: Visit) -> Response:
    """`GET /admin`"""
    return redirect(visit, _PATH)


async def show(visit: Visit) -> Response:
    """`GET /admin/people`"""
    query = {name: value for name, value in visit.query.items() if name in _FIELDS and value}
    wanted = _wanted(query)
    after = query.pop("after", "")
    found = await visit.read(directory.list_people, wanted, after=after, actor=actor(visit))
    page = PeoplePage(
        frame=await make_frame(visit, "people"),
        people=tuple(person_row(one) for one in found.people),
        total=await visit.read(people.count_people),
        search=query.get("search", ""),
        chips=tuple(_chips(query)),
        kept=tuple((name, value) for name, value in query.items() if name != "search"),
        next_path=_path({**query, "after": found.after}) if found.after else None,
        first_path=_path(query) if after else None,
        export_path=_path(query, f"{_PATH}.csv"),
    )
    return await answer_page(visit, page)


_FIELDS = ("search", "enabled", "passkey", "role", "after")


def _wanted(query: dict[str, str]) -> Wanted:
    """Raises `Refusal(REQUEST_INVALID)` for a filter that is none."""
    try:
        return Wanted(
            part=query.get("search", "")[:_LONGEST_SEARCH].strip(),
            is_enabled=_YES_NO[query["enabled"]] if "enabled" in query else None,
            has_passkey=_YES_NO[query["passkey"]] if "passkey" in query else None,
            role=Role(query["role"]) if "role" in query else None,
        )
    except (KeyError, ValueError) as error:
        raise Refusal(RequestReason.REQUEST_INVALID) from error


def _chips(query: dict[str, str]) -> list[Chip]:
    chips = []
    for name, value in (("enabled", "yes"), ("enabled", "no"), ("passkey", "yes"), ("passkey", "no")):
        chips.append(_chip(query, name, value))
    chips += [_chip(query, "role", role) for role in Role]
    return chips


def _chip(query: dict[str, str], name: str, value: str) -> Chip:
    is_on = query.get(name) == value
    turned = {key: kept for key, kept in query.items() if key != name}
    if not is_on:
        turned[name] = value
    return Chip(key=value if name == "role" else f"{name}_{value}", is_on=is_on, path=_path(turned))


def _path(query: dict[str, str], path: str = _PATH) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def person_row(one: Listed) -> PersonRow:
    person = one.person
    return PersonRow(
        id=person.id,
        name=person.display_name,
        username=person.username,
        is_enabled=person.is_enabled,
        kinds=tuple(dict.fromkeys(one.kinds)),
        last_used=one.last_used_at,
        roles=one.roles,
    )


# --- Export


async def export(visit: Visit) -> Response:
    """`GET /admin/people.csv`: those the filters leave, all pages."""
    wanted = _wanted({name: value for name, value in visit.query.items() if name in _FIELDS and value})
    await visit.write(
        directory.begin_export,
        Permission.PEOPLE_READ,
        "people",
        actor=actor(visit),
        caller=visit.caller,
        now=visit.now,
    )
    return answer_download(_lines(visit, wanted), name="people.csv", media_type="text/csv; charset=utf-8")


async def _lines(visit: Visit, wanted: Wanted) -> AsyncIterator[str]:
    yield csv_lines([("id", "username", "name", "enabled", "methods", "last sign-in", "roles")])
    after: str | None = ""
    while after is not None:
        found = await visit.read(directory.list_people, wanted, after=after, limit=directory.BATCH, actor=actor(visit))
        yield csv_lines(_cells(one) for one in found.people)
        after = found.after


def _cells(one: Listed) -> tuple[object, ...]:
    person = one.person
    return (
        person.id,
        person.username,
        person.display_name,
        "yes" if person.is_enabled else "no",
        " ".join(sorted(one.kinds)),
        as_datetime(one.last_used_at).isoformat() if one.last_used_at is not None else "",
        " ".join(one.roles),
    )


# --- New people


async def show_new(visit: Visit) -> Response:
    """`GET /admin/people/new`"""
    await visit.read(directory.require, actor(visit), Permission.PEOPLE_WRITE)
    return await answer_page(visit, NewPersonPage(frame=await make_frame(visit, "people")))


async def create(visit: Visit) -> Response:
    """`POST /admin/people/new`: the first password is made and shown this once; without one, a pass comes next."""
    form = await visit.form()
    username, display_name = form.get("username", "").strip(), form.get("display_name", "").strip()
    frame = await make_frame(visit, "people")
    try:
        await visit.read(directory.require, actor(visit), Permission.PEOPLE_WRITE)
        if "no_password" in form:
            added = await visit.write(
                administration.create_person_without_password,
                username=username,
                display_name=display_name or None,
                actor=actor(visit),
                caller=visit.caller,
                now=visit.now,
            )
            return redirect(visit, f"{_PATH}/{added.id}/pass")
        password = await visit.hashing(administration.hash_given_or_made, None, username=username)
        created = await visit.write(
            administration.create_person,
            username=username,
            display_name=display_name or None,
            password=password,
            must_change_password=True,
            actor=actor(visit),
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        if refusal.field is None:
            raise
        told = await tell(visit, refusal)
        field = "display_name" if refusal.field == "name" else "username"
        page = NewPersonPage(
            frame=frame,
            username=username,
            display_name=display_name,
            has_password="no_password" not in form,
            problem=told.problem_at(field),
        )
        return await answer_page(visit, page, told.status)
    person = created.person
    made = SecretPage(
        frame=frame,
        kind="created",
        id=person.id,
        name=person.display_name,
        username=person.username,
        secret=created.password or "",
    )
    return await answer_page(visit, made, 201)
