"""Alembic's entry: run by `ostiary.storage.migrate`, which hands over an open connection."""

from alembic import context

from ostiary.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # both databases can undo a half-done change of tables
    render_as_batch=True,  # SQLite cannot alter a column in place
)
with context.begin_transaction():
    context.run_migrations()
