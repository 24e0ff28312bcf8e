"""/metrics, the watchdog and the banner cost the same, however many leads and messages there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from leadintake.core import alarms
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.leads.models import Lead
from leadintake.notifications import backlog, channel_state
from leadintake.notifications.models import DeliveryAttempt, Notification
from tests.factories import LeadFactory, NotificationFactory, UserFactory

GROWING = ("leads", "notifications", "delivery_attempts", "documents", "lead_events", "audit", "decisions")


def copies(model: Any, row: Any, count: int, **changes: object) -> None:
    """Insert a row many times."""
    table = model.__table__
    values = {
        column.name: getattr(row, sa.inspect(type(row)).get_property_by_column(column).key)
        for column in table.columns
    }
    unique = {"submission_key": None, "reference": None}
    many = [{**values, **changes, **unique, "id": new_id()} for _ in range(count)]
    kept = [{name: value for name, value in one.items() if name in table.columns} for one in many]
    db.session.execute(sa.insert(table), kept)


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database meanwhile."""
    asked: list[tuple[str, Any]] = []

    def note(_connection, _cursor, statement, parameters, _context, _many) -> None:
        asked.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture
def scrape(app, client, monkeypatch):
    """Read all metrics, and look at all causes."""
    monkeypatch.setattr(alarms, "FRESH_SECONDS", 0)

    def read() -> None:
        assert client.get("/metrics").status_code == 200

    return read


def test_no_statement_walks_a_table_that_grows(app, given, scrape):
    given(UserFactory)
    with app.app_context():
        with statements() as asked:
            scrape()
        assert len(asked) > 10
        walks = []
        for statement, parameters in asked:
            if not statement.startswith("SELECT"):
                continue
            plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row[3] for row in plan]
            walks += [step for step in steps if step.split()[0] == "SCAN" and step.split()[1] in GROWING]
        # The latest attempts are read from the end of the primary key, LATELY of them.
        assert all("delivery_attempts USING INDEX" in step for step in walks), walks


class TestWork:
    """Counted in steps of SQLite's machine, not in seconds."""

    @pytest.fixture
    def steps(self, app, scrape):
        counted = [0]

        def step() -> int:
            counted[0] += 1
            return 0

        def connect(connection, _record) -> None:
            connection.set_progress_handler(step, 1)

        def measure() -> int:
            with app.app_context():
                db.engine.dispose()
                sa.event.listen(db.engine, "connect", connect)
                counted[0] = 0
                scrape()
                sa.event.remove(db.engine, "connect", connect)
                db.engine.dispose()
            return counted[0]

        return measure

    def test_it_is_the_same_for_many_rows_as_for_more(self, app, given, steps, monkeypatch):
        for place, name in (
            (backlog, "MAX_ROWS"),
            (backlog, "MAX_ROWS_PER_KIND"),
            (channel_state, "RECENT_ATTEMPTS"),
        ):
            monkeypatch.setattr(place, name, 20)
        lead = given(LeadFactory, assigned_to=given(UserFactory))
        free, spam = given(LeadFactory), given(LeadFactory, "quarantined")
        queued = given(NotificationFactory)
        failed = given(NotificationFactory, "failed")
        sent = given(NotificationFactory, "sent")

        def grow(count: int) -> None:
            with app.app_context(), transaction():
                for _ in range(count):
                    for one in (lead, free, spam):
                        document = given_document(one)
                        copies(Lead, one, 1, resume_id=document)
                        copies(Lead, one, 1, resume_id=given_document(one), deleted_at=now())
                copies(Notification, queued, count)
                copies(Notification, failed, count)
                copies(Notification, sent, 4 * count)
                attempt = {"notification_id": sent.id, "outcome": "sent", "reply": "250 OK"}
                moment = {"created_at": now(), "updated_at": now()}
                rows = [{"id": new_id(), **attempt, **moment} for _ in range(count)]
                db.session.execute(sa.insert(DeliveryAttempt.__table__), rows)

        grow(40)
        steps()
        few = steps()
        grow(160)
        many = steps()
        assert many < 1.2 * few, (few, many)


def given_document(lead: Lead) -> object:
    """A row for a file, the same as the lead's but for its id."""
    documents = db.metadata.tables["documents"]
    row = dict(
        db.session.execute(sa.select(documents).where(documents.c.id == lead.resume_id)).mappings().one()
    )
    row["id"] = new_id()
    row["key"] = f"{row['id']}.pdf"
    db.session.execute(sa.insert(documents), row)
    return row["id"]
