"""What the preview of a policy costs for a large organisation: python -m bench.policy_impact [--people N] [--json]

A SQLite database on disk with that many people, three sign-in methods each, a tenth of them in a group.
"""

import argparse
import json
import random
import secrets
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from ostiary.identifiers import new_id
from ostiary.identity import administration
from ostiary.identity.caller import COMMAND_LINE
from ostiary.identity.policy.impact import Preview, preview
from ostiary.identity.policy.model import (
    DEFAULT_PROFILE,
    Enforcement,
    KeyRestrictions,
    PasskeyPolicy,
    PasskeyProfile,
    PasskeyRules,
    Policy,
)
from ostiary.passkeys import PROVIDERS
from ostiary.passkeys.providers import ProviderKind
from ostiary.storage import methods, people
from ostiary.storage.database import Database, Transaction, sqlite_url
from ostiary.storage.methods import CredentialRecord, PasswordVerifier, SignInMethod
from ostiary.storage.migrate import migrate
from ostiary.storage.people import Person

NOW = 1_795_000_000_000


def fill(tx: Transaction, count: int) -> None:
    chance = random.Random(1)
    organization = administration.create_organization(tx, name="Contoso", domain="contoso.example", now=NOW)
    pilots = administration.create_group(tx, name="Pilots", description="", actor=None, caller=COMMAND_LINE, now=NOW)
    providers = list(PROVIDERS.items())
    for number in range(count):
        person = Person(
            new_id(), organization.id, f"p{number}@contoso.example", f"P {number}", secrets.token_bytes(32), True,
            False, None, NOW,
        )  # fmt: skip
        people.insert_person(tx, person)
        if number % 10 == 0:
            people.insert_member(tx, group_id=pilots.id, person_id=person.id)
        password_id = new_id()
        methods.insert_method(tx, SignInMethod(password_id, person.id, "password", None, None, NOW, None, None))
        methods.insert_password(tx, PasswordVerifier(password_id, person.id, "", NOW))
        for place in range(2):
            aaguid, provider = chance.choice(providers)
            is_synced = provider.kind is ProviderKind.SYNCED
            method_id = new_id()
            name = f"Passkey {place}"
            methods.insert_method(tx, SignInMethod(method_id, person.id, "passkey", name, name, NOW, None, None))
            methods.insert_credential(
                tx,
                CredentialRecord(
                    method_id, person.id, secrets.token_bytes(32), bytes(77), -7, 0, "internal", True, is_synced, False,
                    str(aaguid), "none", "none", bytes(250), bytes(200), "login.contoso.example",
                ),
            )  # fmt: skip


def stricter() -> Policy:
    """Only what stays on one device, but for one maker's."""
    blocked = frozenset({"fa2b99dc-9e39-4257-8f92-4a30d23c4118"})
    rules = PasskeyRules(key_restrictions=KeyRestrictions(enforcement=Enforcement.BLOCK, aaguids=blocked))
    profile = PasskeyProfile(id=DEFAULT_PROFILE, name="Default", rules=rules, grace_days=14)
    return Policy(passkey=replace(PasskeyPolicy(), profiles=(profile,)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        database = Database(sqlite_url(Path(directory) / "ostiary.db"))
        migrate(database)
        with database.transaction() as tx:
            fill(tx, given.people)
        with database.snapshot() as tx:
            start = time.process_time()
            seen: Preview = preview(tx, stricter(), now=NOW)
            seconds = time.process_time() - start
        database.close()
    report = {
        "people": given.people,
        "methods": 3 * given.people,
        "cpu_seconds": round(seconds, 2),
        "lose_every_passkey": seen.in_the_end.lose_every_passkey.number,
    }
    if given.json:
        print(json.dumps(report, indent=2))
    else:
        print(", ".join(f"{name.replace('_', ' ')}: {value:,}" for name, value in report.items()))


if __name__ == "__main__":
    main()
