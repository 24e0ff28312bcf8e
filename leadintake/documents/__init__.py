"""Uploaded files: verdict and storage."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Flask

from leadintake.core import alarms, checks, chores, places
from leadintake.documents import checkup, sweep
from leadintake.documents.cli import storage
from leadintake.documents.installation import count_refused_sweeps
from leadintake.documents.ownership import RENEW_EVERY, ownership
from leadintake.documents.probe import probe
from leadintake.documents.service import documents

SWEEP_DELAY = timedelta(minutes=10)
"""Delay after a worker starts: time to notice a wrong database."""
FILE_SCHEME = "file:"


def init_app(app: Flask) -> None:
    """Register checks, alarms, chores and commands."""
    documents.init_app(app)
    checks.register(app, "storage", lambda: documents.storage.check(), probe=lambda: _probe(app))
    checks.register(app, "storage owner", checkup.report_problem, probe=checkup.check_owner, warning=True)
    checks.register(app, "sweep", checkup.check_sweep, warning=True)
    alarms.register(app, "sweep", checkup.find_sweep_problem, follows=("database",))
    alarms.register(app, "storage_owner", checkup.find_owner_problem, follows=("database",))
    checks.register_gauge(app, "leadintake_sweeps_refused", "Sweeps refused so far", "", count_refused_sweeps)
    checks.register(app, "documents", checkup.check_files, needed=False)
    if scanner := documents.get_scanner(app):
        checks.register(app, "scanner", scanner.check, needed=scanner.needed)
    if app.config["STORAGE_URL"].startswith(FILE_SCHEME):
        places.register(app, "uploads", Path(app.config["STORAGE_URL"].removeprefix(FILE_SCHEME)))
    chores.register(app, "storage_owner", ownership.maintain, every=RENEW_EVERY)
    chores.register(app, "sweep", sweep.sweep_daily, wait=SWEEP_DELAY)
    app.cli.add_command(storage)


def _probe(app: Flask) -> None:
    probe(documents.storage, app.config["STORAGE_URL"])
