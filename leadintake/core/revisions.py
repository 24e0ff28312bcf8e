"""Which code may run on which database: each migration says which code is the oldest that may still run.

A migration has `oldest_code = "0006"` beside its `revision`. It is written into the database with the
migration, because code that is older than the migration does not have its file.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core import checks
from leadintake.core.clock import now
from leadintake.core.database import Model, db, migrations_folder
from leadintake.core.types import new_id


class SchemaRevision(Model):
    """A migration that the database has, and the oldest revision whose code may run on it."""

    __tablename__ = "schema_revisions"

    revision: Mapped[str] = mapped_column(sa.String(32), unique=True)
    oldest_code: Mapped[str] = mapped_column(sa.String(32))


def init_app(app: Flask) -> None:
    """Have the doctor compare."""
    checks.register(app, "revision", _is_current, needed=False)


def write_oldest_code(ctx: MigrationContext, step: Any, heads: Collection[Any], run_args: Any) -> None:  # noqa: ARG001 - as Alembic calls it
    """Write what each migration says into the database, once the last one ran (Alembic's on_version_apply).

    In the transaction in which Alembic writes the new revision.
    """
    connection = ctx.connection
    if connection is None or not sa.inspect(connection).has_table(SchemaRevision.__tablename__):
        return
    table = SchemaRevision.__table__
    steps = ScriptDirectory(str(migrations_folder())).iterate_revisions(tuple(heads), "base")
    told = {step.revision: step.module.oldest_code for step in steps}
    known = set(connection.scalars(sa.select(table.c.revision)))
    for revision in known - set(told):
        connection.execute(sa.delete(SchemaRevision).where(table.c.revision == revision))
    for revision in sorted(set(told) - known):
        row = {"id": new_id(), "created_at": now(), "updated_at": now()}
        connection.execute(
            sa.insert(SchemaRevision).values(revision=revision, oldest_code=told[revision], **row)
        )


def _is_current() -> None:
    """Raise unless the database has every migration this code knows."""
    known = ScriptDirectory(str(migrations_folder())).get_current_head()
    with db.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != known:
        raise RuntimeError(
            f"The database is at revision {found}, the code at {known}. Run `flask db upgrade`."
        )
