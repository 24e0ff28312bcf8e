"""Migration 0011: what waits gets its order, and a migration that was cut off runs again."""

from __future__ import annotations

import contextlib
import importlib
import uuid
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from leadintake.core.database import db
from leadintake.notifications.models import Notification
from tests.factories import NotificationFactory

MIGRATION = importlib.import_module("migrations.versions.0011_outbox_order")
TABLE = "notifications"


class CutOff(Exception):
    """The process is killed here."""


@pytest.fixture
def migrate(app) -> Callable[..., None]:
    def run(step: Callable[[], None], statements: int = 1000) -> None:
        """Run a step with that many changes of the schema; the engine keeps what it keeps."""
        with app.app_context(), db.engine.connect() as connection:
            left = iter(range(statements))

            def count(_connection, _cursor, statement, *_rest) -> None:
                if statement.split()[0] in ("ALTER", "CREATE", "DROP", "UPDATE") and next(left, None) is None:
                    raise CutOff

            sa.event.listen(connection, "before_cursor_execute", count)
            with Operations.context(MigrationContext.configure(connection)):
                try:
                    step()
                finally:
                    if connection.dialect.name != "postgresql":
                        connection.commit()  # as MariaDB does by itself, after every statement
            connection.commit()

    return run


def shape(app) -> tuple[set, set]:
    with app.app_context():
        inspector = sa.inspect(db.engine)
        columns = {column["name"] for column in inspector.get_columns(TABLE)}
        return columns & {"priority", "reply_to"}, {
            index["name"] for index in inspector.get_indexes(TABLE) if "due_at" in index["name"]
        }


BEFORE = (set(), {"ix_notifications_due_at"})
AFTER = ({"priority", "reply_to"}, {"ix_notifications_priority_due_at"})


@pytest.mark.every_engine
def test_it_goes_back_and_forth_and_begins_anew_wherever_it_was_cut_off(app, given, rows, migrate):
    given(NotificationFactory)
    given(NotificationFactory, "failed", kind="invitation")
    given(NotificationFactory, kind="prospect_confirmation")
    migrate(MIGRATION.downgrade)
    assert shape(app) == BEFORE
    for statements in range(5):
        with contextlib.suppress(CutOff):  # some engines are through before
            migrate(MIGRATION.upgrade, statements)
    migrate(MIGRATION.upgrade)
    migrate(MIGRATION.upgrade)
    assert shape(app) == AFTER
    assert [one.priority for one in rows(Notification)] == [0, 0, 1]


def test_a_message_that_an_earlier_version_writes_meanwhile_is_ordinary(app, given, rows):
    given(NotificationFactory)
    table = Notification.__table__
    old = [column for column in table.columns if column.name not in ("priority", "reply_to", "id")]
    copy = sa.select(sa.literal(uuid.uuid4(), sa.Uuid()), *old)
    with app.app_context(), db.engine.begin() as connection:
        into = sa.insert(table).from_select(["id", *old], copy, include_defaults=False)
        connection.execute(into)
    assert sorted(one.priority for one in rows(Notification)) == [0, 1]
