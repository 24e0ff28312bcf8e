"""The check that incident receivers accept events: a wrong key could stay unnoticed for months."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from flask import Flask, current_app

from leadintake.core import checks
from leadintake.core.clock import format_local, now
from leadintake.monitoring import incidents
from leadintake.monitoring.heartbeat import Heartbeat
from leadintake.monitoring.incidents import Record
from leadintake.monitoring.local import INCIDENTS, LocalFile
from leadintake.monitoring.problems import DATABASE
from leadintake.monitoring.rows import Rows
from leadintake.notifications import rehearsal

LATE = timedelta(minutes=5)
PART = "incident receivers"


def init_app(app: Flask) -> None:
    """Register a readiness warning, if a receiver is configured."""
    names = ("PAGERDUTY_ROUTING_KEY", "INCIDENT_WEBHOOK_URL", "HEARTBEAT_URL")
    if any(app.config[name] for name in names):
        checks.register(app, PART, check, warning=True, after=DATABASE)


def check() -> None:
    """Raise if a receiver has lacked an event, or the heartbeat has failed, for five minutes."""
    if rehearsal.explain():
        return  # nothing is sent; the row `recipients` says so
    if late := sorted(set(_late_receivers())):
        raise RuntimeError(
            f"Not told of an incident for five minutes: {', '.join(late)}. The log says at "
            "incident_not_delivered what it answers; mend its key or address."
        )
    failure = Heartbeat(Path(current_app.config["INSTANCE_PATH"])).failure()
    if not current_app.config["HEARTBEAT_URL"] or failure is None:
        return
    if failure.since < now() - LATE < failure.last:
        raise RuntimeError(
            f"The heartbeat has not been taken since {format_local(failure.since)} ({failure.error}). "
            "Mend LEADINTAKE_HEARTBEAT_URL."
        )


def _late_receivers() -> Iterator[str]:
    receivers = incidents.receivers()
    if receivers:
        for record in _records():
            if record.confirmed and (record.resolved_at or record.opened_at) < now() - LATE:
                yield from (receiver.name for receiver in record.find_uninformed(receivers))


def _records() -> list[Record]:
    local = LocalFile(Path(current_app.config["INSTANCE_PATH"]) / INCIDENTS)
    return [*local.records(), *Rows().read_separately()]
