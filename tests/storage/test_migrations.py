"""Migrations lead to exactly the tables the code knows, on both databases."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from ostiary.storage import people
from ostiary.storage.database import Database, sqlite_url
from ostiary.storage.migrate import NewerDatabaseError, is_current, migrate
from ostiary.storage.tables import metadata
from tests.conftest import Workplace


@pytest.fixture
def database(workplace: Workplace) -> Iterator[Database]:
    database = Database(workplace.url or sqlite_url(workplace.directory / "ostiary.db"))
    yield database
    database.close()


def test_the_migrated_schema_is_the_one_the_code_knows(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    migrate(database)
    assert is_current(database)
    with database.transaction() as tx:
        assert people.count_people(tx) == 3


def test_refuses_a_database_from_a_newer_release(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerDatabaseError, match="9999"):
        migrate(database)
    assert not is_current(database)
    with database.transaction() as tx:
        assert people.count_people(tx) == 3
