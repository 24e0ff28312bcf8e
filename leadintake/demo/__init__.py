"""Floor 5: a demonstration of the whole service."""

from __future__ import annotations

from flask import Flask

from leadintake.demo.cli import demo


def init_app(app: Flask) -> None:
    """Wire the room."""
    app.cli.add_command(demo)
