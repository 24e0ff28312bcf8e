"""Floor 1: database, transactions, errors, pages of rows. Knows no law firm."""

from __future__ import annotations

from flask import Flask

from leadintake.core import (
    database,
    doctor,
    downgrades,
    errors,
    headers,
    languages,
    lengths,
    limits,
    locks,
    logs,
    measures,
    modes,
    paths,
    places,
    processes,
    revisions,
    texts,
    transaction,
)
from leadintake.core.http import bodies, request_log, turns, unread


def init_app(app: Flask) -> None:
    """Wire the room."""
    logs.init_app(app)
    measures.init_app(app)
    lengths.init_app(app)
    database.init_app(app)
    downgrades.init_app(app)
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
    unread.init_app(app)
    languages.init_app(app)
    texts.init_app(app)
    limits.init_app(app)
    transaction.init_app(app)
    lengths.cut_first(app)
    request_log.init_app(app)
