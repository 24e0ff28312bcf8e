"""A pooler in front of PostgreSQL: its mode and, where visible to this account, its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from leadintake.core.db.database import db, read_only
from leadintake.core.db.pooler import is_pooled
from leadintake.core.db.timeouts import CONNECT_SECONDS

CLIENTS, SERVERS = "max_client_conn", "pool_size"
CONSOLE = "pgbouncer"
"""PgBouncer's own database."""
NOT_VISIBLE = "its limits are not visible: name our account in PgBouncer's stats_users"


class Pooler(NamedTuple):
    """`mode`: transaction or session. `limits`: by name; empty if not visible."""

    mode: str
    limits: Mapping[str, int]


def check_pooler() -> str:
    """Return a note on the pooler."""
    if db.engine.dialect.name != "postgresql":
        return ""
    found = find_pooler()
    if found is None:
        return "None: connections go to PostgreSQL itself."
    limits = ", ".join(f"{name} {limit}" for name, limit in found.limits.items()) or NOT_VISIBLE
    return f"A pooler in {found.mode} mode is in front of PostgreSQL; {limits}."


def find_pooler() -> Pooler | None:
    """Return the pooler, or None."""
    number = sa.select(sa.func.pg_backend_pid())
    with read_only(), db.engine.connect() as first, db.engine.connect() as second:
        if not is_pooled(first):
            return None
        before = first.scalar(number)
        first.rollback()
        # In transaction mode, the second gets the first's server connection, or the first gets another.
        moves = second.scalar(number) == before or first.scalar(number) != before
    return Pooler("transaction" if moves else "session", _ask_limits())


def _ask_limits() -> dict[str, int]:
    """Ask PgBouncer for its client limit, and its pool size for this database."""
    import psycopg
    from psycopg.rows import dict_row

    url = db.engine.url
    _, arguments = db.engine.dialect.create_connect_args(url.set(database=CONSOLE))
    settings: dict[str, Any] = {**arguments, "connect_timeout": CONNECT_SECONDS, "autocommit": True}
    try:
        # The console has only the simple protocol, with parameters in the text.
        with psycopg.connect(
            **settings, cursor_factory=psycopg.ClientCursor, row_factory=dict_row
        ) as console:
            config = {row["key"]: row["value"] for row in console.execute("SHOW CONFIG")}
            sizes = {row["name"]: row[SERVERS] for row in console.execute("SHOW DATABASES")}
    except psycopg.Error:
        return {}
    return {
        CLIENTS: int(config[CLIENTS]),
        SERVERS: int(sizes.get(url.database, config[f"default_{SERVERS}"])),
    }
