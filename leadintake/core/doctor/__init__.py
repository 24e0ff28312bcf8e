"""The doctor's checks of the machine; other rooms register theirs by `core.checks.register`.

A check raises with one line: fault and remedy.
"""

from __future__ import annotations

from flask import Flask

from leadintake.core import checks
from leadintake.core.doctor.clock import check_clock
from leadintake.core.doctor.connections import check_connections
from leadintake.core.doctor.disks import check_room
from leadintake.core.doctor.durability import check_durability
from leadintake.core.doctor.pooler import check_pooler
from leadintake.core.doctor.proxies import check_proxies, note_forwarded

ROWS = {
    "clock": check_clock,
    "pooler": check_pooler,
    "connections": check_connections,
    "durability": check_durability,
    "disk": check_room,
    "proxies": check_proxies,
}


def init_app(app: Flask) -> None:
    """Register the checks."""
    app.before_request(note_forwarded)
    for part, check in ROWS.items():
        checks.register(app, part, check, needed=False)
