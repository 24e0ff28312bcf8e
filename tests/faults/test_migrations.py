"""A migration that is killed at any statement is run again and ends as if nothing had happened."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade

from leadintake import create_app
from leadintake.core.db import revisions
from leadintake.core.db.database import db, migrations_folder
from leadintake.core.db.schema import is_mapped
from tests.support.engines import empty_database
from tests.support.ledger import LONG

STEPS = [step.revision for step in ScriptDirectory(str(migrations_folder())).walk_revisions()][::-1]
EVERY = 1 if LONG else 29
WATCHED = STEPS if LONG else STEPS[-2:]
"""The short form stops after every 29th statement, and looks at the last two alone on the way down."""


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def app(engine_name, tmp_path):
    with empty_database(engine_name, tmp_path) as url:
        app = create_app(INSTANCE_PATH=str(tmp_path), DATABASE_URL=url, WORKER="external")
        with app.app_context():
            yield app
            db.engine.dispose()


@contextlib.contextmanager
def killed_after(number: int) -> Iterator[None]:
    """Let so many statements run, and have the connection break at the next."""
    ran = 0

    def count(connection, *_facts) -> None:
        nonlocal ran
        if ran == number:
            connection.connection.dbapi_connection.close()
            raise Killed
        ran += 1

    sa.event.listen(db.engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", count)
        db.engine.dispose()


def state() -> tuple[object, ...]:
    """Tables, columns, indexes and the rows that migrations write."""
    db.engine.dispose()
    with db.engine.connect() as connection:
        inspector = sa.inspect(connection)
        tables = sorted(inspector.get_table_names())
        locks = "SELECT name FROM locks ORDER BY name"
        told = "SELECT revision, oldest_code FROM schema_revisions ORDER BY revision"
        return (
            [(table, [column["name"] for column in inspector.get_columns(table)]) for table in tables],
            [
                (table, sorted(str(index["name"]) for index in inspector.get_indexes(table)))
                for table in tables
            ],
            [tuple(row) for row in connection.execute(sa.text(locks))] if "locks" in tables else [],
            [tuple(row) for row in connection.execute(sa.text(told))] if "schema_revisions" in tables else [],
        )


def run_again_after_every_kill(move, revision: str, first: int) -> None:
    """Kill the move at each statement in turn, each time from where the one before was cut off."""
    number = first
    while True:
        with killed_after(number):
            try:
                move(revision=revision)
            except Killed:
                number += EVERY
                continue
        return


def _context(connection: sa.Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"include_name": is_mapped})


@pytest.mark.every_engine
def test_each_is_run_again_after_a_kill_at_any_statement_up_and_down(app):
    """First as a whole, to know how it ends; then cut off after some statements, and again after more."""
    ends = {}
    for revision in STEPS:
        if revision in WATCHED:
            upgrade(revision=revision)
            ends[revision] = state()
    downgrade(revision="base")
    for which, revision in enumerate(STEPS):
        run_again_after_every_kill(upgrade, revision, which % EVERY)
        assert revision not in ends or state() == ends[revision], f"up to {revision}"
    with db.engine.connect() as connection:
        assert compare_metadata(_context(connection), db.metadata) == []
    assert revisions.find_mismatch() == ""
    for which, revision in reversed(list(enumerate(WATCHED[:-1]))):
        run_again_after_every_kill(downgrade, revision, which % EVERY)
        assert state() == ends[revision], f"down to {revision}"
