"""Who may do what: one closed table. What is not in it is refused."""

from collections.abc import Iterable, Mapping
from enum import StrEnum, auto
from typing import Final

from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.roles import Role
from ostiary.storage import people
from ostiary.storage.database import Transaction
from ostiary.storage.people import Person


class Permission(StrEnum):
    """`object:action`"""

    PEOPLE_READ = "people:read"
    PEOPLE_WRITE = "people:write"
    PEOPLE_EXPLAIN = "people:explain"
    METHODS_REMOVE = "methods:remove"
    SESSIONS_END = "sessions:end"
    PASSES_ISSUE = "passes:issue"
    GROUPS_READ = "groups:read"
    GROUPS_WRITE = "groups:write"
    ROLES_READ = "roles:read"
    ROLES_WRITE = "roles:write"
    POLICY_READ = "policy:read"
    POLICY_WRITE = "policy:write"
    TRUST_READ = "trust:read"
    TRUST_WRITE = "trust:write"
    AUDIT_READ = "audit:read"
    REFERENCES_DECODE = "references:decode"


class Scope(StrEnum):
    """On whom a permission may be used, when it is used on a person."""

    MEMBERS = auto()
    """People without any role."""
    ANYONE = auto()


_READS: Final = (
    Permission.PEOPLE_READ,
    Permission.PEOPLE_EXPLAIN,
    Permission.GROUPS_READ,
    Permission.ROLES_READ,
    Permission.POLICY_READ,
    Permission.TRUST_READ,
    Permission.AUDIT_READ,
    Permission.REFERENCES_DECODE,
)
_HELP: Final = (Permission.METHODS_REMOVE, Permission.SESSIONS_END, Permission.PASSES_ISSUE)


def _all(permissions: Iterable[Permission], scope: Scope = Scope.ANYONE) -> dict[Permission, Scope]:
    return dict.fromkeys(permissions, scope)


TABLE: Final[Mapping[Role, Mapping[Permission, Scope]]] = {
    Role.GLOBAL_ADMINISTRATOR: _all(Permission),
    Role.AUTHENTICATION_POLICY_ADMINISTRATOR: {
        **_all(_READS),
        **_all((Permission.POLICY_WRITE, Permission.TRUST_WRITE)),
        **_all((Permission.PASSES_ISSUE,), Scope.MEMBERS),
    },
    Role.AUTHENTICATION_ADMINISTRATOR: {**_all(_READS), **_all(_HELP, Scope.MEMBERS)},
    Role.PRIVILEGED_AUTHENTICATION_ADMINISTRATOR: {**_all(_READS), **_all(_HELP)},
    Role.HELPDESK: _all((Permission.PEOPLE_READ, Permission.PEOPLE_EXPLAIN, Permission.REFERENCES_DECODE)),
    Role.GLOBAL_READER: _all(_READS),
}

NEVER_ON_ONESELF: Final = frozenset(
    {
        Permission.METHODS_REMOVE,
        Permission.SESSIONS_END,
        Permission.PASSES_ISSUE,
        Permission.PEOPLE_WRITE,
        Permission.ROLES_WRITE,
    }
)
"""What an administrator does for others; for oneself there is Security info, with its own proof."""


def permissions_of(roles: Iterable[str]) -> dict[Permission, Scope]:
    """Everything these roles together allow, each with its widest scope."""
    found: dict[Permission, Scope] = {}
    for role in roles:
        for permission, scope in TABLE.get(Role(role), {}).items():
            if found.get(permission) is not Scope.ANYONE:
                found[permission] = scope
    return found


def permitted(tx: Transaction, actor: Person, *, target: Person | None = None) -> frozenset[Permission]:
    """Everything the actor may do, or may do to the target: what to offer them."""
    held = permissions_of(people.roles_of(tx, actor.id))
    if target is None:
        return frozenset(held)
    is_administrator = bool(people.roles_of(tx, target.id))
    return frozenset(
        permission
        for permission, scope in held.items()
        if not (target.id == actor.id and permission in NEVER_ON_ONESELF)
        and not (scope is Scope.MEMBERS and is_administrator)
    )


def require_permission(
    tx: Transaction, actor: Person | None, permission: Permission, *, target: Person | None = None
) -> None:
    """Raises `Refusal(NOT_PERMITTED)` or `Refusal(NOT_YOURSELF)`. No actor: the command line on the machine itself,
    whose user owns the data and may do anything."""
    if actor is None:
        return
    scope = permissions_of(people.roles_of(tx, actor.id)).get(permission)
    if scope is None:
        raise Refusal(Reason.NOT_PERMITTED, person_id=actor.id, detail=permission.value)
    if target is None:
        return
    if target.id == actor.id and permission in NEVER_ON_ONESELF:
        raise Refusal(Reason.NOT_YOURSELF, person_id=actor.id, detail=permission.value)
    if scope is Scope.MEMBERS and people.roles_of(tx, target.id):
        raise Refusal(Reason.NOT_PERMITTED, person_id=actor.id, detail=f"{permission.value} on an administrator")
