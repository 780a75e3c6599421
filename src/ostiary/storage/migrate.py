"""Brings a database to today's tables. Safe to repeat; refuses a database from a newer Ostiary."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ostiary.storage.database import Database


class NewerDatabaseError(Exception):
    """The database was written by a newer Ostiary than this one."""


def migration_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("ostiary.storage") / "migrations"))
    return config


def migrate(database: Database) -> None:
    config = migration_config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            raise NewerDatabaseError(current)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def is_current(database: Database) -> bool:
    head = ScriptDirectory.from_config(migration_config()).get_current_head()
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
