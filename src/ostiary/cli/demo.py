"""`ostiary serve --demo`: Contoso, with people whose secrets everybody knows. Only ever on this machine."""

import ipaddress
import json
from pathlib import Path
from typing import Final, NamedTuple

from ostiary.cli.workplace import fail, say
from ostiary.identity import administration
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.methods import Codes
from ostiary.identity.roles import Role
from ostiary.identity.sealing import Sealer, key_from_file
from ostiary.settings import Settings
from ostiary.storage import organizations, people
from ostiary.storage.database import Database, Transaction

DOMAIN: Final = "contoso.example"


class DemoPerson(NamedTuple):
    name: str
    display_name: str
    password: str
    totp_secret: str
    roles: tuple[Role, ...] = ()

    @property
    def username(self) -> str:
        return f"{self.name}@{DOMAIN}"


PEOPLE: Final = (
    DemoPerson(
        "admin",
        "Contoso Administrator",
        "doorkeeper-of-contoso",
        "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        (Role.AUTHENTICATION_POLICY_ADMINISTRATOR, Role.AUTHENTICATION_ADMINISTRATOR),
    ),
    DemoPerson("ada", "Ada Lovelace", "analytical-engine-1843", "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"),
    DemoPerson("grace", "Grace Hopper", "first-compiler-1952", "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK"),
)


def refuse_public_address(host: str) -> None:
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        fail("The demo has known passwords: it is served on this machine only. Use --host 127.0.0.1.")


def prepare(settings: Settings, database: Database, *, now: int) -> None:
    """Makes what is missing, and says how to sign in. Safe to repeat; refuses another organisation's data."""
    codes = Codes(Sealer(key_from_file(settings.data / "sealing.key")))
    with database.transaction() as tx:
        organization = organizations.the_organization(tx)
    if organization is not None and not (settings.data / "demo.json").exists():
        fail(f"{settings.data} holds {organization.name}, which is not the demo. Use another --data directory.")
    facts = _write_facts(settings)  # first: it is what marks the data as the demo's
    with database.transaction() as tx:
        if organization is None:
            administration.create_organization(tx, name="Contoso", domain=DOMAIN, now=now)
        for person in PEOPLE:
            _prepare_person(tx, person, codes, now=now)
    say(f"The demo organisation Contoso. Everybody's secrets are in {facts}:")
    for person in PEOPLE:
        say(f"  {person.username:24} password {person.password:24} authenticator secret {person.totp_secret}")
    say(f"A one-time code, now:  ostiary admin demo-code ada@{DOMAIN} --data {settings.data}")


def _prepare_person(tx: Transaction, demo: DemoPerson, codes: Codes, *, now: int) -> None:
    if people.person_by_username(tx, demo.username) is not None:
        return
    person, _ = administration.create_person(
        tx,
        username=demo.username,
        display_name=demo.display_name,
        password=demo.password,
        must_change_password=False,
        actor=None,
        caller=COMMAND_LINE,
        now=now,
    )
    administration.add_code_generator(tx, person, codes, secret=demo.totp_secret, name="Authenticator app", now=now)
    for role in demo.roles:
        administration.assign_role(tx, username=demo.username, role=role, actor=None, caller=COMMAND_LINE, now=now)


def _write_facts(settings: Settings) -> Path:
    path = settings.data / "demo.json"
    facts = {
        "url": settings.public_url,
        "people": [
            {
                "username": person.username,
                "password": person.password,
                "totp_secret": person.totp_secret,
                "roles": list(person.roles),
            }
            for person in PEOPLE
        ],
    }
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(facts, indent=2) + "\n")
    aside.rename(path)
    return path
