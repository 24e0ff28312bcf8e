"""PgBouncer, or another pooler, in front of PostgreSQL.

A pooler may refuse startup options. In transaction mode each transaction gets another server connection, so
settings and prepared statements of a session are lost. Therefore no options are sent, and:

1. Each new connection compares the process number that it got when connecting with the server's own
   (`pg_backend_pid()`). A pooler gives a number of its own.
2. If they are equal, the same statement sets the lock timeout for the session.
3. If not, each transaction sets it at its beginning, and no statement is prepared.

DATABASE_POOLER declares a pooler that passes the server's number on. Session-level advisory locks, LISTEN and
temporary tables fail behind a pooler, and are not used.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from leadintake.core.db.timeouts import LOCK_SECONDS

_NO_PROCESS = 0
_SET_UNLESS_POOLED = "SELECT set_config('lock_timeout', %s, false) WHERE pg_backend_pid() = %s"
_SET_LOCALLY = sa.text("SELECT set_config('lock_timeout', :limit, true)")


def install_pooler(engine: sa.Engine, named: bool) -> None:
    """Set the lock timeout per session or, behind a pooler, per transaction. `named`: there is a pooler."""
    if engine.dialect.name != "postgresql":
        return

    def on_connect(connection: Any, _record: Any) -> None:
        number = _NO_PROCESS if named else connection.info.backend_pid
        try:
            connection.autocommit = True  # outside a transaction, whose rollback would undo it
            found = connection.execute(_SET_UNLESS_POOLED, (f"{LOCK_SECONDS}s", number)).fetchone()
            connection.autocommit = False
        except BaseException:
            connection.close()
            raise
        connection.pooled = found is None
        if connection.pooled:
            connection.prepare_threshold = None

    event.listen(engine, "connect", on_connect, insert=True)
    event.listen(engine, "begin", limit_locks)


def is_pooled(connection: sa.Connection) -> bool:
    """Return whether a pooler is in front of the server."""
    return bool(getattr(connection.connection.dbapi_connection, "pooled", False))


def limit_locks(connection: sa.Connection) -> None:
    """Set the lock timeout for this transaction, if the session has none."""
    if is_pooled(connection) and not getattr(connection.connection.dbapi_connection, "autocommit", False):
        connection.execute(_SET_LOCALLY, {"limit": f"{LOCK_SECONDS}s"})
