"""What an administrator on the machine itself does (`ostiary admin ...`): the organisation, people, groups, roles."""

import re
import secrets
from typing import NamedTuple

from ostiary.identifiers import new_id
from ostiary.identity import audit
from ostiary.identity.assurance import MethodKind
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.methods import Codes
from ostiary.identity.methods.password import check_new_password, hash_password, set_password
from ostiary.identity.names import parse_domain, parse_username
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
    _record(tx, audit.Event.ORGANIZATION_CREATE, now, detail=organization.name)
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
    _record(tx, audit.Event.DOMAIN_ADD, now, detail=domain.name)
    return domain


def remove_domain(tx: Transaction, name: str, *, now: int) -> None:
    domain = parse_domain(name)
    found = next((other for other in organizations.all_domains(tx) if other.name == domain), None)
    if found is None:
        raise Refusal(Reason.DOMAIN_UNKNOWN, field="domain")
    if found.is_primary or people.is_domain_used(tx, domain):
        raise Refusal(Reason.DOMAIN_IN_USE, field="domain")
    organizations.delete_domain(tx, domain)
    _record(tx, audit.Event.DOMAIN_REMOVE, now, detail=domain)


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
    _record(tx, audit.Event.BRANDING_SET, now, detail=parsed)
    return new


class CreatedPerson(NamedTuple):
    person: Person
    password: str | None  # made for them, shown once


def create_person(
    tx: Transaction,
    *,
    username: str,
    display_name: str | None,
    password: str | None,
    must_change_password: bool,
    now: int,
) -> CreatedPerson:
    """A new person. Without a password given one is made, to be changed at the first sign-in."""
    organization = the_organization(tx)
    parsed = _username(tx, username)
    if people.person_by_username(tx, parsed) is not None:
        raise Refusal(Reason.PERSON_EXISTS, field="username")
    made = None
    if password is None:
        password = made = new_password()
        must_change_password = True
    else:
        check_new_password(password, username=parsed, field="password")
    person = Person(
        id=new_id(),
        organization_id=organization.id,
        username=parsed,
        display_name=_text(display_name or parsed.partition("@")[0].title(), 100),
        user_handle=secrets.token_bytes(32),  # WebAuthn L3 §14.6.1: random, nothing personal
        is_enabled=True,
        must_change_password=must_change_password,
        preferred_second_factor=None,
        created_at=now,
    )
    people.insert_person(tx, person)
    set_password(tx, person, hash_password(password), now=now)
    _record(tx, audit.Event.PERSON_CREATE, now, person)
    return CreatedPerson(person, made)


def find_person(tx: Transaction, username: str) -> Person:
    """Raises `Refusal(PERSON_UNKNOWN)`."""
    person = people.person_by_username(tx, _username(tx, username))
    if person is None:
        raise Refusal(Reason.PERSON_UNKNOWN, field="username")
    return person


def set_person_enabled(tx: Transaction, username: str, *, is_enabled: bool, now: int) -> Person:
    """A disabled person is signed out everywhere and cannot sign in."""
    person = find_person(tx, username)
    if not is_enabled:
        _refuse_last_administrator(tx, person)
        sessions.delete_sessions(tx, person.id)
    people.set_enabled(tx, person.id, is_enabled=is_enabled)
    event = audit.Event.PERSON_ENABLE if is_enabled else audit.Event.PERSON_DISABLE
    _record(tx, event, now, person)
    return person._replace(is_enabled=is_enabled)


def delete_person(tx: Transaction, username: str, *, now: int) -> None:
    person = find_person(tx, username)
    _refuse_last_administrator(tx, person)
    people.delete_person(tx, person.id)
    _record(tx, audit.Event.PERSON_DELETE, now, person)


def set_person_password(tx: Transaction, username: str, *, password: str | None, now: int) -> CreatedPerson:
    """A password from an administrator, to be changed at the next sign-in; every session ends."""
    person = find_person(tx, username)
    made = new_password() if password is None else None
    plain = made or password or ""
    if password is not None:
        check_new_password(password, username=person.username, field="password")
    set_password(tx, person, hash_password(plain), now=now)
    people.set_must_change_password(tx, person.id, must_change_password=True)
    sessions.delete_sessions(tx, person.id)
    sessions.forget_browsers(tx, person.id)
    _record(tx, audit.Event.PERSON_PASSWORD_SET, now, person)
    return CreatedPerson(person, made)


def remove_person_method(tx: Transaction, username: str, method_id: str, *, now: int) -> None:
    """For a lost device. Raises `Refusal`."""
    person = find_person(tx, username)
    method = methods.method_of(tx, person_id=person.id, method_id=method_id)
    if method is None:
        raise Refusal(Reason.METHOD_UNKNOWN)
    methods.delete_method(tx, method_id)
    sessions.delete_sessions(tx, person.id)
    _record(tx, audit.Event.PERSON_METHOD_REMOVE, now, person, method_id=method_id, method=method.name or method.kind)


def end_person_sessions(tx: Transaction, username: str, *, now: int) -> int:
    person = find_person(tx, username)
    ended = sessions.delete_sessions(tx, person.id)
    sessions.forget_browsers(tx, person.id)
    _record(tx, audit.Event.PERSON_SESSIONS_END, now, person, detail=f"{ended} sessions")
    return ended


def add_code_generator(tx: Transaction, person: Person, codes: Codes, *, secret: str, name: str, now: int) -> None:
    """For the demo alone: a code generator whose secret is known."""
    codes.add(tx, person, secret=secret, name=name, step=0, now=now)
    people.set_preferred_second_factor(tx, person.id, MethodKind.CODE)


def create_group(tx: Transaction, *, name: str, description: str, now: int) -> Group:
    organization = the_organization(tx)
    group = Group(new_id(), organization.id, _text(name, 100), description.strip()[:500], now)
    if people.group_by_name(tx, group.name) is not None:
        raise Refusal(Reason.GROUP_EXISTS, field="name")
    people.insert_group(tx, group)
    _record(tx, audit.Event.GROUP_CREATE, now, detail=group.name)
    return group


def find_group(tx: Transaction, name: str) -> Group:
    """Raises `Refusal(GROUP_UNKNOWN)`."""
    group = people.group_by_name(tx, name)
    if group is None:
        raise Refusal(Reason.GROUP_UNKNOWN, field="group")
    return group


def delete_group(tx: Transaction, name: str, *, now: int) -> None:
    group = find_group(tx, name)
    people.delete_group(tx, group.id)
    _record(tx, audit.Event.GROUP_DELETE, now, detail=group.name)


def add_member(tx: Transaction, *, group: str, username: str, now: int) -> bool:
    """False when the person was a member already."""
    found, person = find_group(tx, group), find_person(tx, username)
    if any(other.id == found.id for other in people.groups_of(tx, person.id)):
        return False
    people.insert_member(tx, group_id=found.id, person_id=person.id)
    _record(tx, audit.Event.GROUP_MEMBER_ADD, now, person, detail=found.name)
    return True


def remove_member(tx: Transaction, *, group: str, username: str, now: int) -> bool:
    found, person = find_group(tx, group), find_person(tx, username)
    was_member = people.delete_member(tx, group_id=found.id, person_id=person.id)
    if was_member:
        _record(tx, audit.Event.GROUP_MEMBER_REMOVE, now, person, detail=found.name)
    return was_member


def parse_role(name: str) -> Role:
    """Raises `Refusal(ROLE_UNKNOWN)`."""
    try:
        return Role(name.strip().lower().replace(" ", "_").replace("-", "_"))
    except ValueError as error:
        raise Refusal(Reason.ROLE_UNKNOWN, field="role") from error


def assign_role(tx: Transaction, *, username: str, role: str, now: int) -> bool:
    """False when the person had it already."""
    parsed, person = parse_role(role), find_person(tx, username)
    if parsed in people.roles_of(tx, person.id):
        return False
    people.insert_role(tx, person_id=person.id, role=parsed, assigned_at=now)
    _record(tx, audit.Event.ROLE_ASSIGN, now, person, detail=parsed)
    return True


def remove_role(tx: Transaction, *, username: str, role: str, now: int) -> bool:
    parsed, person = parse_role(role), find_person(tx, username)
    if parsed is Role.GLOBAL_ADMINISTRATOR:
        _refuse_last_administrator(tx, person)
    had_it = people.delete_role(tx, person_id=person.id, role=parsed)
    if had_it:
        _record(tx, audit.Event.ROLE_REMOVE, now, person, detail=parsed)
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
        caller=COMMAND_LINE,
        now=now,
        target=target,
        method_id=method_id,
        method=method,
        detail=detail,
    )
