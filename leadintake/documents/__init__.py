"""Floor 2: uploaded files, from the verdict to the storage."""

from __future__ import annotations

from flask import Flask

from leadintake.core import checks
from leadintake.documents.cli import storage
from leadintake.documents.service import documents


def init_app(app: Flask) -> None:
    """Wire the room."""
    documents.init_app(app)
    checks.register(app, "storage", lambda: documents.storage.check())
    app.cli.add_command(storage)
