"""Floor 2: is it well, and how would we know."""

from __future__ import annotations

from flask import Flask

from leadintake.monitoring import metrics, tracing
from leadintake.monitoring.cli import doctor
from leadintake.monitoring.routes import bp


def init_app(app: Flask) -> None:
    """Wire the room."""
    metrics.init_app(app)
    tracing.init_app(app)
    app.register_blueprint(bp)
    app.cli.add_command(doctor)
