"""The database's clock against this machine's."""

from __future__ import annotations

import time

import sqlalchemy as sa

from leadintake.core.database import db, reading

MOST_SECONDS = 5
"""Apart; twice that is what a lease, a session or a sign-in code can be wrong by without anybody noticing."""
NOW = {
    "postgresql": sa.extract("epoch", sa.func.clock_timestamp()),
    "mysql": sa.func.unix_timestamp(sa.literal_column("SYSDATE(6)")),
}


def check_clock() -> None:
    """Raise where the two are apart. SQLite has no clock of its own."""
    told = NOW.get(db.engine.dialect.name.replace("mariadb", "mysql"))
    if told is None:
        return
    with reading(), db.engine.connect() as connection:
        before = time.time()
        theirs = float(connection.scalar(sa.select(told)) or 0)
        after = time.time()
    ahead = theirs - (before + after) / 2
    if abs(ahead) > MOST_SECONDS + (after - before) / 2:
        raise RuntimeError(
            f"The database's clock is {abs(ahead):.0f} seconds {'ahead of' if ahead > 0 else 'behind'} this "
            "machine's. Have both keep time (chrony, systemd-timesyncd): leases and sessions go by it."
        )
