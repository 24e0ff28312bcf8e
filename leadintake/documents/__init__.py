"""Floor 2: uploaded files, from the verdict to the storage."""

from __future__ import annotations

from flask import Flask

from leadintake.core import checks, chores
from leadintake.documents.cli import storage
from leadintake.documents.probe import probe
from leadintake.documents.service import documents


def init_app(app: Flask) -> None:
    """Wire the room."""
    documents.init_app(app)
    checks.register(app, "storage", lambda: documents.storage.look(), probe=lambda: _probe(app))
    if scanner := documents.scanner_of(app):
        checks.register(app, "scanner", scanner.check, needed=scanner.needed)
    chores.register(app, "sweep", documents.keep_in_order)
    app.cli.add_command(storage)


def _probe(app: Flask) -> None:
    probe(documents.storage, app.config["STORAGE_URL"])
