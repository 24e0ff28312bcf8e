"""Steps of a migration that can be run again: each asks what exists before it changes anything.

MariaDB and MySQL commit every DDL statement by itself, and an index that is built concurrently on PostgreSQL
stands in no transaction. A migration that was killed between two statements starts over from its beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from leadintake.core.types import UTCDateTime, new_id

AS_WRITTEN: Any = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
"""MariaDB and MySQL would otherwise take josé for jose."""


def create_table(name: str, *columns: Any) -> None:
    """Create a table with these columns and constraints, and with the key and the times of every row."""
    if has_table(name):
        return
    op.create_table(
        name,
        *columns,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        **AS_WRITTEN,
    )


def drop_table(name: str) -> None:
    """Drop a table."""
    if has_table(name):
        op.drop_table(name)


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column. One that must not be NULL has a default of the database: older code goes on inserting."""
    if not has_column(table, column.name):
        op.add_column(table, column)


def drop_column(table: str, name: str) -> None:
    """Drop a column."""
    if has_column(table, name):
        op.drop_column(table, name)


def create_index(
    name: str, table: str, columns: list[str], *, unique: bool = False, only: sa.TextClause | None = None
) -> None:
    """Create an index, of the rows that are `only` so where the engine can (MariaDB and MySQL cannot).

    On PostgreSQL, where the table has rows, without keeping writers waiting.
    """
    options: dict[str, Any] = {"unique": unique, "postgresql_where": only, "sqlite_where": only}
    if op.get_bind().dialect.name == "postgresql":
        _create_index_on_postgresql(name, table, columns, options)
    elif not _has_index(name, table):
        op.create_index(name, table, columns, **options)


def drop_index(name: str, table: str) -> None:
    """Drop an index."""
    if _has_index(name, table):
        op.drop_index(name, table)


def insert_row(table: str, key: str, **values: Any) -> None:
    """Insert a row, unless one has the same value in the column `key`."""
    times = {"created_at": datetime.now(UTC), "updated_at": datetime.now(UTC)}
    types: Mapping[str, sa.types.TypeEngine[Any]] = {
        "id": sa.Uuid(),
        "created_at": UTCDateTime(),
        "updated_at": UTCDateTime(),
    }
    row = {"id": new_id(), **values, **times}
    rows = sa.table(table, *(sa.column(name, types.get(name)) for name in row))
    same = sa.select(rows.c[key]).where(rows.c[key] == values[key])
    if op.get_bind().execute(same).first() is None:
        op.bulk_insert(rows, [row])


def has_table(name: str) -> bool:
    """Whether the database has this table."""
    return sa.inspect(op.get_bind()).has_table(name)


def has_column(table: str, name: str) -> bool:
    """Whether the table has this column."""
    return name in {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}


def _has_index(name: str, table: str) -> bool:
    inspector = sa.inspect(op.get_bind())
    return inspector.has_table(table) and name in {index["name"] for index in inspector.get_indexes(table)}


def _create_index_on_postgresql(
    name: str, table: str, columns: list[str], options: Mapping[str, Any]
) -> None:
    """Build the index concurrently where there are rows, and again where a build was cut off.

    A build that is killed leaves an index that every write keeps up and no query uses.
    """
    valid = op.get_bind().scalar(
        sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"),
        {"name": op.get_bind().dialect.identifier_preparer.quote(name)},
    )
    if valid:
        return
    rows = sa.select(sa.literal(1)).select_from(sa.table(table)).limit(1)
    if valid is None and op.get_bind().execute(rows).first() is None:
        op.create_index(name, table, columns, **options)
        return
    with op.get_context().autocommit_block():
        # The build waits for transactions that began before it, and keeps nobody waiting meanwhile.
        op.execute("SET lock_timeout = 0")
        if valid is False:
            op.drop_index(name, table, postgresql_concurrently=True)
        op.create_index(name, table, columns, **options, postgresql_concurrently=True)
        op.execute("RESET lock_timeout")
