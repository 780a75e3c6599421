"""`/admin/roles`: who may do what."""

from starlette.responses import Response

from ostiary.identity import administration, directory
from ostiary.identity.permissions import Permission
from ostiary.identity.reasons import Refusal
from ostiary.web.admin.frames import actor, make_frame
from ostiary.web.admin.pages import RoleHolder, RolesPage
from ostiary.web.answers import answer_page, redirect, tell
from ostiary.web.visit import Visit


async def show(visit: Visit) -> Response:
    """`GET /admin/roles`"""
    return await _page(visit, {})


async def assign(visit: Visit) -> Response:
    form = await visit.form()
    await visit.read(directory.require, actor(visit), Permission.ROLES_WRITE)
    try:
        await visit.write(
            administration.assign_role,
            username=form.get("username", ""),
            role=form.get("role", ""),
            actor=actor(visit),
            caller=visit.caller,
            now=visit.now,
        )
    except Refusal as refusal:
        if refusal.field is None:
            raise
        return await _page(visit, form, refusal)
    return redirect(visit, "/admin/roles?done=role_assigned")


async def remove(visit: Visit) -> Response:
    """`POST /admin/roles/{role}/{person_id}/remove`"""
    await visit.read(directory.require, actor(visit), Permission.ROLES_WRITE)
    person = await visit.read(directory.person_by_id, visit.parameters["person_id"], actor=actor(visit))
    await visit.write(
        administration.remove_role,
        username=person.username,
        role=visit.parameters["role"],
        actor=actor(visit),
        caller=visit.caller,
        now=visit.now,
    )
    return redirect(visit, "/admin/roles?done=role_removed")


async def _page(visit: Visit, form: dict[str, str], refusal: Refusal | None = None) -> Response:
    me = actor(visit)
    found = await visit.read(directory.list_roles, actor=me)
    told = await tell(visit, refusal) if refusal else None
    page = RolesPage(
        frame=await make_frame(visit, "roles"),
        roles=tuple(
            (
                role,
                tuple(
                    RoleHolder(
                        id=holder.person.id,
                        name=holder.person.display_name,
                        username=holder.person.username,
                        since=holder.assigned_at,
                        can_remove=holder.person.id != me.id,
                    )
                    for holder in holders
                ),
            )
            for role, holders in found.items()
        ),
        username=form.get("username", ""),
        role=form.get("role", ""),
        problem=told.problem if told else None,
    )
    return await answer_page(visit, page, told.status if told else 200)
