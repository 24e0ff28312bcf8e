"""The watchdog: detects problems, informs the receivers, sends a heartbeat.

It needs neither mail nor worker. Without the database, that is the incident, stored on this machine; other
incidents stay unchanged until it is back.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

import structlog
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from leadintake.core import alarms, checks
from leadintake.core.alarms import Problem
from leadintake.core.db.timeouts import use_request_timeout
from leadintake.core.db.transaction import rollback
from leadintake.monitoring import incidents
from leadintake.monitoring.heartbeat import Heartbeat
from leadintake.monitoring.local import INCIDENTS, LocalFile
from leadintake.monitoring.problems import DATABASE, database_problem
from leadintake.monitoring.rows import Rows
from leadintake.notifications import embedded, rehearsal

INTERVAL_SECONDS = 60.0
START_DELAY_SECONDS = 10.0
"""Time for a worker that starts with it: a restart is no incident."""
LASTING_CAUSES = ("messages_failed",)
"""Causes that last for days while the service works."""
Findings = Mapping[str, Problem | None]
log = structlog.get_logger()


class Watchdog:
    """A watchdog; any number may run."""

    def __init__(self, app: Flask, name: str = "") -> None:
        self.app = app
        self.name = name or f"{socket.gethostname()}:{os.getpid()}"
        """Machine and process whose problems it sees."""
        self.rows = Rows()
        self.local = LocalFile(Path(app.config["INSTANCE_PATH"]) / INCIDENTS)
        self.heartbeat = Heartbeat(Path(app.config["INSTANCE_PATH"]))
        self.silence_reason = ""
        """Why it informs no receiver, as logged last."""

    def run(self, stop: embedded.Stop) -> None:
        """Run a round every minute until stopped; log a failed one."""
        stop.sleep(START_DELAY_SECONDS)
        while not stop():
            start = time.monotonic()
            try:
                self.run_round()
            except Exception as error:  # noqa: BLE001 - a watchdog survives every failure
                log.error("watchdog_failed", error=type(error).__name__)  # noqa: TRY400 - one line a minute
            stop.sleep(max(1.0, INTERVAL_SECONDS - (time.monotonic() - start)))

    def run_round(self) -> dict[str, Problem]:
        """Detect problems, inform the receivers, send the heartbeat; return the problems."""
        with self.app.app_context(), use_request_timeout():
            found = self._detect()
            wrong = {cause: problem for cause, problem in found.items() if problem}
            if not self._is_silent():
                confirmed = self._notify(found)
                self._send_heartbeat(
                    {cause: problem for cause, problem in wrong.items() if cause in confirmed}
                )
            return wrong

    def _detect(self) -> Findings:
        checks.request_write()  # a failure of writes must not wait for a submission
        found = alarms.find_problems()
        rest = {cause: problem for cause, problem in found.items() if cause != DATABASE}
        if not found.get(DATABASE):
            try:
                obsolete = {
                    cause: None for cause in incidents.open_causes(self.rows) if cause not in alarms.causes()
                }
                incidents.record_findings(self.rows, {**rest, **obsolete}, self.name)
            except SQLAlchemyError:
                rollback()
                found[DATABASE] = database_problem()
        if found.get(DATABASE):
            # Other problems (as a full disk) are sent once it is back, if they persist.
            found = {DATABASE: found[DATABASE]}
        incidents.record_findings(
            self.local, {cause: found[cause] for cause in (DATABASE,) if cause in found}, self.name
        )
        return found

    def _is_silent(self) -> bool:
        """Return whether this is a copy or rehearsal, which must not act for the original service.

        Changes meanwhile are stored, and sent when that ends.
        """
        if (reason := rehearsal.explain()) and reason != self.silence_reason:
            log.warning("watchdog_tells_nobody", reason=reason)
        self.silence_reason = reason
        return bool(reason)

    def _notify(self, findings: Findings) -> set[str]:
        receivers = incidents.receivers()
        confirmed = incidents.notify(self.local, receivers)
        if not findings.get(DATABASE):
            try:
                confirmed |= incidents.notify(self.rows, receivers)
            except SQLAlchemyError as error:
                rollback()
                log.warning("incidents_wait", error=type(error).__name__)
        return confirmed

    def _send_heartbeat(self, wrong: Mapping[str, Problem]) -> None:
        """Send the heartbeat; with critical causes only if no other receiver is configured.

        A healthchecks check that is down would not notice the death of the machine.
        """
        broken = [
            cause
            for cause, problem in wrong.items()
            if problem.severity == "critical" and cause not in LASTING_CAUSES
        ]
        if url := current_app.config["HEARTBEAT_URL"]:
            self.heartbeat.send(url, [] if incidents.receivers() else broken)


def start_embedded(app: Flask) -> None:
    """Start the watchdog's thread in this process, if WATCHDOG is `embedded`."""
    if app.config["WATCHDOG"] == "embedded":
        with app.app_context():
            embedded.start(Watchdog(app).run, "watchdog")


def start_with_first_request() -> None:
    """Start it at the first request: a server may fork after loading."""
    if not current_app.testing:
        start_embedded(current_app._get_current_object())  # type: ignore[attr-defined] # LocalProxy's own
