"""Floor 4: a lead's life."""

from __future__ import annotations

from flask import Flask

from leadintake.leads.cli import group


def init_app(app: Flask) -> None:
    """Wire the room."""
    app.cli.add_command(group)
