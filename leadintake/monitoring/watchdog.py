"""The watchdog: finds out what is wrong, tells the receivers, and says to another machine that it lives.

It needs neither mail nor a worker, and goes on without the database: that this is away is then the incident,
kept on this machine; what else was wrong stays as it was until the database is back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import structlog
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from leadintake.core import alarms, checks
from leadintake.core.alarms import Problem
from leadintake.core.patience import as_in_a_request
from leadintake.core.transaction import rollback
from leadintake.monitoring import incidents
from leadintake.monitoring.local import LocalFile
from leadintake.monitoring.problems import DATABASE, database_problem
from leadintake.monitoring.rows import Rows
from leadintake.monitoring.sending import NotDelivered, beat
from leadintake.notifications import embedded

EVERY_SECONDS = 60.0
Found = Mapping[str, Problem | None]
log = structlog.get_logger()


class Watchdog:
    """One of any number."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.rows = Rows()
        self.local = LocalFile(Path(app.config["INSTANCE_PATH"]) / "incidents.json")

    def run(self, stop: embedded.Stop) -> None:
        """Make a round every minute until told to stop. One that fails is logged; the next goes on."""
        while not stop():
            begun = time.monotonic()
            try:
                self.round()
            except Exception as error:  # noqa: BLE001 - a watchdog outlives every failure, and says so
                log.error("watchdog_failed", error=type(error).__name__)  # noqa: TRY400 - one line a minute
            stop.rest(max(1.0, EVERY_SECONDS - (time.monotonic() - begun)))

    def round(self) -> dict[str, Problem]:
        """Look, tell whoever does not know, and give a sign of life. Return what is wrong."""
        with self.app.app_context(), as_in_a_request():
            receivers = incidents.receivers()
            found = self._look()
            incidents.tell(self.local, receivers)
            if not found.get(DATABASE):
                try:
                    incidents.tell(self.rows, receivers)
                except SQLAlchemyError as error:
                    rollback()
                    log.warning("incidents_wait", error=type(error).__name__)
            wrong = {cause: problem for cause, problem in found.items() if problem}
            self._beat([cause for cause, problem in wrong.items() if problem.severity == "critical"])
            return wrong

    def _look(self) -> Found:
        checks.suspect()  # what only a write shows must not wait until somebody submits
        found = alarms.look()
        rest = {cause: problem for cause, problem in found.items() if cause != DATABASE}
        if not found.get(DATABASE):
            try:
                incidents.note(self.rows, rest)
            except SQLAlchemyError:
                rollback()
                found[DATABASE] = database_problem()
        if found.get(DATABASE):
            # What was found without it (a full disk may be why) is told when it is back, if still so.
            found = {DATABASE: found[DATABASE]}
        incidents.note(self.local, {cause: found[cause] for cause in (DATABASE,) if cause in found})
        return found

    def _beat(self, critical: list[str]) -> None:
        if url := current_app.config["HEARTBEAT_URL"]:
            try:
                beat(url, critical)
            except NotDelivered as error:
                log.warning("heartbeat_not_delivered", error=str(error))


def start_embedded(app: Flask) -> None:
    """Start the watchdog's thread in this process, where the configuration wants one."""
    if app.config["WATCHDOG"] == "embedded":
        with app.app_context():
            embedded.start(Watchdog(app).run, "watchdog")


def start_with_first_request() -> None:
    """For servers that fork after loading the application."""
    if not current_app.testing:
        start_embedded(current_app._get_current_object())  # type: ignore[attr-defined] # LocalProxy's own
