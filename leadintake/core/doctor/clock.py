"""The database's clock against this machine's."""

from __future__ import annotations

import time

import sqlalchemy as sa

from leadintake.core.db.database import db, read_only

MAX_SECONDS = 5
"""Leases, sessions and sign-in codes tolerate twice as much."""
NOW = {
    "postgresql": sa.extract("epoch", sa.func.clock_timestamp()),
    "mysql": sa.func.unix_timestamp(sa.literal_column("SYSDATE(6)")),
}


def check_clock() -> None:
    """Raise if the clocks differ. SQLite has no clock of its own."""
    query = NOW.get(db.engine.dialect.name.replace("mariadb", "mysql"))
    if query is None:
        return
    with read_only(), db.engine.connect() as connection:
        before = time.time()
        database_time = float(connection.scalar(sa.select(query)) or 0)
        after = time.time()
    ahead = database_time - (before + after) / 2
    if abs(ahead) > MAX_SECONDS + (after - before) / 2:
        raise RuntimeError(
            f"The database's clock is {abs(ahead):.0f} seconds {'ahead of' if ahead > 0 else 'behind'} this "
            "machine's. Have both keep time (chrony, systemd-timesyncd): leases and sessions go by it."
        )
