"""A decision costs little more among five hundred attorneys; what waits costs a worker little."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from benchmarks.grow import add_leads
from benchmarks.stage import application, seconds, size
from benchmarks.submitting import submit
from leadintake.auth.models import User
from leadintake.auth.permissions import Role
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.leads.distribution.handover import handover
from leadintake.leads.models import Lead
from leadintake.leads.status import LeadStatus

FIRM, WAITING = size(500, 10), size(5_000, 20)


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio, and the ratio wanted."""
    app = application(folder, "assigning")
    few = seconds(lambda: submit(app), 40)
    _add_attorneys(app, FIRM)
    yield f"a submission among {FIRM} attorneys to one among 4", seconds(lambda: submit(app), 40) / few, 3
    waiting = application(folder, "waiting")
    _let_wait(waiting, WAITING)
    yield (
        f"a round of a worker with {WAITING} leads nobody can take, to a submission",
        _round(waiting) / few,
        10,
    )


def _round(app: Flask) -> float:
    def look() -> None:
        with app.app_context():
            handover.run_worker_tick()

    return seconds(look)


def _add_attorneys(app: Flask, count: int) -> None:
    row = {
        "role": Role.ATTORNEY,
        "password_hash": "",
        "active": True,
        "can_intake": True,
        "totp_last_step": 0,
    }
    people = [
        {"id": new_id(), "email": f"more{number}@firm.example.com", "name": f"More {number}", **row}
        for number in range(count)
    ]
    with app.app_context(), transaction():
        db.session.execute(sa.insert(User), [{**one, "joined_at": now()} for one in people])


def _let_wait(app: Flask, count: int) -> None:
    add_leads(app, count)
    with app.app_context(), transaction():
        db.session.execute(sa.update(Lead).values(assignee_id=None, status=LeadStatus.PENDING))
        db.session.execute(sa.update(User).values(can_intake=False))
