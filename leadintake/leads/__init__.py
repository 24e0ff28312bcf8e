"""Floor 4: a lead's life."""

from __future__ import annotations

from flask import Flask

from leadintake.assignment.service import assignment
from leadintake.core import checks, walls
from leadintake.leads import barred, events
from leadintake.leads.cli_screens import group
from leadintake.notifications import claims


def init_app(app: Flask) -> None:
    """Wire the room."""
    checks.register(app, "intake", assignment.check, needed=False)
    claims.when_failed(app, events.failed)
    walls.raise_wall(app, barred.hidden_from)
    app.cli.add_command(group)
