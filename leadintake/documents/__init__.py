"""Floor 2: uploaded files, from the verdict to the storage."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Flask

from leadintake.core import alarms, checks, chores, places
from leadintake.documents import checkup, sweep
from leadintake.documents.cli import storage
from leadintake.documents.ownership import RENEW_EVERY, count_refused_sweeps, ownership
from leadintake.documents.probe import probe
from leadintake.documents.service import documents

SWEEP_WAITS = timedelta(minutes=10)
"""After the start of a worker: long enough to notice that it was given the wrong database."""
FILE = "file:"


def init_app(app: Flask) -> None:
    """Wire the room."""
    documents.init_app(app)
    checks.register(app, "storage", lambda: documents.storage.look(), probe=lambda: _probe(app))
    checks.register(app, "storage owner", checkup.look_at_owner, probe=checkup.check_owner, warning=True)
    checks.register(app, "sweep", checkup.check_sweep, warning=True)
    alarms.register(app, "sweep", checkup.look_at_sweep, follows=("database",))
    alarms.register(app, "storage_owner", checkup.look_at_ownership, follows=("database",))
    checks.gauge(app, "leadintake_sweeps_refused", "Sweeps refused so far", "", count_refused_sweeps)
    checks.register(app, "documents", checkup.check_files, needed=False)
    if scanner := documents.scanner_of(app):
        checks.register(app, "scanner", scanner.check, needed=scanner.needed)
    if app.config["STORAGE_URL"].startswith(FILE):
        places.register(app, "uploads", Path(app.config["STORAGE_URL"].removeprefix(FILE)))
    chores.register(app, "storage_owner", ownership.keep, every=RENEW_EVERY)
    chores.register(app, "sweep", sweep.sweep_daily, wait=SWEEP_WAITS)
    app.cli.add_command(storage)


def _probe(app: Flask) -> None:
    probe(documents.storage, app.config["STORAGE_URL"])
