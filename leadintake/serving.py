"""The application as a server runs it: with its worker thread, where one is wanted."""

from __future__ import annotations

import os
import sys

from flask import Flask

from leadintake import create_app
from leadintake.monitoring.watchdog import start_embedded as start_watchdog
from leadintake.notifications.worker import start_embedded

SWITCH_SECONDS = 0.0005
"""How long a thread of Python may keep the others waiting, ten times less than Python's own setting.

A submission lets go of the interpreter at each of its statements: beside two threads that never do, it took
four times as long, and with this two and a half times.
"""


def serve() -> Flask:
    """Make the application and start its worker.

    A server that comes back after a crash must send what it owes before anybody calls; the `flask`
    command, which loads the application the same way, must not.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    app = create_app()
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        start_embedded(app)
        start_watchdog(app)
    return app
