"""Housekeeping: what rooms want done at the start of a worker and then at intervals."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog
from flask import Flask

from leadintake.core import measures, revisions
from leadintake.core.clock import now
from leadintake.core.transaction import rollback
from leadintake.server_logs.failures import sentence_of

Stop = Callable[[], bool]
"""Says whether to leave off."""
Chore = Callable[[Stop], Mapping[str, object]]
"""Puts something in order and says what it did. May be run by several workers at once, and cut anywhere."""
CHORES = measures.Counter("leadintake_chores", "Housekeeping by result", "chore", "result")
LAST = measures.Moment("leadintake_chore_last_success_timestamp_seconds", "When it was done last", "chore")
BEGUN = ""
log = structlog.get_logger()


def register(
    app: Flask,
    name: str,
    chore: Chore,
    *,
    every: timedelta = timedelta(days=1),
    wait: timedelta = timedelta(0),
) -> None:
    """Add a chore, done first when a worker has run for as long as `wait`."""
    app.extensions.setdefault("leadintake.chores", []).append((name, chore, every, wait))


def register_round(app: Flask, act: Callable[[], None]) -> None:
    """Add something that workers look after before each round of messages: cheap where there is nothing."""
    app.extensions.setdefault("leadintake.rounds", []).append(act)


def do_rounds(app: Flask) -> None:
    """Look after it all, in the application's context. What fails is said, and keeps nothing else back."""
    for act in app.extensions.get("leadintake.rounds", ()):
        try:
            act()
        except Exception as error:  # noqa: BLE001 - it is tried again with the next round
            rollback()
            log.error("round_failed", act=act.__qualname__, error=sentence_of(error))  # noqa: TRY400 - the cause is in it


def do_due(app: Flask, stop: Stop, done: dict[str, float]) -> None:
    """Do every chore that is due, and say what came of it; `done` is when (monotonic) each was done last.

    One that fails is said, keeps no other from being done, and is tried again when it is due next. None is
    done on a database of another revision.
    """
    with app.app_context():
        if revisions.obstacle():
            return
    begun = done.setdefault(BEGUN, time.monotonic())
    for name, chore, every, wait in app.extensions.get("leadintake.chores", ()):
        if stop():
            return
        since, least = (done[name], every) if name in done else (begun, wait)
        if time.monotonic() - since < least.total_seconds():
            continue
        done[name] = time.monotonic()
        try:
            with app.app_context():
                log.info("housekeeping", chore=name, **chore(stop))
                CHORES.count(name, "done")
                LAST.note(now().timestamp(), name)
        except Exception as error:  # noqa: BLE001 - it is tried again tomorrow, and at the next start
            CHORES.count(name, "failed", slots=measures.slots_of(app))
            log.error("housekeeping_failed", chore=name, error=sentence_of(error))  # noqa: TRY400 - the cause is in it
