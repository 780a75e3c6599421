"""What administrators do, in the browser or on the machine itself: the organisation, people, groups, roles.

`actor` is who does it, and must be permitted to; None is the command line. Every change is recorded with them.
"""

import re
import secrets
from typing import NamedTuple

from ostiary.identifiers import new_id
from ostiary.identity import audit, passes
from ostiary.identity.assurance import MethodKind
from ostiary.identity.caller import COMMAND_LINE, Caller
from ostiary.identity.methods import Codes
from ostiary.identity.methods.password import check_new_password, hash_password, set_password
from ostiary.identity.names import parse_domain, parse_username
from ostiary.identity.permissions import Permission, require_permission
from ostiary.identity.reasons import Reason, Refusal
from ostiary.identity.roles import Role
from ostiary.storage import methods, organizations, people, sessions
from ostiary.storage.database import Transaction
from ostiary.storage.organizations import Branding, Domain, Organization
from ostiary.storage.people import Group, Person

_LARGEST_LOGO = 200_000
_LOGO_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
_ACCENT = re.compile(r"#[0-9a-fA-F]{6}")


def create_organization(tx: Transaction, *, name: str, domain: str, now: int) -> Organization:
    """The first step of all. Raises `Refusal(ORGANIZATION_EXISTS)`, for there is one."""
    if organizations.the_organization(tx) is not None:
        raise Refusal(Reason.ORGANIZATION_EXISTS)
    organization = Organization(new_id(), _text(name, 100), now)
    organizations.insert_organization(tx, organization)
    _record(tx, audit.Event.ORGANIZATION_CREATE, None, COMMAND_LINE, now, detail=organization.name)
    add_domain(tx, domain, now=now)
    return organization


def the_organization(tx: Transaction) -> Organization:
    organization = organizations.the_organization(tx)
    if organization is None:
        raise Refusal(Reason.ORGANIZATION_MISSING)
    return organization


def add_domain(tx: Transaction, name: str, *, now: int) -> Domain:
    """A domain whose owner vouches for it by adding it here; the first is the primary one."""
    organization = the_organization(tx)
    existing = organizations.all_domains(tx)
    domain = Domain(parse_domain(name), organization.id, not existing, now)
    if any(other.name == domain.name for other in existing):
        raise Refusal(Reason.DOMAIN_EXISTS, field="domain")
    organizations.insert_domain(tx, domain)
    _record(tx, audit.Event.DOMAIN_ADD, None, COMMAND_LINE, now, detail=domain.name)
    return domain


def remove_domain(tx: Transaction, name: str, *, now: int) -> None:
    domain = parse_domain(name)
    found = next((other for other in organizations.all_domains(tx) if other.name == domain), None)
    if found is None:
        raise Refusal(Reason.DOMAIN_UNKNOWN, field="domain")
    if found.is_primary or people.has_username_at(tx, domain):
        raise Refusal(Reason.DOMAIN_IN_USE, field="domain")
    organizations.delete_domain(tx, domain)
    _record(tx, audit.Event.DOMAIN_REMOVE, None, COMMAND_LINE, now, detail=domain)


def set_branding(
    tx: Transaction,
    *,
    domain: str,
    name: str,
    accent: str | None,
    helpdesk: str | None,
    logo: bytes | None,
    now: int,
) -> Branding:
    """How the pages look for people of this domain."""
    parsed = parse_domain(domain)
    if all(other.name != parsed for other in organizations.all_domains(tx)):
        raise Refusal(Reason.DOMAIN_UNKNOWN, field="domain")
    if accent is not None and not _ACCENT.fullmatch(accent):
        raise Refusal(Reason.ACCENT_INVALID, field="accent")
    new = Branding(
        domain=parsed,
        name=_text(name, 60),
        accent=accent,
        helpdesk=helpdesk,
        logo=logo,
        logo_media_type=_logo_media_type(logo) if logo is not None else None,
    )
    organizations.replace_branding(tx, new)
    _record(tx, audit.Event.BRANDING_SET, None, COMMAND_LINE, now, detail=parsed)
    return new


class CreatedPerson(NamedTuple):
    person: Person
    password: str | None  # made for them, shown once


class HashedPassword(NamedTuple):
    """`made`: the password itself when we made it, to be shown once."""

    hash: str
    made: str | None


def hash_given_or_made(password: str | None, *, username: str) -> HashedPassword:
    """Judges a password, or makes one, and hashes it: slow, and without a database. Raises `Refusal`."""
    made = new_password() if password is None else None
    plain = made or password or ""
    if password is not None:
        check_new_password(password, username=username, field="password")
    return HashedPassword(hash_password(plain), made)


def create_person(
    tx: Transaction,
    *,
    username: str,
    display_name: str | None,
    password: str | HashedPassword | None,
    must_change_password: bool,
    actor: Person | None,
    caller: Caller,
    now: int,
) -> CreatedPerson:
    """A new person. Without a password given one is made, to be changed at the first sign-in."""
    require_permission(tx, actor, Permission.PEOPLE_WRITE)
    parsed = _new_username(tx, username)
    if not isinstance(password, HashedPassword):
        password = hash_given_or_made(password, username=parsed)
    if password.made is not None:
        must_change_password = True
    person = _insert_person(tx, parsed, display_name, must_change_password=must_change_password, now=now)
    set_password(tx, person, password.hash, now=now)
    _record(tx, audit.Event.PERSON_CREATE, actor, caller, now, person)
    return CreatedPerson(person, password.made)


def create_person_without_password(
    tx: Transaction, *, username: str, display_name: str | None, actor: Person | None, caller: Caller, now: int
) -> Person:
    """A new person without any way to sign in: a Temporary Access Pass is to be the first."""
    require_permission(tx, actor, Permission.PEOPLE_WRITE)
    person = _insert_person(tx, _new_username(tx, username), display_name, must_change_password=False, now=now)
    _record(tx, audit.Event.PERSON_CREATE, actor, caller, now, person, detail="without a password")
    return person


def _new_username(tx: Transaction, username: str) -> str:
    parsed = _username(tx, username)
    if people.person_by_username(tx, parsed) is not None:
        raise Refusal(Reason.PERSON_EXISTS, field="username")
    return parsed


def _insert_person(
    tx: Transaction, username: str, display_name: str | None, *, must_change_password: bool, now: int
) -> Person:
    organization = the_organization(tx)
    person = Person(
        id=new_id(),
        organization_id=organization.id,
        username=username,
        display_name=_text(display_name or username.partition("@")[0].title(), 100),
        user_handle=secrets.token_bytes(32),  # WebAuthn L3 §14.6.1: random, nothing personal
        is_enabled=True,
        must_change_password=must_change_password,
        preferred_second_factor=None,
        created_at=now,
    )
    people.insert_person(tx, person)
    return person


def find_person(tx: Transaction, username: str) -> Person:
    """Raises `Refusal(PERSON_UNKNOWN)`."""
    person = people.person_by_username(tx, _username(tx, username))
    if person is None:
        raise Refusal(Reason.PERSON_UNKNOWN, field="username")
    return person


def set_person_enabled(
    tx: Transaction, username: str, *, is_enabled: bool, actor: Person | None, caller: Caller, now: int
) -> Person:
    """A disabled person is signed out everywhere and cannot sign in."""
    organizations.hold(tx)
    person = find_person(tx, username)
    require_permission(tx, actor, Permission.PEOPLE_WRITE, target=person)
    if not is_enabled:
        _refuse_last_administrator(tx, person)
        sessions.delete_sessions(tx, person.id)
    people.set_enabled(tx, person.id, is_enabled=is_enabled)
    event = audit.Event.PERSON_ENABLE if is_enabled else audit.Event.PERSON_DISABLE
    _record(tx, event, actor, caller, now, person)
    return person._replace(is_enabled=is_enabled)


def delete_person(tx: Transaction, username: str, *, actor: Person | None, caller: Caller, now: int) -> None:
    organizations.hold(tx)
    person = find_person(tx, username)
    require_permission(tx, actor, Permission.PEOPLE_WRITE, target=person)
    _refuse_last_administrator(tx, person)
    people.delete_person(tx, person.id)
    _record(tx, audit.Event.PERSON_DELETE, actor, caller, now, person)


def set_person_password(
    tx: Transaction,
    username: str,
    *,
    password: str | HashedPassword | None,
    actor: Person | None,
    caller: Caller,
    now: int,
) -> CreatedPerson:
    """A password from an administrator, to be changed at the next sign-in; every session ends."""
    person = find_person(tx, username)
    require_permission(tx, actor, Permission.PEOPLE_WRITE, target=person)
    if not isinstance(password, HashedPassword):
        password = hash_given_or_made(password, username=person.username)
    set_password(tx, person, password.hash, now=now)
    people.set_must_change_password(tx, person.id, must_change_password=True)
    sessions.delete_sessions(tx, person.id)
    sessions.forget_browsers(tx, person.id)
    _record(tx, audit.Event.PERSON_PASSWORD_SET, actor, caller, now, person)
    return CreatedPerson(person, password.made)


def remove_person_method(
    tx: Transaction, username: str, method_id: str, *, actor: Person | None, caller: Caller, now: int
) -> None:
    """For a lost device. Raises `Refusal`."""
    person = find_person(tx, username)
    require_permission(tx, actor, Permission.METHODS_REMOVE, target=person)
    method = methods.method_of(tx, person_id=person.id, method_id=method_id)
    if method is None:
        raise Refusal(Reason.METHOD_UNKNOWN)
    methods.delete_method(tx, method_id)
    if person.preferred_second_factor not in methods.kinds_of(tx, person.id):
        people.set_preferred_second_factor(tx, person.id, None)
    sessions.delete_sessions(tx, person.id)
    _record(
        tx,
        audit.Event.PERSON_METHOD_REMOVE,
        actor,
        caller,
        now,
        person,
        method_id=method_id,
        method=method.name or method.kind,
    )


def end_person_sessions(tx: Transaction, username: str, *, actor: Person | None, caller: Caller, now: int) -> int:
    person = find_person(tx, username)
    require_permission(tx, actor, Permission.SESSIONS_END, target=person)
    ended = sessions.delete_sessions(tx, person.id)
    sessions.forget_browsers(tx, person.id)
    _record(tx, audit.Event.PERSON_SESSIONS_END, actor, caller, now, person, detail=f"{ended} sessions")
    return ended


def end_person_session(
    tx: Transaction, username: str, session_id: str, *, actor: Person | None, caller: Caller, now: int
) -> None:
    """One of them. Raises `Refusal`."""
    person = find_person(tx, username)
    require_permission(tx, actor, Permission.SESSIONS_END, target=person)
    if not sessions.delete_session(tx, person_id=person.id, session_id=session_id):
        raise Refusal(Reason.SESSION_UNKNOWN, person_id=person.id)
    _record(tx, audit.Event.PERSON_SESSIONS_END, actor, caller, now, person, detail="1 session")


def add_code_generator(tx: Transaction, person: Person, codes: Codes, *, secret: str, name: str, now: int) -> None:
    """For the demo alone: a code generator whose secret is known."""
    codes.add(tx, person, secret=secret, name=name, step=0, now=now)
    people.set_preferred_second_factor(tx, person.id, MethodKind.CODE)


def create_group(
    tx: Transaction, *, name: str, description: str, actor: Person | None, caller: Caller, now: int
) -> Group:
    require_permission(tx, actor, Permission.GROUPS_WRITE)
    organization = the_organization(tx)
    group = Group(new_id(), organization.id, _text(name, 100), description.strip()[:500], now)
    if people.group_by_name(tx, group.name) is not None:
        raise Refusal(Reason.GROUP_EXISTS, field="name")
    people.insert_group(tx, group)
    _record(tx, audit.Event.GROUP_CREATE, actor, caller, now, detail=group.name)
    return group


def find_group(tx: Transaction, name: str) -> Group:
    """Raises `Refusal(GROUP_UNKNOWN)`."""
    group = people.group_by_name(tx, name)
    if group is None:
        raise Refusal(Reason.GROUP_UNKNOWN, field="group")
    return group


def delete_group(tx: Transaction, name: str, *, actor: Person | None, caller: Caller, now: int) -> None:
    require_permission(tx, actor, Permission.GROUPS_WRITE)
    group = find_group(tx, name)
    people.delete_group(tx, group.id)
    _record(tx, audit.Event.GROUP_DELETE, actor, caller, now, detail=group.name)


def add_member(tx: Transaction, *, group: str, username: str, actor: Person | None, caller: Caller, now: int) -> bool:
    """False when the person was a member already."""
    require_permission(tx, actor, Permission.GROUPS_WRITE)
    found, person = find_group(tx, group), find_person(tx, username)
    if any(other.id == found.id for other in people.groups_of(tx, person.id)):
        return False
    people.insert_member(tx, group_id=found.id, person_id=person.id)
    _record(tx, audit.Event.GROUP_MEMBER_ADD, actor, caller, now, person, detail=found.name)
    return True


def remove_member(
    tx: Transaction, *, group: str, username: str, actor: Person | None, caller: Caller, now: int
) -> bool:
    require_permission(tx, actor, Permission.GROUPS_WRITE)
    found, person = find_group(tx, group), find_person(tx, username)
    was_member = people.delete_member(tx, group_id=found.id, person_id=person.id)
    if was_member:
        _record(tx, audit.Event.GROUP_MEMBER_REMOVE, actor, caller, now, person, detail=found.name)
    return was_member


def parse_role(name: str) -> Role:
    """Raises `Refusal(ROLE_UNKNOWN)`."""
    try:
        return Role(name.strip().lower().replace(" ", "_").replace("-", "_"))
    except ValueError as error:
        raise Refusal(Reason.ROLE_UNKNOWN, field="role") from error


def assign_role(tx: Transaction, *, username: str, role: str, actor: Person | None, caller: Caller, now: int) -> bool:
    """False when the person had it already.

    A pass that somebody gave them who may give none to administrators goes, with the sessions it opened: whoever issued
    it knows it, and would administer with it.
    """
    organizations.hold(tx)
    parsed, person = parse_role(role), find_person(tx, username)
    require_permission(tx, actor, Permission.ROLES_WRITE, target=person)
    if parsed in people.roles_of(tx, person.id):
        return False
    passes.remove_if_issued_by_less(tx, person, actor=actor, caller=caller, now=now)
    people.insert_role(tx, person_id=person.id, role=parsed, assigned_at=now)
    _record(tx, audit.Event.ROLE_ASSIGN, actor, caller, now, person, detail=parsed)
    return True


def remove_role(tx: Transaction, *, username: str, role: str, actor: Person | None, caller: Caller, now: int) -> bool:
    organizations.hold(tx)
    parsed, person = parse_role(role), find_person(tx, username)
    require_permission(tx, actor, Permission.ROLES_WRITE, target=person)
    if parsed is Role.GLOBAL_ADMINISTRATOR:
        _refuse_last_administrator(tx, person)
    had_it = people.delete_role(tx, person_id=person.id, role=parsed)
    if had_it:
        _record(tx, audit.Event.ROLE_REMOVE, actor, caller, now, person, detail=parsed)
    return had_it


def new_password() -> str:
    """Four groups a person can read out and type once: 79 bits."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


def _refuse_last_administrator(tx: Transaction, person: Person) -> None:
    administrators = {
        username for username, role, _ in people.role_assignments_by_person(tx) if role == Role.GLOBAL_ADMINISTRATOR
    }
    if administrators == {person.username}:
        raise Refusal(Reason.LAST_ADMINISTRATOR)


def _username(tx: Transaction, text: str) -> str:
    domains = organizations.all_domains(tx)
    if not domains:
        raise Refusal(Reason.ORGANIZATION_MISSING)
    return parse_username(text, primary_domain=domains[0].name, domains=[domain.name for domain in domains])


def _logo_media_type(logo: bytes) -> str:
    """What the bytes are, by their first ones: a name can say anything. Raises `Refusal(LOGO_INVALID)`."""
    if len(logo) <= _LARGEST_LOGO:
        for beginning, media_type in _LOGO_BEGINNINGS:
            if logo.startswith(beginning):
                return media_type
        if logo.startswith(b"RIFF") and logo[8:12] == b"WEBP":
            return "image/webp"
        if b"<svg" in logo[:1000]:
            return "image/svg+xml"
    raise Refusal(Reason.LOGO_INVALID, field="logo")


def _text(text: str, most: int) -> str:
    cleaned = " ".join(text.split())
    if not 1 <= len(cleaned) <= most or not cleaned.isprintable():
        raise Refusal(Reason.NAME_INVALID, field="name")
    return cleaned


def _record(
    tx: Transaction,
    event: audit.Event,
    actor: Person | None,
    caller: Caller,
    now: int,
    target: Person | None = None,
    *,
    method_id: str | None = None,
    method: str | None = None,
    detail: str | None = None,
) -> None:
    audit.record(
        tx,
        event,
        caller=caller,
        now=now,
        actor=actor,
        target=target,
        method_id=method_id,
        method=method,
        detail=detail,
    )
