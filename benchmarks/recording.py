"""Being on record costs a sync of the disk, however long the trail is; a wall costs a page little."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from benchmarks.grow import PASSWORD, add_leads
from benchmarks.stage import application, seconds, size
from benchmarks.submitting import sync
from leadintake.audit.models import AuditEntry
from leadintake.audit.service import audit
from leadintake.audit.verification import verify
from leadintake.auth.service import auth
from leadintake.core.actor import SYSTEM
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads.models import Lead, Screen

BATCH, LEADS, SCREENS = size(5_000, 10), size(20_000, 20), size(200, 2)


def measure(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield what was compared, the ratio, and the ratio wanted."""
    app = application(folder, "recording")
    add_leads(app, LEADS)
    client = app.test_client()
    client.post("/internal/session", json={"email": "ada@firm.example.com", "password": PASSWORD})
    lead = client.get("/internal/leads?limit=1").json["items"][0]["id"]

    def read() -> None:
        assert client.get(f"/internal/leads/{lead}").status_code == 200

    floor = seconds(lambda: sync(folder), 40)
    few = seconds(read, 40)
    yield "a lead read, and on record, to three syncs of the disk", few / floor, 30
    _add_entries(app)
    short = seconds(lambda: _verify(app), 3)
    for _ in range(9):
        _add_entries(app)
    yield f"the same with {10 * BATCH} entries in the trail to few", seconds(read, 40) / few, 3
    yield "verifying ten times as many entries to once", seconds(lambda: _verify(app), 3) / short, 15

    def page() -> None:
        assert client.get("/internal/leads").status_code == 200

    open_list = seconds(page)
    _bar_from_some(app)
    yield (
        f"a page for somebody barred from {SCREENS} of {LEADS} leads to nobody",
        seconds(page) / open_list,
        3,
    )


def _add_entries(app: Flask) -> None:
    with app.app_context(), transaction():
        for _ in range(BATCH):
            audit.record("measured", actor=SYSTEM)


def _verify(app: Flask) -> None:
    with app.app_context():
        newest = db.session.scalar(sa.select(sa.func.max(AuditEntry.number)))
        assert verify().number == newest


def _bar_from_some(app: Flask) -> None:
    with app.app_context(), transaction():
        ada = auth.find("ada@firm.example.com")
        assert ada is not None
        for lead_id in db.session.scalars(sa.select(Lead.id).limit(SCREENS)).all():
            db.session.add(Screen(lead_id=lead_id, user_id=ada.id, notice="Measured.", set_by="operator"))
