"""When somebody no longer works on leads: the rooms above take their leads back, in the same transaction."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, current_app

from leadintake.audit.service import By
from leadintake.auth.models import User
from leadintake.core import locks

LOCK = "assignment"
Act = Callable[[User, str, By], None]
"""Does something about a person who left, for a reason (a sentence), and by whom."""


def hold() -> None:
    """Let no lead arrive, nor change hands, until this transaction ends.

    The first of all locks: whoever changes people holds it before their rows, as a submission does.
    """
    locks.hold(LOCK)


def when_left(app: Flask, act: Act) -> None:
    """Have something done in the transaction in which somebody leaves."""
    app.extensions.setdefault("leadintake.leaving", []).append(act)


def left(user: User, why: str, *, by: By) -> None:
    """Do it. The caller holds the lock."""
    for act in current_app.extensions.get("leadintake.leaving", ()):
        act(user, why, by)
