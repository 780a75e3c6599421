"""What the faces of the admin centre share: who acts, and what stands beside every page."""

from typing import Final

from ostiary.identity import directory
from ostiary.identity.permissions import Permission
from ostiary.storage.people import Person
from ostiary.web.admin.pages import Frame, Section, SectionKey
from ostiary.web.visit import Visit

_SECTIONS: Final[tuple[tuple[SectionKey, Permission, str], ...]] = (
    ("people", Permission.PEOPLE_READ, "/admin/people"),
    ("groups", Permission.GROUPS_READ, "/admin/groups"),
    ("roles", Permission.ROLES_READ, "/admin/roles"),
    ("policy", Permission.POLICY_READ, "/admin/policy"),
    ("trust", Permission.TRUST_READ, "/admin/trust"),
    ("audit", Permission.AUDIT_READ, "/admin/audit"),
    ("references", Permission.REFERENCES_DECODE, "/admin/references"),
)


def actor(visit: Visit) -> Person:
    return visit.session().person


async def make_frame(visit: Visit, current: SectionKey, may: frozenset[Permission] | None = None) -> Frame:
    """`may`: what the actor may do to the person a page is about, instead of at all."""
    held = await visit.read(directory.permissions, actor(visit))
    return Frame(
        sections=tuple(Section(key=key, path=path) for key, permission, path in _SECTIONS if permission in held),
        current=current,
        may=held if may is None else may,
        done=visit.query.get("done"),
    )
