"""What is asked often reads as many rows among 5,000 pending leads as among 200, counted without a clock."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from leadintake.assignment.service import assignment
from leadintake.auth.models import User
from leadintake.core import alarms
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.documents.models import Document
from leadintake.leads import counting
from leadintake.leads.distribution import alerts, attention, workload
from leadintake.leads.groups import Group
from leadintake.leads.models import Lead
from leadintake.leads.queue import queue
from leadintake.leads.reference import draw_reference
from tests.factories import LeadFactory, UserFactory
from tests.support.work import count_work

FEW, MANY = 200, 5000


@pytest.fixture
def grow(app, given) -> Callable[[int], None]:
    """Have so many pending leads of an attorney, as many without assignee, and as many in quarantine."""
    owner, first = given(UserFactory), 0
    rows = [given(LeadFactory, assigned_to=owner), given(LeadFactory), given(LeadFactory, "quarantined")]
    tables: list[Any] = [Document.__table__, Lead.__table__]

    def copy(original: Any, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
        document, lead = original
        own = {"id": new_id(), "resume_id": new_id(), "reference": draw_reference()}
        new = {**document, "id": own["resume_id"], "key": f"copy{number}-{own['id']}"}
        came = now() - timedelta(hours=48) + timedelta(seconds=number)
        times = dict.fromkeys(("created_at", "updated_at", "assigned_at"), came)
        times["quarantined_at"] = came if lead["quarantined_at"] else None
        return new, {
            **lead,
            **own,
            **times,
            "email": f"jane{number}@example.com",
            "folded_email": str(own["id"]),
        }

    def add(until: int) -> None:
        nonlocal first
        with app.app_context():
            originals = [
                tuple(
                    db.session.execute(sa.select(table).where(table.c.id == key)).mappings().one()
                    for table, key in zip(tables, (row.resume_id, row.id), strict=True)
                )
                for row in rows
            ]
            db.session.rollback()
            copies = [copy(original, number) for original in originals for number in range(first, until)]
            with transaction():
                for table, made in zip(tables, zip(*copies, strict=True), strict=True):
                    db.session.execute(sa.insert(table), list(made))
            counting.correct_numbers()
            if db.engine.dialect.name != "sqlite":
                with transaction():
                    analyze = "ANALYZE TABLE" if db.engine.dialect.name == "mysql" else "ANALYZE"
                    for table in ("leads", "documents", "users"):
                        db.session.execute(sa.text(f"{analyze} {table}"))
        first = until

    return add


def read_group(group: Group, reader: User) -> None:
    queue.page(group, actor=reader, limit=25, cursor=None)


@pytest.mark.every_engine
@pytest.mark.parametrize("visibility", ["all", "own"])
def test_no_row_of_a_pending_lead_is_read(app, given, grow, visibility):
    app.config["ATTORNEY_VISIBILITY"] = visibility
    given(UserFactory, "manager")

    def measure() -> dict[str, int]:
        with app.app_context(), transaction():
            if db.engine.dialect.name == "postgresql":  # of so few rows it reads all rather than an index
                db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
            manager, owner = (
                db.session.scalars(sa.select(User).where(User.role == role)).one()
                for role in ("manager", "attorney")
            )
            asked: dict[str, Callable[[], object]] = {
                "decision": lambda: assignment.begin(workload.count_recent_leads),
                "alert to the managers": lambda: alerts._has_recent_alert(manager),
                "pulse of a manager": lambda: queue.pulse(reader=manager),
                "pulse of the owner": lambda: queue.pulse(reader=owner),
                **{f"{group} of the owner": functools.partial(read_group, group, owner) for group in Group},
                **{f"{group} of a manager": functools.partial(read_group, group, manager) for group in Group},
                "numbers": attention.count_states,
                "waiting": attention.check_waiting,
                "quarantine": attention.check_quarantine,
            }
            return {what: count_work(act) for what, act in asked.items()}

    grow(FEW)
    measure()
    few = measure()
    grow(MANY)
    many = measure()
    assert min(number for what, number in few.items() if what.partition(" of ")[0] not in {*Group}) > 0
    worse = {what: (few[what], many[what]) for what in few if many[what] > 1.1 * few[what] + 20}
    assert worse == {}


@contextmanager
def steps_of_sqlite(app) -> Iterator[list[int]]:
    """The steps of SQLite's machine in all connections meanwhile."""
    counted = [0]

    def step() -> int:
        counted[0] += 1
        return 0

    def connect(connection, _record) -> None:
        connection.set_progress_handler(step, 1)

    with app.app_context():
        engine = db.engine
    engine.dispose()
    sa.event.listen(engine, "connect", connect)
    try:
        yield counted
    finally:
        sa.event.remove(engine, "connect", connect)
        engine.dispose()


@pytest.mark.parametrize("can_intake", [True, False], ids=["assigned", "left to nobody"])
def test_neither_does_a_submission_or_a_scrape(app, client, given, grow, monkeypatch, can_intake):
    monkeypatch.setattr(alarms, "FRESH_SECONDS", 0)
    given(UserFactory, "manager")
    if not can_intake:
        with app.app_context(), transaction():
            db.session.execute(sa.update(User).values(can_intake=False))
    acts = {
        "submission": lambda number: client.submit(key=str(number), email=f"new{number}@example.com"),
        "scrape": lambda _: client.get("/metrics"),
    }

    def measure(number: int) -> dict[str, int]:
        found = {}
        for what, act in acts.items():
            act(2 * number)
            with steps_of_sqlite(app) as steps:
                assert act(2 * number + 1).status_code < 300
            found[what] = steps[0]
        return found

    grow(FEW)
    few = measure(1)
    grow(MANY)
    many = measure(2)
    assert min(few.values()) > 500
    worse = {what: (few[what], many[what]) for what in few if many[what] > 1.15 * few[what]}
    assert worse == {}
