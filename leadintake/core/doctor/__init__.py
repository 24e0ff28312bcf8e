"""What the doctor looks at beyond the parts of the service: each row is one function, registered here.

A row of another room is registered in that room's `init_app` by `core.checks.register`. It raises with one
line: what is wrong, and what to do next.
"""

from __future__ import annotations

from flask import Flask

from leadintake.core import checks
from leadintake.core.doctor.clock import check_clock
from leadintake.core.doctor.connections import check_connections
from leadintake.core.doctor.disks import check_room
from leadintake.core.doctor.durability import check_durability
from leadintake.core.doctor.proxies import check_proxies, note_forwarded

ROWS = {
    "clock": check_clock,
    "connections": check_connections,
    "durability": check_durability,
    "disk": check_room,
    "proxies": check_proxies,
}


def init_app(app: Flask) -> None:
    """Register the rows."""
    app.before_request(note_forwarded)
    for part, check in ROWS.items():
        checks.register(app, part, check, needed=False)
