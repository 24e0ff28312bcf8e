"""Database connections of the server processes, compared with the database's limit."""

from __future__ import annotations

import sqlalchemy as sa
from flask import current_app

from leadintake.core import processes
from leadintake.core.db.database import db, reading

RESERVED = ("superuser_reserved_connections", "reserved_connections")
"""PostgreSQL's connections for superusers and, since version 16, for other roles."""


def check_connections() -> None:
    """Raise where the pools together exceed the limit."""
    limit = _limit()
    if limit is None:
        return
    pools = [process.pool for process in processes.list_live(current_app)] or [
        current_app.config["DATABASE_POOL_SIZE"]
    ]
    if sum(pools) > limit:
        number = f"{len(pools)} server process{'es' * (len(pools) > 1)}"
        raise RuntimeError(
            f"{number} may ask for {sum(pools)} connections (DATABASE_POOL_SIZE), and the database gives "
            f"{limit}. Set LEADINTAKE_DATABASE_POOL_SIZE to {limit // len(pools)} at most and "
            "--blocking-threads below it, or raise max_connections."
        )


def _limit() -> int | None:
    """Return the database's limit; None for SQLite."""
    with reading(), db.engine.connect() as connection:
        dialect = connection.dialect.name
        if dialect == "postgresql":
            reserved = (
                sa.func.coalesce(sa.cast(sa.func.current_setting(name, True), sa.Integer), 0)
                for name in RESERVED
            )
            most = sa.cast(sa.func.current_setting("max_connections"), sa.Integer)
            return int(connection.scalar(sa.select(most - sum(reserved))) or 0)
        if dialect in ("mysql", "mariadb"):
            row = connection.execute(sa.text("SELECT @@max_connections, @@max_user_connections")).one()
            return min(int(number) for number in row if number)
    return None
