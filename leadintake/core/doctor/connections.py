"""Database connections that the server processes may ask for, against those the database gives."""

from __future__ import annotations

import sqlalchemy as sa
from flask import current_app

from leadintake.core import processes
from leadintake.core.database import db, reading

KEPT_BACK = ("superuser_reserved_connections", "reserved_connections")
"""Connections of PostgreSQL that are not for us; the second since version 16."""


def check_connections() -> None:
    """Raise where the pools together are larger than what the database gives."""
    limit = _limit()
    if limit is None:
        return
    pools = [process.pool for process in processes.alive(current_app)] or [
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
    """How many connections the database gives us; None where it does not count them."""
    with reading(), db.engine.connect() as connection:
        dialect = connection.dialect.name
        if dialect == "postgresql":
            kept_back = (
                sa.func.coalesce(sa.cast(sa.func.current_setting(name, True), sa.Integer), 0)
                for name in KEPT_BACK
            )
            most = sa.cast(sa.func.current_setting("max_connections"), sa.Integer)
            return int(connection.scalar(sa.select(most - sum(kept_back))) or 0)
        if dialect in ("mysql", "mariadb"):
            row = connection.execute(sa.text("SELECT @@max_connections, @@max_user_connections")).one()
            return min(int(number) for number in row if number)
    return None
