"""How much a database has to do, counted without a clock."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from leadintake.core.db.database import db


def count_work(act: Callable[[], object]) -> int:
    """Return how many rows the database reads meanwhile; of SQLite, the steps of its machine."""
    connection = db.session.connection()
    name = connection.dialect.name
    if name == "sqlite":
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        raw = connection.connection.dbapi_connection
        raw.set_progress_handler(step, 1)
        act()
        raw.set_progress_handler(None, 1)
        return steps
    query = (
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
        if name == "postgresql"
        else "SELECT sum(variable_value) FROM information_schema.session_status "
        "WHERE variable_name LIKE 'Handler_read%'"
    )
    before = int(db.session.scalar(sa.text(query)))
    act()
    return int(db.session.scalar(sa.text(query))) - before
