"""The routes of the admin centre. Who may enter is said here; what they may do there, every use case asks itself."""

from collections.abc import Mapping

from ostiary.identity.audit import Event
from ostiary.web.admin import audit, explaining, groups, people, person, policy, roles, trust
from ostiary.web.endpoint import Access, Face, Handler


def _read(handle: Handler, event: Event = Event.SIGN_IN) -> Face:
    return Face(handle, Access.ADMIN, event)


def _write(handle: Handler, event: Event, parent: str | None = None) -> Face:
    return Face(handle, Access.ADMIN_FRESH, event, parent)


_PERSON = "/admin/people/{person_id}"
_GROUP = "/admin/groups/{group_id}"


def _asked(show: Handler, do: Handler, event: Event) -> Mapping[str, Face]:
    """A form, and what it does. Its proof is asked before it is filled in."""
    return {"GET": _write(show, event), "POST": _write(do, event)}


ADMIN_ROUTES: Mapping[str, Mapping[str, Face]] = {
    "/admin": {"GET": _read(people.home)},
    "/admin/people": {"GET": _read(people.show)},
    "/admin/people.csv": {"GET": _read(people.export, Event.EXPORT)},
    "/admin/people/new": _asked(people.show_new, people.create, Event.PERSON_CREATE),
    _PERSON: {"GET": _read(person.show)},
    f"{_PERSON}/explain": {"GET": _read(explaining.show)},
    f"{_PERSON}/methods/{{method_id}}/remove": _asked(
        person.show_remove_method, person.remove_method, Event.PERSON_METHOD_REMOVE
    ),
    f"{_PERSON}/sessions/{{session_id}}/end": {"POST": _write(person.end_session, Event.PERSON_SESSIONS_END, _PERSON)},
    f"{_PERSON}/sign-out": _asked(person.show_end_sessions, person.end_sessions, Event.PERSON_SESSIONS_END),
    f"{_PERSON}/enable": {"POST": _write(person.enable, Event.PERSON_ENABLE, _PERSON)},
    f"{_PERSON}/disable": _asked(person.show_disable, person.disable, Event.PERSON_DISABLE),
    f"{_PERSON}/delete": _asked(person.show_delete, person.delete, Event.PERSON_DELETE),
    f"{_PERSON}/password": _asked(person.show_password, person.set_password, Event.PERSON_PASSWORD_SET),
    f"{_PERSON}/pass": _asked(person.show_issue_pass, person.issue_pass, Event.PASS_ISSUE),
    f"{_PERSON}/pass/remove": {"POST": _write(person.remove_pass, Event.PASS_REMOVE, _PERSON)},
    "/admin/groups": {"GET": _read(groups.show), "POST": _write(groups.create, Event.GROUP_CREATE)},
    _GROUP: {"GET": _read(groups.show_one), "POST": _write(groups.add_member, Event.GROUP_MEMBER_ADD)},
    f"{_GROUP}/members/{{person_id}}/remove": {"POST": _write(groups.remove_member, Event.GROUP_MEMBER_REMOVE, _GROUP)},
    f"{_GROUP}/delete": _asked(groups.show_delete, groups.delete, Event.GROUP_DELETE),
    "/admin/roles": {"GET": _read(roles.show), "POST": _write(roles.assign, Event.ROLE_ASSIGN)},
    "/admin/roles/{role}/{person_id}/remove": {"POST": _write(roles.remove, Event.ROLE_REMOVE, "/admin/roles")},
    # the preview changes nothing and the save asks for proof itself, so that no one loses what they changed
    "/admin/policy": {"GET": _read(policy.show), "POST": _read(policy.save, Event.POLICY_SAVE)},
    "/admin/policy/preview": {"POST": Face(policy.show_preview, Access.ADMIN, Event.POLICY_SAVE, "/admin/policy")},
    "/admin/policy/confirmed": {"GET": _read(policy.confirmed)},
    "/admin/policy/methods/{part}": {"GET": _write(policy.show_method, Event.POLICY_SAVE)},
    "/admin/policy/profiles/{profile_id}": {"GET": _write(policy.show_profile, Event.POLICY_SAVE)},
    "/admin/policy/versions/{number}": {"GET": _read(policy.show_version)},
    "/admin/trust": {"GET": _read(trust.show), "POST": _write(trust.add, Event.ROOT_ADD)},
    "/admin/trust/names": {"POST": _write(trust.import_names, Event.NAMES_IMPORT, "/admin/trust")},
    "/admin/trust/{root_id}/remove": _asked(trust.show_remove, trust.remove, Event.ROOT_REMOVE),
    "/admin/audit": {"GET": _read(audit.show)},
    "/admin/audit.csv": {"GET": _read(audit.export_csv, Event.EXPORT)},
    "/admin/audit.jsonl": {"GET": _read(audit.export_json, Event.EXPORT)},
    "/admin/references": {"GET": _read(audit.look_up)},
}
