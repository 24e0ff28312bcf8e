"""Floor 1: database, transactions, errors, pages of rows. Knows no law firm."""

from __future__ import annotations

from flask import Flask

from leadintake.core import (
    database,
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
    texts,
    transaction,
)
from leadintake.core.http import bodies, turns


def init_app(app: Flask) -> None:
    """Wire the room."""
    logs.init_app(app)
    measures.init_app(app)
    lengths.init_app(app)
    database.init_app(app)
    locks.init_app(app)
    modes.init_app(app)
    errors.init_app(app)
    turns.init_app(app)
    headers.init_app(app)
    paths.init_app(app)
    bodies.init_app(app)
    languages.init_app(app)
    texts.init_app(app)
    limits.init_app(app)
    transaction.init_app(app)
    lengths.cut_first(app)
