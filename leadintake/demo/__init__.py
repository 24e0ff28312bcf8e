"""Floor 5: a demonstration of the service."""

from __future__ import annotations

from flask import Flask

from leadintake.demo.cli import demo


def init_app(app: Flask) -> None:
    """Register the command."""
    app.cli.add_command(demo)
