"""Floor 5: everything running in one minute, to try out."""

from __future__ import annotations

from flask import Flask

from leadintake.demo.cli import demo


def init_app(app: Flask) -> None:
    """Wire the room."""
    app.cli.add_command(demo)
