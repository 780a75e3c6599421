"""The few shapes most statements have."""

from sqlalchemy import ColumnElement, Delete, Insert, Table, Update, bindparam, delete, insert, update


def insert_into(table: Table) -> Insert:
    """Every column of the table, each bound by its own name."""
    return insert(table).values({column.name: bindparam(column.name) for column in table.columns})


def update_by(key: "ColumnElement[str]", *names: str) -> Update:
    """Sets the named columns on the rows whose key is `key`; a column called `key` would collide and none is."""
    table = key.table
    return update(table).where(key == bindparam("key")).values({name: bindparam(name) for name in names})


def delete_by(key: "ColumnElement[str]") -> Delete:
    return delete(key.table).where(key == bindparam("key"))
