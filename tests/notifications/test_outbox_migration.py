"""Migration 0011: what waits gets its order, and a migration that was cut off runs again."""

from __future__ import annotations

import contextlib
import importlib
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask_migrate import downgrade, upgrade

from leadintake.core.db import schema
from leadintake.core.db.database import db
from leadintake.notifications.models import Notification
from tests.factories import NotificationFactory

MIGRATION = importlib.import_module("migrations.versions.0011_outbox_order")
BEFORE = (set(), {"ix_notifications_due_at"})
AFTER = ({"priority", "reply_to"}, {"ix_notifications_priority_due_at"})
CHANGES = ("ALTER", "CREATE", "DROP")


class CutOff(Exception):
    """The process is killed here."""


@contextlib.contextmanager
def cut_off_after(changes: int) -> Iterator[None]:
    """Let so many changes of the outbox's table happen, then be killed."""
    left = iter(range(changes))

    def count(_connection, _cursor, statement, *_rest) -> None:
        changing = statement.startswith(CHANGES) and "notifications" in statement
        if changing and next(left, None) is None:
            raise CutOff

    sa.event.listen(db.engine, "before_cursor_execute", count)
    try:
        with contextlib.suppress(CutOff):  # some engines keep what was done before, and are through
            yield
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", count)


def shape() -> tuple[set[str], set[str]]:
    inspector = sa.inspect(db.engine)
    columns = {column["name"] for column in inspector.get_columns("notifications")}
    indexes = {index["name"] for index in inspector.get_indexes("notifications")}
    return columns & AFTER[0], indexes & (BEFORE[1] | AFTER[1])


@pytest.mark.long_form  # tests/faults/test_migrations.py does it with each
@pytest.mark.every_engine
def test_it_goes_back_and_forth_and_begins_anew_wherever_it_was_cut_off(app, given, rows):
    given(NotificationFactory)
    given(NotificationFactory, "failed", kind="invitation")
    given(NotificationFactory, kind="prospect_confirmation")
    with app.app_context():
        downgrade(revision=MIGRATION.down_revision)
        assert shape() == BEFORE
        for changes in range(4):
            with cut_off_after(changes):
                upgrade()
        upgrade()
        assert shape() == AFTER
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


@pytest.mark.on_postgresql
def test_nobody_waits_for_the_rows_to_be_ordered(app, given, rows, monkeypatch):
    monkeypatch.setattr(schema, "BATCH", 2)
    for _ in range(5):
        given(NotificationFactory)
    locks = sa.text("SELECT mode FROM pg_locks WHERE relation = 'notifications'::regclass")
    found: list[set[str]] = []

    def look(_connection, _cursor, statement, *_rest) -> None:
        if statement.startswith("UPDATE notifications"):
            with other.connect() as connection:
                found.append(set(connection.scalars(locks)))

    with app.app_context():
        other = sa.create_engine(db.engine.url, poolclass=sa.NullPool)
        downgrade(revision=MIGRATION.down_revision)
        sa.event.listen(db.engine, "before_cursor_execute", look)
        try:
            upgrade()
        finally:
            sa.event.remove(db.engine, "before_cursor_execute", look)
    assert len(found) == 3
    assert "AccessExclusiveLock" not in set().union(*found)
    assert {one.priority for one in rows(Notification)} == {0}
