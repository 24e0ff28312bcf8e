"""A worker for tests, and a clock to move between its rounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from flask import Flask

from leadintake.notifications.embedded import Stop
from leadintake.notifications.worker import Worker

BEGINNING = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(**after: float) -> Any:
    """Stand still at so long after the beginning: at(minutes=5)."""
    return time_machine.travel(BEGINNING + timedelta(**after), tick=False)


def deliver(app: Flask, worker: Worker | None = None) -> int:
    """Let a worker deliver what is due; return how many messages it handled."""
    with app.app_context():
        return (worker or Worker(app)).deliver_due(Stop())
