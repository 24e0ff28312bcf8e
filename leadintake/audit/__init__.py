"""Floor 1¼: the audit trail."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from leadintake.audit.cli import group
from leadintake.audit.service import audit
from leadintake.core import chores


def init_app(app: Flask) -> None:
    """Register the room's chore and commands."""
    every = timedelta(minutes=app.config["AUDIT_HEAD_MINUTES"])
    chores.register(app, "audit_head", audit.publish, every=every)
    app.cli.add_command(group)
