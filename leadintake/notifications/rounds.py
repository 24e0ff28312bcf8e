"""When a worker runs the worker ticks, and what it asks the database while there is nothing to do.

1. The ticks run in the first round, every IDLE_TICK_SECONDS, in the round after one that found work, and as
   soon as their own probe finds work (chores.on_worker_tick).
2. In all other rounds one statement asks the outbox and these probes. It finds what any process committed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import Flask

from leadintake.core import chores
from leadintake.core.db.database import db, read_only
from leadintake.notifications import leases
from leadintake.notifications.models import Notification, Priority

TICK_SECONDS = 5.0
"""Longest time between two runs of the worker ticks while messages are delivered."""
IDLE_TICK_SECONDS = 30.0
"""The same while there are none."""


class Ticks:
    """The worker ticks of one worker."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._last_run = -math.inf

    def run(self) -> None:
        """Run them all."""
        found_work = chores.run_worker_ticks(self.app)
        self._last_run = -math.inf if found_work else time.monotonic()

    def are_due(self, seconds: float = IDLE_TICK_SECONDS) -> bool:
        """Whether they last ran so long ago, or found work that may go on."""
        return time.monotonic() - self._last_run > seconds

    def find_work(self) -> tuple[bool, bool]:
        """Return whether the ticks should run, and whether a message of any channel is due."""
        if self.are_due():
            return True, True
        due_query = leases.due_query(*Priority, where=sa.true()).with_only_columns(Notification.id)
        queries: Sequence[sa.Select[Any]] = [due_query.order_by(None), *chores.list_probes(self.app)]
        with read_only():
            is_due, *pending = db.session.execute(sa.select(*(query.exists() for query in queries))).one()
            db.session.rollback()
        return any(pending), bool(is_due)
