"""Connections of the server processes against the limits of database and pooler."""

from __future__ import annotations

import sqlalchemy as sa
from flask import current_app

from leadintake.core import processes
from leadintake.core.db.database import db, read_only
from leadintake.core.doctor.pooler import CLIENTS, SERVERS, find_pooler

RESERVED = ("superuser_reserved_connections", "reserved_connections")
"""PostgreSQL's connections for superusers and, since version 16, for other roles."""
FOR_COMMANDS = 2
"""The doctor has two connections at once."""


def check_connections() -> None:
    """Raise if the pools together exceed a limit."""
    limit = _limit()
    if limit is None:
        return
    pooler = find_pooler()
    if pooler is None:
        _compare_pools(limit, "the database", "max_connections")
        return
    servers = pooler.limits.get(SERVERS, 0)
    if servers > limit:
        raise RuntimeError(
            f"PgBouncer may ask for {servers} connections ({SERVERS}), and the database gives {limit}. "
            f"Lower {SERVERS}, or raise max_connections."
        )
    if CLIENTS in pooler.limits:
        _compare_pools(pooler.limits[CLIENTS], "PgBouncer", CLIENTS)
    if servers and pooler.mode == "session":
        giver = f"PgBouncer in session mode, without {FOR_COMMANDS} for commands,"
        _compare_pools(servers - FOR_COMMANDS, giver, SERVERS)


def _compare_pools(limit: int, giver: str, name: str) -> None:
    pools = [process.pool for process in processes.list_live(current_app)] or [
        current_app.config["DATABASE_POOL_SIZE"]
    ]
    if sum(pools) > limit:
        number = f"{len(pools)} server process{'es' * (len(pools) > 1)}"
        raise RuntimeError(
            f"{number} may ask for {sum(pools)} connections (DATABASE_POOL_SIZE), and {giver} gives {limit}. "
            f"Set LEADINTAKE_DATABASE_POOL_SIZE to {max(2, limit // len(pools))} at most, or raise {name}."
        )


def _limit() -> int | None:
    with read_only(), db.engine.connect() as connection:
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
