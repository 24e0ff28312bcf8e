"""Housekeeping: what rooms want done at the start of a worker and once a day."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog
from flask import Flask

Stop = Callable[[], bool]
"""Says whether to leave off."""
Chore = Callable[[Stop], Mapping[str, object]]
"""Puts something in order and says what it did. May be run by several workers at once, and cut anywhere."""
log = structlog.get_logger()


def register(app: Flask, name: str, chore: Chore) -> None:
    """Add a chore."""
    app.extensions.setdefault("leadintake.chores", []).append((name, chore))


def do_all(app: Flask, stop: Stop) -> None:
    """Do every chore, and say what came of it. One that fails is said and keeps no other from being done."""
    for name, chore in app.extensions.get("leadintake.chores", ()):
        if stop():
            return
        try:
            with app.app_context():
                log.info("housekeeping", chore=name, **chore(stop))
        except Exception as error:  # noqa: BLE001 - it is tried again tomorrow, and at the next start
            sentence = str(error).partition("\n")[0]
            log.error("housekeeping_failed", chore=name, error=sentence)  # noqa: TRY400 - the cause is in it
