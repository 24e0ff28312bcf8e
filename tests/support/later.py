"""Our programs with a clock that is wrong: the `flask` command, and the application for a server.

python -m tests.support.later SECONDS worker
LATER_SECONDS=864000 granian --interface wsgi tests.support.later:app
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta

import time_machine

AHEAD = "LATER_SECONDS"


def move_clock(seconds: float) -> None:
    """Put the clock of this process forward (or back); it goes on from there."""
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True).start()


def __getattr__(name: str) -> object:
    """Make the application when a server asks for it."""
    if name != "app":
        raise AttributeError(name)
    from leadintake.serving import serve  # after the clock was moved

    move_clock(float(os.environ[AHEAD]))
    return serve()


if __name__ == "__main__":
    from flask.cli import main

    move_clock(float(sys.argv.pop(1)))
    main()
