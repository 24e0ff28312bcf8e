"""The application with its worker and watchdog, as a server runs it."""

from __future__ import annotations

import os
import sys

from flask import Flask

from leadintake import create_app
from leadintake.monitoring.watchdog import start_embedded as start_watchdog
from leadintake.notifications.worker import start_embedded

SWITCH_SECONDS = 0.0005
"""Seconds that a Python thread may hold the interpreter; Python's default is ten times as much.

A submission releases it at each statement: beside two busy threads it took four times as long, and with this
value two and a half times.
"""


def serve() -> Flask:
    """Create the application, start worker and watchdog.

    After a crash, a server must send pending messages before the first request. The `flask` command loads the
    application the same way, and must not.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    app = create_app()
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        start_embedded(app)
        start_watchdog(app)
    return app
