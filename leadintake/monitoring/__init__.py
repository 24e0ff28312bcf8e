"""Floor 2: health, metrics, traces, incidents, the doctor."""

from __future__ import annotations

from flask import Flask

from leadintake.monitoring import checkup, metrics, problems, tracing
from leadintake.monitoring.api import bp
from leadintake.monitoring.cli import doctor, print_metrics, run_watchdog
from leadintake.monitoring.watchdog import start_with_first_request


def init_app(app: Flask) -> None:
    """Wire the room."""
    metrics.init_app(app)
    problems.init_app(app)
    checkup.init_app(app)
    app.before_request(start_with_first_request)
    tracing.init_app(app)
    app.register_blueprint(bp)
    app.cli.add_command(doctor)
    app.cli.add_command(print_metrics)
    app.cli.add_command(run_watchdog)
