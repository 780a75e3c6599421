"""`ostiary doctor`: is this installation sound, and what to do where it is not."""

from pathlib import Path
from typing import NamedTuple

import typer

from ostiary.cli.workplace import Data, Json, read_settings, say, show_rows
from ostiary.identity.roles import Role
from ostiary.identity.sealing import SealBrokenError, key_from_file
from ostiary.settings import Settings
from ostiary.storage import organizations, outbox, people
from ostiary.storage.database import Database
from ostiary.storage.migrate import is_current
from ostiary.web.mail_server import MailServer


class Finding(NamedTuple):
    check: str
    is_sound: bool
    detail: str


def doctor(data: Data = None, as_json: Json = False) -> None:
    """Check the settings, the data directory and the database. Changes nothing."""
    findings = examine(read_settings(data))
    show_rows([{"check": one.check, "sound": one.is_sound, "detail": one.detail} for one in findings], as_json=as_json)
    if not all(one.is_sound for one in findings):
        raise typer.Exit(1)
    if not as_json:
        say("Everything is sound.")


def examine(settings: Settings) -> list[Finding]:
    findings = [
        Finding("address", True, f"{settings.public_url}, relying party {settings.relying_party_id}"),
        _data_directory(settings.data),
    ]
    if not settings.database_url.get_secret_value() and not (settings.data / "ostiary.db").exists():
        return [*findings, Finding("database", False, "none yet: run  ostiary admin init")]
    findings.append(_sealing_key(settings.data / "sealing.key"))
    database = Database(settings.database)
    try:
        findings.extend(_database(database))
        if findings[-1].is_sound and is_current(database):
            findings.append(_mail(settings, database))
    except Exception as error:
        findings.append(Finding("database", False, f"{type(error).__name__}: {str(error).splitlines()[0]}"))
    finally:
        database.close()
    return findings


def _data_directory(path: Path) -> Finding:
    if not path.is_dir():
        return Finding("data directory", False, f"{path} is not there: run  ostiary admin init")
    if path.stat().st_mode & 0o077:
        return Finding("data directory", False, f"others may look into {path}: run  chmod 700 {path}")
    return Finding("data directory", True, str(path))


def _sealing_key(path: Path) -> Finding:
    if not path.exists():
        return Finding("sealing key", True, "made at the first start")
    try:
        key_from_file(path)
    except SealBrokenError as error:
        return Finding("sealing key", False, f"{error}: restore it from a backup")
    return Finding("sealing key", True, str(path))


def _mail(settings: Settings, database: Database) -> Finding:
    """Mail that does not arrive is no reason to stop, but the owners of accounts are then told of nothing."""
    with database.transaction() as tx:
        counts = outbox.count_mail(tx)
    server = MailServer.of(settings)
    waiting = f"{counts.waiting} mails wait" + (f", {counts.given_up} are given up" if counts.given_up else "")
    if server is None:
        is_demo = (settings.data / "demo.json").exists()
        detail = f"smtp_host is not set, so nobody is told of changes; {waiting}"
        return Finding("mail", is_demo or not (counts.waiting or counts.given_up), detail)
    where = f"{server.host}:{server.port} ({server.security}) as {server.sender}"
    if counts.tried or counts.given_up:
        return Finding("mail", False, f"{where}; {waiting}: see  ostiary admin outbox list")
    return Finding("mail", True, f"{where}; {waiting}")


def _database(database: Database) -> list[Finding]:
    if not is_current(database):
        return [Finding("database", False, "its tables are not today's: any  ostiary admin  command updates them")]
    with database.transaction() as tx:
        organization = organizations.the_organization(tx)
        count = people.count_people(tx)
        administrators = [row for row in people.role_assignments_by_person(tx) if row[1] in tuple(Role)]
    named = organization.name if organization else "none yet: run  ostiary admin init"
    return [
        Finding("database", True, f"{database.dialect}, {count} people"),
        Finding("organisation", organization is not None, named),
        Finding("administrators", bool(administrators), f"{len(administrators)} role assignments"),
    ]
