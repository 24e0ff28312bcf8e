"""The application with its worker and watchdog, as a server runs it."""

from __future__ import annotations

import os
import sys

from flask import Flask

from leadintake import create_app
from leadintake.monitoring.watchdog import start_embedded as start_watchdog
from leadintake.notifications.worker import start_embedded

SWITCH_SECONDS = 0.0005
"""Seconds that a thread may hold the GIL; Python's default is ten times as much.

A submission releases it at each SQL statement: beside two busy threads it took 4 times as long with the
default, 2.5 times with this.
"""


def serve() -> Flask:
    """Create the application; start worker and watchdog now: messages may wait since a crash.

    The `flask` command loads the application the same way, and starts neither.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    app = create_app()
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        start_embedded(app)
        start_watchdog(app)
    return app
