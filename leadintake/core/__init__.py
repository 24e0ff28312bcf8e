"""Floor 1: database, transactions, errors, HTTP, languages; nothing about law firms."""

from __future__ import annotations

from flask import Flask

from leadintake.core import doctor, errors, logs, measures, modes, places, processes
from leadintake.core.cli import migrations
from leadintake.core.db import database, locks, revisions, transaction
from leadintake.core.http import bodies, body_drain, headers, lengths, limits, paths, request_log, turns
from leadintake.core.i18n import firm_texts, languages


def init_app(app: Flask) -> None:
    """Wire the room."""
    logs.init_app(app)
    measures.init_app(app)
    lengths.init_app(app)
    database.init_app(app)
    migrations.init_app(app)
    locks.init_app(app)
    places.init_app(app)
    modes.init_app(app)
    errors.init_app(app)
    processes.init_app(app)
    doctor.init_app(app)
    turns.init_app(app)
    revisions.init_app(app)
    headers.init_app(app)
    paths.init_app(app)
    bodies.init_app(app)
    body_drain.init_app(app)
    languages.init_app(app)
    firm_texts.init_app(app)
    limits.init_app(app)
    transaction.init_app(app)
    lengths.install_cutter(app)
    request_log.init_app(app)
