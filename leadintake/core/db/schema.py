"""Migration steps that can be repeated: each checks what exists before it changes anything.

MariaDB and MySQL commit every DDL statement, and PostgreSQL builds an index concurrently only outside a
transaction: a killed migration starts again from its beginning.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from leadintake.core.db.pooler import is_pooled, limit_locks
from leadintake.core.db.types import UTCDateTime, new_id
from leadintake.core.db.writers import begin_to_write

BATCH = 500
COLUMN_DEFINITION = re.compile(r"(?<=\s)(\w+) (?:[^,()]|\([^)]*\))*")
"""A column in the text of CREATE TABLE. Group 1: its name."""
UNMAPPED = ("lead_search",)
"""Prefixes of tables without a model: each engine has its own, SQLite several."""
TABLE_OPTIONS: Any = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
"""Else MariaDB and MySQL would treat josé and jose as equal."""


def create_table(name: str, *columns: Any) -> None:
    """Create a table with these columns and constraints, its key and times."""
    if has_table(name):
        return
    op.create_table(
        name,
        *columns,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        **TABLE_OPTIONS,
    )


def drop_table(name: str) -> None:
    """Drop a table if it exists."""
    if has_table(name):
        op.drop_table(name)


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column. NOT NULL needs a server default: older code continues to insert."""
    if not has_column(table, column.name):
        op.add_column(table, column)


def drop_column(table: str, name: str) -> None:
    """Drop a column."""
    if has_column(table, name):
        op.drop_column(table, name)


def set_nullable(table: str, name: str, *, nullable: bool = True) -> None:
    """Let a column without default be NULL, or forbid it again."""
    columns = {column["name"]: column for column in sa.inspect(op.get_bind()).get_columns(table)}
    column = columns[name]
    if column["nullable"] is nullable:
        return
    if op.get_bind().dialect.name == "sqlite":
        _set_nullable_on_sqlite(table, name, nullable=nullable)
        return
    # MariaDB and MySQL repeat the type.
    op.alter_column(table, name, nullable=nullable, existing_type=column["type"])


def create_index(
    name: str,
    table: str,
    columns: list[str],
    *,
    unique: bool = False,
    only: sa.TextClause | None = None,
    lengths: Mapping[str, int] | None = None,
) -> None:
    """Create an index, with `only` of these rows (ignored by MariaDB and MySQL).

    `lengths`: characters of a column that MariaDB and MySQL index. PostgreSQL builds it without blocking
    writers if the table has rows.
    """
    options: dict[str, Any] = {"unique": unique, "postgresql_where": only, "sqlite_where": only}
    options["mysql_length"] = lengths
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


def batches_of_ids(table: str, where: sa.TextClause) -> Iterator[Sequence[uuid.UUID]]:
    """Yield ids of matching rows in batches.

    Commits before the first and after each, which releases all locks.
    """
    rows, last = sa.table(table, sa.column("id", sa.Uuid())), uuid.UUID(int=0)
    while True:
        _commit()
        following = sa.select(rows.c.id).where(where, rows.c.id > last).order_by(rows.c.id).limit(BATCH)
        ids = op.get_bind().scalars(following).all()
        if not ids:
            return
        yield ids
        last = ids[-1]


def update_in_batches(table: str, where: sa.TextClause, **values: Any) -> None:
    """Update the matching rows in batches."""
    rows = sa.table(table, sa.column("id", sa.Uuid()), *(sa.column(name) for name in values))
    for ids in batches_of_ids(table, where):
        op.execute(sa.update(rows).where(rows.c.id.in_(ids)).values(values))


def is_mapped(name: str | None, kind: str, _parents: Any) -> bool:
    """Return whether a model describes this table (Alembic's include_name)."""
    return kind != "table" or name is None or not name.startswith(UNMAPPED)


def has_table(name: str) -> bool:
    """Return whether the table exists."""
    return sa.inspect(op.get_bind()).has_table(name)


def has_column(table: str, name: str) -> bool:
    """Return whether the column exists."""
    return name in {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}


def _commit() -> None:
    """Commit below Alembic, whose transaction lasts until the migration ends."""
    connection = op.get_bind()
    connection.exec_driver_sql("COMMIT")
    if connection.dialect.name == "sqlite":
        begin_to_write(connection)
    limit_locks(connection)


def _has_index(name: str, table: str) -> bool:
    inspector = sa.inspect(op.get_bind())
    return inspector.has_table(table) and name in {index["name"] for index in inspector.get_indexes(table)}


def _set_nullable_on_sqlite(table: str, name: str, *, nullable: bool) -> None:
    """Edit the text of the table's definition, in one transaction with all others of the migration.

    SQLite has no statement for it. This is its documented procedure for NOT NULL, which changes no stored row
    (https://sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes"). The other way, a
    new table with all rows, would lose triggers and keep writers waiting.
    """
    connection = op.get_bind()
    of_table = {"table": table}
    select_sql = sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table")
    before = str(connection.scalar(select_sql, of_table))
    parts = COLUMN_DEFINITION.finditer(before, before.index("(") + 1)
    found = next((part for part in parts if part[1] == name), None)
    if found is None:
        raise RuntimeError(f"The definition of {table}.{name} cannot be read.")
    definition = found[0].replace(" NOT NULL", "") + ("" if nullable else " NOT NULL")
    after = before[: found.start()] + definition + before[found.end() :]
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    try:
        update = sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :table")
        connection.execute(update, {**of_table, "sql": after})
        # Else connections would continue with the definition that they have read.
        op.execute(f"PRAGMA schema_version={version + 1}")
    finally:
        connection.exec_driver_sql("PRAGMA writable_schema=RESET")  # reads the definition again
    if has_table(table) and has_column(table, name):
        return
    raise RuntimeError(f"The definition of {table} could not be changed.")


def _create_index_on_postgresql(
    name: str, table: str, columns: list[str], options: Mapping[str, Any]
) -> None:
    """Build the index concurrently if the table has rows; rebuild an unfinished one.

    A killed build leaves an index that every write maintains and no query uses.
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
        # The build waits for older transactions and blocks none. Behind a pooler the session has no timeout,
        # and must get none.
        limit = None if is_pooled(op.get_bind()) else op.get_bind().scalar(sa.text("SHOW lock_timeout"))
        if limit:
            op.execute("SET lock_timeout = 0")
        if valid is False:
            op.drop_index(name, table, postgresql_concurrently=True)
        op.create_index(name, table, columns, **options, postgresql_concurrently=True)
        if limit:
            op.execute(f"SET lock_timeout = '{limit}'")
