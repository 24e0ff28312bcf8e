"""What is asked often costs as much among 100,000 pending leads as among 200: CPU of this process, in turn.

LEADS=1000000 python -m benchmarks pending
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from benchmarks.grow import ADMINISTRATOR, PASSWORD, add_leads
from benchmarks.stage import application, size
from benchmarks.submitting import submit
from leadintake.core import alarms
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads import counting
from leadintake.leads.models import Lead
from leadintake.leads.status import FIRST

FEW, MANY = size(200, 20), int(os.environ.get("LEADS", size(100_000, 60)))
WARM, TIMES = 3, size(40, 1)
WANTED = {"a submission": 1.15, "/metrics": 2.0, "/desk/pulse": 1.5, "/desk": 1.5, "/internal/leads": 1.5}


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio of many to few, and the ratio wanted."""
    alarms.FRESH_SECONDS = 0
    apps = [application(folder, f"pending{count}") for count in (FEW, MANY)]
    for app, count in zip(apps, (FEW, MANY), strict=True):
        add_leads(app, count)
        with app.app_context():
            with transaction():
                db.session.execute(sa.update(Lead.__table__).values(status=FIRST))
            counting.correct_numbers()
    for what, wanted in WANTED.items():
        acts = [_make_act(app, what) for app in apps]
        for act in acts * WARM:
            act()
        taken = [[_milliseconds(act) for act in acts] for _ in range(TIMES)]
        few, many = (statistics.median(column) for column in zip(*taken, strict=True))
        yield f"{what}, {MANY} pending leads to {FEW} ({few:.1f} ms)", many / few, wanted


def _make_act(app: Flask, what: str) -> Callable[[], object]:
    if not what.startswith("/"):
        return lambda: submit(app)
    client = app.test_client()
    client.post("/internal/session", json={"email": ADMINISTRATOR, "password": PASSWORD})

    def get() -> None:
        answer = client.get(what)
        assert answer.status_code == 200, answer.text

    return get


def _milliseconds(act: Callable[[], object]) -> float:
    start = time.process_time()
    act()
    return 1000 * (time.process_time() - start)
