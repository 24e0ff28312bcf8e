"""A worker for tests, and a clock to move between its rounds."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from flask import Flask

from leadintake.core import chores
from leadintake.core.db.database import db
from leadintake.notifications.embedded import Stop
from leadintake.notifications.models import Notification, Status
from leadintake.notifications.worker import Worker

BEGINNING = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(**after: float) -> Any:
    """Stand still at so long after the beginning: at(minutes=5)."""
    return time_machine.travel(BEGINNING + timedelta(**after), tick=False)


def deliver(app: Flask, worker: Worker | None = None) -> int:
    """Let a worker deliver what is due; return how many messages it handled."""
    with app.app_context():
        return (worker or Worker(app)).deliver_due(Stop())


def round_of_a_worker(app: Flask) -> None:
    """Let a worker look after what it looks after before its messages."""
    with app.app_context():
        chores.run_worker_ticks(app)


def delivered(app: Flask, *, rounds: bool = True) -> list[Notification]:
    """Let a worker deliver what is due, and say what left so far. No `rounds`: in the midst of its work."""
    with app.app_context():
        if not rounds:
            app.extensions["leadintake.rounds"] = []
        Worker(app).deliver_due(Stop())
        sent = db.select(Notification).where(Notification.status == Status.SENT).order_by(Notification.id)
        found = list(db.session.scalars(sent))
        db.session.expunge_all()
    return found


def alerted(rows: Callable[[Any], list[Any]]) -> list[tuple[str, uuid.UUID]]:
    """Who is or will be alerted of which lead as its attorney."""
    return [
        (owed.recipient, owed.lead_id)
        for owed in rows(Notification)
        if owed.kind in ("attorney_alert", "returning_alert") and owed.deleted_at is None
    ]
