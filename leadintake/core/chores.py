"""Chores: housekeeping that workers run at their start and then at intervals."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Flask

from leadintake.core import measures
from leadintake.core.clock import now
from leadintake.core.db import revisions
from leadintake.core.db.transaction import rollback
from leadintake.server_logs.failures import sentence_of

Stop = Callable[[], bool]
"""Returns whether to stop early."""
Watch = Callable[[int], None]
"""Called with a number of finished steps."""
Tick = Callable[[], bool]
"""Returns whether it found work, of which there may be more."""
Chore = Callable[[Stop], Mapping[str, object]]
"""Cleans up and returns facts for the log. May run in several workers at once and be killed at any point."""
CHORES = measures.Counter("leadintake_chores", "Housekeeping by result", "chore", "result")
LAST_SUCCESS = measures.Timestamp(
    "leadintake_chore_last_success_timestamp_seconds", "When it was done last", "chore"
)
LAST_FAILURE = measures.Timestamp(
    "leadintake_chore_last_failure_timestamp_seconds", "When it failed last", "chore"
)
START = ""
log = structlog.get_logger()


def watch_nothing(_steps: int) -> None:
    """Ignore the steps: the default Watch."""


def register(
    app: Flask,
    name: str,
    chore: Chore,
    *,
    every: timedelta = timedelta(days=1),
    wait: timedelta = timedelta(0),
) -> None:
    """Register a chore, first due when a worker has run for `wait`."""
    app.extensions.setdefault("leadintake.chores", []).append((name, chore, every, wait))


def on_worker_tick(app: Flask, act: Tick, *, probe: sa.Select[Any] | None = None) -> None:
    """Register an action that workers run every half minute. It must be cheap when idle.

    `probe`: query whose rows are work that cannot wait; a worker asks it every second.
    """
    app.extensions.setdefault("leadintake.rounds", []).append((act, probe))


def list_probes(app: Flask) -> list[sa.Select[Any]]:
    """Return the queries of urgent work."""
    return [probe for _, probe in app.extensions.get("leadintake.rounds", ()) if probe is not None]


def run_worker_ticks(app: Flask) -> bool:
    """Run all tick actions; log a failed one and continue. Return whether one found work."""
    found_work = False
    for act, _ in app.extensions.get("leadintake.rounds", ()):
        try:
            found_work = bool(act()) or found_work
        except Exception as error:  # noqa: BLE001 - retried with the next tick
            rollback()
            log.error("round_failed", act=act.__qualname__, error=sentence_of(error))  # noqa: TRY400 - the sentence has the cause
    return found_work


def failures(app: Flask) -> list[str]:
    """Return the chores whose last run on this machine failed, at most two intervals ago."""
    slots = measures.slots_of(app)
    done, failed = LAST_SUCCESS.read(slots), LAST_FAILURE.read(slots)
    names = []
    for name, _, every, _ in app.extensions.get("leadintake.chores", ()):
        recent = (now() - 2 * every).timestamp()  # older: workers run on another machine by now
        if failed.get((name,), 0.0) > max(done.get((name,), 0.0), recent):
            names.append(name)
    return names


def run_due(app: Flask, stop: Stop, done: dict[str, float]) -> None:
    """Run and log every due chore; `done` holds each one's last start (monotonic).

    A failed chore is retried when due next. Nothing runs on a database of another revision.
    """
    with app.app_context():
        if revisions.find_mismatch():
            return
    start = done.setdefault(START, time.monotonic())
    for name, chore, every, wait in app.extensions.get("leadintake.chores", ()):
        if stop():
            return
        since, least = (done[name], every) if name in done else (start, wait)
        if time.monotonic() - since < least.total_seconds():
            continue
        done[name] = time.monotonic()
        try:
            with app.app_context():
                log.info("housekeeping", chore=name, **chore(stop))
                CHORES.count(name, "done")
                LAST_SUCCESS.set(now().timestamp(), name)
        except Exception as error:  # noqa: BLE001 - retried when due next, and at the next start
            slots = measures.slots_of(app)
            CHORES.count(name, "failed", slots=slots)
            LAST_FAILURE.set(now().timestamp(), name, slots=slots)
            log.error("housekeeping_failed", chore=name, error=sentence_of(error))  # noqa: TRY400 - the sentence has the cause
