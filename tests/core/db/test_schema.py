"""Steps of a migration: each asks what exists, and an index of PostgreSQL keeps no writer waiting."""

from __future__ import annotations

import contextlib

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.migration import MigrationContext
from alembic.operations import Operations

from leadintake.core.db import schema
from leadintake.core.db.database import db, read_only
from tests.support.pgbouncer import pgbouncer


@pytest.fixture
def migrate(app):
    """Run steps as a migration does, in a transaction of their own; return the statements."""

    @contextlib.contextmanager
    def run():
        ran: list[str] = []
        with read_only(False), db.engine.connect() as connection:
            sa.event.listen(connection, "before_cursor_execute", lambda *facts: ran.append(facts[2]))
            context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
            with context.begin_transaction(_per_migration=True), Operations.context(context):
                yield ran

    with app.app_context():
        yield run


@pytest.fixture
def shoes(app, migrate):
    """A table of the test's own."""
    with migrate():
        schema.create_table("shoes", sa.Column("size", sa.Integer(), nullable=False))
    yield
    with migrate():
        schema.drop_table("shoes")


@pytest.mark.every_engine
def test_every_step_may_come_twice(shoes, migrate):
    for _ in range(2):
        with migrate():
            schema.create_table("shoes", sa.Column("size", sa.Integer(), nullable=False))
            schema.insert_row("shoes", "size", size=42)
            schema.add_column("shoes", sa.Column("width", sa.Integer(), server_default="1", nullable=False))
            schema.create_index("ix_shoes_width", "shoes", ["width"])
    with db.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT size, width FROM shoes")).all() == [(42, 1)]
    for _ in range(2):
        with migrate():
            schema.drop_index("ix_shoes_width", "shoes")
            schema.drop_column("shoes", "width")
            assert not schema.has_column("shoes", "width")
    for _ in range(2):
        with migrate():
            schema.drop_table("shoes")
            schema.drop_index("ix_shoes_width", "shoes")


@pytest.mark.on_postgresql
@pytest.mark.usefixtures("shoes")
class TestOnPostgreSQL:
    """CREATE INDEX CONCURRENTLY."""

    def build(self, migrate) -> list[str]:
        with migrate() as ran:
            schema.create_index("ix_shoes_size", "shoes", ["size"])
        return [statement for statement in ran if "INDEX" in statement]

    def test_an_index_is_built_concurrently_where_there_are_rows(self, migrate):
        with migrate():
            schema.insert_row("shoes", "size", size=42)
        (build,) = self.build(migrate)
        assert build.startswith("CREATE INDEX CONCURRENTLY ix_shoes_size")
        assert self.build(migrate) == []

    def test_it_is_built_at_once_where_there_are_none(self, migrate):
        (build,) = self.build(migrate)
        assert build.startswith("CREATE INDEX ix_shoes_size")

    def test_one_that_a_killed_build_left_is_dropped_and_built_again(self, migrate):
        self.build(migrate)
        with db.engine.begin() as connection:
            broken = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_shoes_size'::regclass"
            connection.execute(sa.text(broken))
        drop, build = self.build(migrate)
        assert drop.strip().startswith("DROP INDEX CONCURRENTLY")
        assert build.startswith("CREATE INDEX CONCURRENTLY")
        assert self.build(migrate) == []

    def test_locks_are_waited_for_as_long_as_before_in_a_batch_and_after_a_build(self, migrate):
        limit = sa.text("SHOW lock_timeout")
        with migrate():
            schema.insert_row("shoes", "size", size=42)
        with migrate():
            waits = [
                op.get_bind().scalar(limit) for _ in schema.batches_of_ids("shoes", sa.text("size = 42"))
            ]
            schema.create_index("ix_shoes_size", "shoes", ["size"])
            assert [*waits, op.get_bind().scalar(limit)] == ["10s", "10s"]


class TestBehindPgBouncer(TestOnPostgreSQL):
    """Where each transaction has another connection."""

    @pytest.fixture
    def settings(self, database_url):
        with pgbouncer(database_url, "transaction") as started:
            yield {"DATABASE_URL": started.url}
