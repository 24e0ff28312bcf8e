"""The application as a server runs it: with its worker thread, where one is wanted."""

from __future__ import annotations

import os

from flask import Flask

from leadintake import create_app
from leadintake.notifications.worker import start_embedded


def serve() -> Flask:
    """Make the application and start its worker.

    A server that comes back after a crash must send what it owes before anybody calls; the `flask`
    command, which loads the application the same way, must not.
    """
    app = create_app()
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        start_embedded(app)
    return app
