"""Floor 4: a lead's life."""

from __future__ import annotations

from flask import Flask

from leadintake.assignment.service import assignment
from leadintake.core import checks
from leadintake.leads import events
from leadintake.leads.cli import group
from leadintake.notifications import claims


def init_app(app: Flask) -> None:
    """Wire the room."""
    checks.register(app, "intake", assignment.check, needed=False)
    claims.when_failed(app, events.failed)
    app.cli.add_command(group)
