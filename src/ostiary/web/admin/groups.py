"""`/admin/groups`: groups and who is in them."""

from urllib.parse import urlencode

from starlette.responses import Response

from ostiary.identity import administration, directory
from ostiary.identity.directory import GroupPage as FoundGroup
from ostiary.identity.directory import Listed
from ostiary.identity.permissions import Permission
from ostiary.identity.reasons import Refusal
from ostiary.storage.people import Group
from ostiary.web.admin.frames import actor, make_frame
from ostiary.web.admin.pages import ConfirmPage, GroupPage, GroupRow, GroupsPage
from ostiary.web.admin.people import person_row
from ostiary.web.answers import answer_page, redirect, tell
from ostiary.web.visit import Visit


async def show(visit: Visit) -> Response:
    """`GET /admin/groups`"""
    return await _list(visit, {})


async def create(visit: Visit) -> Response:
    form = await visit.form()
    try:
        group = await visit.write(
            administration.create_group,
            name=form.get("name", ""),
            description=form.get("description", ""),
            actor=actor(visit),
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        if refusal.field is None:
            raise
        return await _list(visit, form, refusal)
    return redirect(visit, f"{_path(group)}?done=group_created")


async def _list(visit: Visit, form: dict[str, str], refusal: Refusal | None = None) -> Response:
    found = await visit.read(directory.list_groups, actor=actor(visit))
    told = await tell(visit, refusal) if refusal else None
    page = GroupsPage(
        frame=await make_frame(visit, "groups"),
        groups=tuple(_row(group, size) for group, size in found),
        name=form.get("name", ""),
        description=form.get("description", ""),
        problem=told.problem if told else None,
    )
    return await answer_page(visit, page, told.status if told else 200)


async def show_one(visit: Visit) -> Response:
    """`GET /admin/groups/{group_id}`"""
    return await _one(visit)


async def add_member(visit: Visit) -> Response:
    """`POST /admin/groups/{group_id}`"""
    username = (await visit.form()).get("username", "")
    group = await _find(visit)
    try:
        await visit.write(
            administration.add_member,
            group=group.name,
            username=username,
            actor=actor(visit),
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        if refusal.field is None:
            raise
        return await _one(visit, username, refusal)
    return redirect(visit, f"{_path(group)}?done=member_added")


async def remove_member(visit: Visit) -> Response:
    """`POST /admin/groups/{group_id}/members/{person_id}/remove`"""
    await visit.read(directory.require, actor(visit), Permission.GROUPS_WRITE)
    group = await _find(visit)
    person = await visit.read(directory.person_by_id, visit.parameters["person_id"], actor=actor(visit))
    await visit.write(
        administration.remove_member,
        group=group.name,
        username=person.username,
        actor=actor(visit),
        caller=visit.caller,
        now=visit.now,
    )
    return redirect(visit, f"{_path(group)}?done=member_removed")


async def show_delete(visit: Visit) -> Response:
    """`GET /admin/groups/{group_id}/delete`"""
    await visit.read(directory.require, actor(visit), Permission.GROUPS_WRITE)
    group = await _find(visit)
    page = ConfirmPage(
        frame=await make_frame(visit, "groups"),
        what="delete_group",
        name=group.name,
        path=visit.path,
        back_path=_path(group),
    )
    return await answer_page(visit, page)


async def delete(visit: Visit) -> Response:
    await visit.read(directory.require, actor(visit), Permission.GROUPS_WRITE)
    group = await _find(visit)
    await visit.write(administration.delete_group, group.name, actor=actor(visit), caller=visit.caller, now=visit.now)
    return redirect(visit, "/admin/groups?done=group_deleted")


async def _find(visit: Visit) -> Group:
    return await visit.read(directory.group_by_id, visit.parameters["group_id"], actor=actor(visit))


async def _one(visit: Visit, username: str = "", refusal: Refusal | None = None) -> Response:
    after = visit.query.get("after", "")
    found: FoundGroup = await visit.read(
        directory.show_group, visit.parameters["group_id"], after=after, actor=actor(visit)
    )
    told = await tell(visit, refusal) if refusal else None
    page = GroupPage(
        frame=await make_frame(visit, "groups"),
        group=_row(found.group, found.size),
        members=tuple(person_row(Listed(person, (), None)) for person in found.members),
        next_path=f"{_path(found.group)}?{urlencode({'after': found.after})}" if found.after else None,
        username=username,
        problem=told.problem_at("username") if told else None,
    )
    return await answer_page(visit, page, told.status if told else 200)


def _row(group: Group, size: int) -> GroupRow:
    return GroupRow(id=group.id, name=group.name, description=group.description, size=size)


def _path(group: Group) -> str:
    return f"/admin/groups/{group.id}"
