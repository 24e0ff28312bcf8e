"""Floor 3: choose the attorney of the next lead, and record the reason."""

from __future__ import annotations

from flask import Flask

from leadintake.assignment import policy
from leadintake.assignment.cli import group
from leadintake.assignment.service import assignment
from leadintake.core import checks, chores


def init_app(app: Flask) -> None:
    """Load the policy; register checks, chores and commands."""
    policy.load(app)
    checks.register(app, "intake", assignment.check, needed=False)
    checks.register(app, "policy", assignment.check_policy, needed=False)
    chores.register(app, "assignment_policy", assignment.note_policy)
    app.cli.add_command(group)
