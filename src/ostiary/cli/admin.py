"""`ostiary admin`: the organisation, its people, groups and roles, and the audit log, on the data directory."""

import json
from pathlib import Path
from typing import Annotated

import pyotp
import typer

from ostiary.cli import attestation, outbox, policy, tap, trust
from ostiary.cli.workplace import Data, Json, fail, read_settings, say, show_rows, transaction, when
from ostiary.clock import system_clock
from ostiary.identity import administration
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.provider_names import name_of
from ostiary.identity.roles import Role
from ostiary.passkeys import Aaguid
from ostiary.storage import audit, methods, organizations, people, sessions
from ostiary.storage.audit import AuditEvent

app = typer.Typer(help="Administration on the data directory.", no_args_is_help=True)
user_app = typer.Typer(help="People.", no_args_is_help=True)
group_app = typer.Typer(help="Groups.", no_args_is_help=True)
role_app = typer.Typer(help="Roles.", no_args_is_help=True)
domain_app = typer.Typer(help="Verified domains, and how each looks.", no_args_is_help=True)
audit_app = typer.Typer(help="The audit log.", no_args_is_help=True)
for name, part in (
    ("user", user_app),
    ("group", group_app),
    ("role", role_app),
    ("domain", domain_app),
    ("audit", audit_app),
    ("policy", policy.app),
    ("outbox", outbox.app),
    ("tap", tap.app),
    ("trust", trust.app),
    ("attestation", attestation.app),
):
    app.add_typer(part, name=name)
app.command("explain")(policy.explain_person)

Username = Annotated[str, typer.Argument(help="The username; the primary domain may be left out.")]
GroupName = Annotated[str, typer.Argument(help="The group's name.")]
RoleName = Annotated[str, typer.Argument(help="The role, as `ostiary admin role list` names it.")]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", help="A file that holds the password; one is made otherwise.")
]


@app.command()
def init(
    name: Annotated[str, typer.Option(prompt="Name of the organisation", help="As people know it.")],
    domain: Annotated[str, typer.Option(prompt="Its domain", help="As in its e-mail addresses.")],
    administrator: Annotated[
        str, typer.Option(prompt="Username of its first administrator", help="The part before the @ will do.")
    ],
    password_file: PasswordFile = None,
    data: Data = None,
) -> None:
    """Set up an organisation and its first administrator."""
    now = system_clock()
    with transaction(data) as tx:
        administration.create_organization(tx, name=name, domain=domain, now=now)
        person, made = administration.create_person(
            tx,
            username=administrator,
            display_name=None,
            password=_read_password(password_file),
            must_change_password=True,
            actor=None,
            caller=COMMAND_LINE,
            now=now,
        )
        administration.assign_role(
            tx, username=person.username, role=Role.GLOBAL_ADMINISTRATOR, actor=None, caller=COMMAND_LINE, now=now
        )
    say(f"{name} is set up.")
    _say_password(person.username, made)
    say("Start the server with:  ostiary serve")
    say("The admin centre wants two factors: first add an authenticator app or a passkey under Security info.")


# --- people


@user_app.command("create")
def create_user(
    username: Username,
    display_name: Annotated[str | None, typer.Option("--name", help="As it is shown.")] = None,
    password_file: PasswordFile = None,
    has_no_password: Annotated[
        bool, typer.Option("--no-password", help="A Temporary Access Pass is to be the way in.")
    ] = False,
    data: Data = None,
) -> None:
    """Add a person, with a password to be changed at the first sign-in, or without any."""
    if has_no_password and password_file is not None:
        fail("Either --no-password or --password-file.")
    if has_no_password:
        with transaction(data) as tx:
            added = administration.create_person_without_password(
                tx, username=username, display_name=display_name, actor=None, caller=COMMAND_LINE, now=system_clock()
            )
        say(f"{added.username} is there, and cannot sign in yet. Give them a pass: ostiary admin tap issue {username}")
        return
    with transaction(data) as tx:
        person, made = administration.create_person(
            tx,
            username=username,
            display_name=display_name,
            password=_read_password(password_file),
            must_change_password=True,
            actor=None,
            caller=COMMAND_LINE,
            now=system_clock(),
        )
    _say_password(person.username, made)


@user_app.command("list")
def list_users(
    part: Annotated[str, typer.Option("--search", help="Only usernames and names that contain this.")] = "",
    after: Annotated[str, typer.Option(help="Go on behind this username.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List people by username."""
    with transaction(data) as tx:
        rows = [
            {
                "username": person.username,
                "name": person.display_name,
                "enabled": person.is_enabled,
                "methods": sorted(methods.kinds_of(tx, person.id)),
                "roles": people.roles_of(tx, person.id),
                "created": when(person.created_at),
            }
            for person in people.page_of_people(tx, after=after, part=part, limit=limit)
        ]
    show_rows(rows, as_json=as_json)


@user_app.command("show")
def show_user(username: Username, data: Data = None, as_json: Json = False) -> None:
    """Show one person: account, groups, roles, sign-in methods, sessions."""
    with transaction(data) as tx:
        person = administration.find_person(tx, username)
        credentials = {record.method_id: record for record in methods.credentials_of(tx, person.id)}
        facts: dict[str, object] = {
            "id": person.id,
            "username": person.username,
            "name": person.display_name,
            "enabled": person.is_enabled,
            "must_change_password": person.must_change_password,
            "created": when(person.created_at),
            "groups": [group.name for group in people.groups_of(tx, person.id)],
            "roles": people.roles_of(tx, person.id),
        }
        owned: list[dict[str, object]] = []
        for method in methods.methods_of(tx, person.id):
            record = credentials.get(method.id)
            provider = name_of(Aaguid.parse(record.aaguid)) if record else None
            owned.append(
                {
                    "id": method.id,
                    "kind": method.kind,
                    "name": method.name,
                    "provider": provider,
                    "aaguid": record.aaguid if record else None,
                    "binding": ("synced" if record.backup_eligible else "device-bound") if record else None,
                    "added": when(method.created_at),
                    "last_used": when(method.last_used_at),
                }
            )
        open_sessions: list[dict[str, object]] = [
            {
                "client": session.client,
                "address": session.address,
                "started": when(session.created_at),
                "last_seen": when(session.last_seen_at),
            }
            for session in sessions.sessions_of(tx, person.id)
        ]
    if as_json:
        print(json.dumps({**facts, "methods": owned, "sessions": open_sessions}, ensure_ascii=False, indent=2))
        return
    show_rows([{"what": key.replace("_", " "), "is": value} for key, value in facts.items()], as_json=False)
    say("\nSign-in methods")
    show_rows(owned, as_json=False)
    say("\nSessions")
    show_rows(open_sessions, as_json=False)


@user_app.command("enable")
def enable_user(username: Username, data: Data = None) -> None:
    """Let a person sign in again."""
    with transaction(data) as tx:
        person = administration.set_person_enabled(
            tx, username, is_enabled=True, actor=None, caller=COMMAND_LINE, now=system_clock()
        )
    say(f"{person.username} can sign in.")


@user_app.command("disable")
def disable_user(username: Username, data: Data = None) -> None:
    """Sign a person out everywhere and let them in no more. Their sign-in methods stay."""
    with transaction(data) as tx:
        person = administration.set_person_enabled(
            tx, username, is_enabled=False, actor=None, caller=COMMAND_LINE, now=system_clock()
        )
    say(f"{person.username} is signed out and cannot sign in.")


@user_app.command("delete")
def delete_user(
    username: Username,
    is_sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = None,
) -> None:
    """Delete a person with all their sign-in methods. The audit log keeps what happened."""
    if not is_sure:
        typer.confirm(f"Delete {username} for good?", abort=True)
    with transaction(data) as tx:
        administration.delete_person(tx, username, actor=None, caller=COMMAND_LINE, now=system_clock())
    say(f"{username} is deleted.")


@user_app.command("set-password")
def set_user_password(username: Username, password_file: PasswordFile = None, data: Data = None) -> None:
    """Give a person another password, to be changed at the next sign-in; ends their sessions."""
    with transaction(data) as tx:
        person, made = administration.set_person_password(
            tx, username, password=_read_password(password_file), actor=None, caller=COMMAND_LINE, now=system_clock()
        )
    _say_password(person.username, made)


@user_app.command("remove-method")
def remove_user_method(
    username: Username,
    method_id: Annotated[str, typer.Argument(help="The method's id, from `ostiary admin user show`.")],
    data: Data = None,
) -> None:
    """Remove a sign-in method, as of a lost device; ends the person's sessions."""
    with transaction(data) as tx:
        administration.remove_person_method(
            tx, username, method_id, actor=None, caller=COMMAND_LINE, now=system_clock()
        )
    say("The sign-in method is removed and the person signed out.")


@user_app.command("sign-out")
def sign_out_user(username: Username, data: Data = None) -> None:
    """End all sessions of a person."""
    with transaction(data) as tx:
        ended = administration.end_person_sessions(tx, username, actor=None, caller=COMMAND_LINE, now=system_clock())
    say(f"{ended} sessions ended.")


# --- groups


@group_app.command("create")
def create_group(
    group: GroupName,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    data: Data = None,
) -> None:
    """Add a group."""
    with transaction(data) as tx:
        created = administration.create_group(
            tx, name=group, description=description, actor=None, caller=COMMAND_LINE, now=system_clock()
        )
    say(f"{created.name} is there.")


@group_app.command("list")
def list_groups(data: Data = None, as_json: Json = False) -> None:
    """List groups."""
    with transaction(data) as tx:
        rows = [
            {
                "name": group.name,
                "members": len(people.members_of(tx, group.id)),
                "description": group.description,
                "created": when(group.created_at),
            }
            for group in people.all_groups(tx)
        ]
    show_rows(rows, as_json=as_json)


@group_app.command("members")
def list_members(group: GroupName, data: Data = None, as_json: Json = False) -> None:
    """List a group's members."""
    with transaction(data) as tx:
        found = administration.find_group(tx, group)
        rows = [
            {"username": person.username, "name": person.display_name} for person in people.members_of(tx, found.id)
        ]
    show_rows(rows, as_json=as_json)


@group_app.command("add")
def add_member(group: GroupName, username: Username, data: Data = None) -> None:
    """Put a person into a group."""
    with transaction(data) as tx:
        is_new = administration.add_member(
            tx, group=group, username=username, actor=None, caller=COMMAND_LINE, now=system_clock()
        )
    say("Added." if is_new else "Was a member already.")


@group_app.command("remove")
def remove_member(group: GroupName, username: Username, data: Data = None) -> None:
    """Take a person out of a group."""
    with transaction(data) as tx:
        was_member = administration.remove_member(
            tx, group=group, username=username, actor=None, caller=COMMAND_LINE, now=system_clock()
        )
    say("Removed." if was_member else "Was not a member.")


@group_app.command("delete")
def delete_group(group: GroupName, data: Data = None) -> None:
    """Delete a group; its members stay people."""
    with transaction(data) as tx:
        administration.delete_group(tx, group, actor=None, caller=COMMAND_LINE, now=system_clock())
    say(f"{group} is deleted.")


# --- roles


@role_app.command("list")
def list_roles(data: Data = None, as_json: Json = False) -> None:
    """List the roles there are, and who has them."""
    with transaction(data) as tx:
        holders = people.role_assignments_by_person(tx)
    rows = [
        {"role": role.value, "people": [username for username, held, _ in holders if held == role]} for role in Role
    ]
    show_rows(rows, as_json=as_json)


@role_app.command("assign")
def assign_role(username: Username, role: RoleName, data: Data = None) -> None:
    """Give a person a role."""
    with transaction(data) as tx:
        is_new = administration.assign_role(
            tx, username=username, role=role, actor=None, caller=COMMAND_LINE, now=system_clock()
        )
    say("Assigned." if is_new else "Had the role already.")


@role_app.command("remove")
def remove_role(username: Username, role: RoleName, data: Data = None) -> None:
    """Take a role from a person."""
    with transaction(data) as tx:
        had_it = administration.remove_role(
            tx, username=username, role=role, actor=None, caller=COMMAND_LINE, now=system_clock()
        )
    say("Removed." if had_it else "Did not have the role.")


# --- domains


@domain_app.command("add")
def add_domain(domain: str, data: Data = None) -> None:
    """Vouch for a domain: usernames may end in it."""
    with transaction(data) as tx:
        added = administration.add_domain(tx, domain, now=system_clock())
    say(f"{added.name} is verified.")


@domain_app.command("list")
def list_domains(data: Data = None, as_json: Json = False) -> None:
    """List verified domains."""
    with transaction(data) as tx:
        looks = {row.domain: row for row in organizations.all_branding(tx)}
        rows = []
        for domain in organizations.all_domains(tx):
            branding = looks.get(domain.name)
            rows.append(
                {
                    "domain": domain.name,
                    "primary": domain.is_primary,
                    "verified": when(domain.verified_at),
                    "looks_like": branding.name if branding else None,
                    "accent": branding.accent if branding else None,
                    "logo": branding is not None and branding.logo is not None,
                }
            )
    show_rows(rows, as_json=as_json)


@domain_app.command("remove")
def remove_domain(domain: str, data: Data = None) -> None:
    """Remove a domain that nobody's username ends in."""
    with transaction(data) as tx:
        administration.remove_domain(tx, domain, now=system_clock())
    say("Removed.")


@domain_app.command("brand")
def brand_domain(
    domain: str,
    name: Annotated[str, typer.Option(help="The name pages show.")],
    accent: Annotated[str | None, typer.Option(help="A colour like #0f766e; made readable where it is not.")] = None,
    helpdesk: Annotated[str | None, typer.Option(help="Whom to ask: a telephone number, e-mail or address.")] = None,
    logo: Annotated[Path | None, typer.Option(help="PNG, JPEG, WebP or SVG, square.")] = None,
    data: Data = None,
) -> None:
    """Say how pages look for people of a domain."""
    if logo is not None and not logo.is_file():
        fail(f"There is no file {logo}.")
    with transaction(data) as tx:
        administration.set_branding(
            tx,
            domain=domain,
            name=name,
            accent=accent,
            helpdesk=helpdesk,
            logo=logo.read_bytes() if logo else None,
            now=system_clock(),
        )
    say("Saved. Pages show it within five minutes.")


# --- audit


@audit_app.command("list")
def list_audit(
    username: Annotated[str | None, typer.Option("--user", help="Only what concerns this person.")] = None,
    event: Annotated[str, typer.Option(help="Only this event, such as person:passkey:add.")] = "",
    before: Annotated[str, typer.Option(help="Go on behind this event id.")] = audit.NEWEST,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List what happened, newest first."""
    with transaction(data) as tx:
        if username is not None:
            person = administration.find_person(tx, username)
            events = audit.newest_events_of(tx, person.id, limit=limit, before=before, event=event)
        else:
            events = audit.newest_events(tx, limit=limit, before=before, event=event)
    if as_json:
        show_rows([{**one._asdict(), "at": when(one.at)} for one in events], as_json=True)
    else:
        show_rows([_audit_row(one) for one in events], as_json=False)


@audit_app.command("show")
def show_audit(
    reference: Annotated[str, typer.Argument(help="The reference code a person read out, like P-7K3Q-2M.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Decode a reference code."""
    with transaction(data) as tx:
        event = audit.event_by_reference(tx, reference.strip().upper())
    if event is None:
        fail("There is no event of that reference.")
    facts = {**event._asdict(), "at": when(event.at)}
    if as_json:
        print(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        show_rows([{"what": key, "is": value} for key, value in facts.items() if value is not None], as_json=False)


@app.command("demo-code", hidden=True)
def demo_code(username: Username, data: Data = None) -> None:
    """The one-time code of a person of the demo, whose secrets are no secrets."""
    path = read_settings(data or Path(".demo")).data / "demo.json"
    if not path.exists():
        fail(f"{path} is not there: this is not the demo.")
    for person in json.loads(path.read_text())["people"]:
        if username in (person["username"], person["username"].partition("@")[0]):
            say(pyotp.TOTP(person["totp_secret"]).at(system_clock() // 1000))
            return
    fail("There is no such person in the demo.")


def _audit_row(event: AuditEvent) -> dict[str, object]:
    return {
        "at": when(event.at),
        "event": event.event,
        "result": event.reason or event.result,
        "actor": event.actor,
        "target": event.target,
        "method": event.method,
        "from": event.address,
        "reference": event.reference,
    }


def _read_password(path: Path | None) -> str | None:
    if path is None:
        return None
    if not path.is_file():
        fail(f"There is no file {path}.")
    return path.read_text().rstrip("\n")


def _say_password(username: str, made: str | None) -> None:
    if made is not None:
        say(f"The first password of {username}, shown only now: {made}")
    say("It must be changed at the first sign-in.")
