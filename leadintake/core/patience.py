"""How long we wait for a database server that accepts and does not answer.

A server that refuses is no trouble; one that is silent would keep every thread of ours until TCP gives
up. So a connection is given half a second when it is taken from the pool, and then as long as the work
at hand may last.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import sqlalchemy as sa
from flask import has_request_context
from psycopg.pq import TransactionStatus
from sqlalchemy import event

CONNECT_SECONDS = 2
PING_SECONDS = 0.5
"""Together with a new connection still under the three seconds after which an answer is due."""
LOCK_SECONDS = 10
REQUEST_SECONDS = 15
"""More than anybody may wait for a lock."""
OTHER_SECONDS = 600
"""For commands: a migration may build an index over millions of rows."""
_told: contextvars.ContextVar[float | None] = contextvars.ContextVar("patience", default=None)


class PatientConnection(psycopg.Connection[Any]):
    """A connection to PostgreSQL that waits so many seconds for an answer, then is closed."""

    patience: float = PING_SECONDS

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg's, which waits for ever unless told otherwise."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # an answer that came now would be taken for that of the next question
            raise


@contextlib.contextmanager
def as_in_a_request() -> Iterator[None]:
    """Wait no longer than a request would: for workers, whose messages are due within seconds."""
    token = _told.set(REQUEST_SECONDS)
    try:
        yield
    finally:
        _told.reset(token)


def be_patient(engine: sa.Engine) -> None:
    """Bound every wait on this engine's connections. SQLite's only wait is for its lock."""
    impatient = {"postgresql": _postgresql, "mysql": _mariadb}.get(engine.dialect.name)
    if impatient is not None:
        impatient(engine)


def _postgresql(engine: sa.Engine) -> None:
    def connect(_dialect: Any, _record: Any, arguments: Any, named: Any) -> PatientConnection:
        return PatientConnection.connect(*arguments, **named)

    def give(connection: Any, seconds: float) -> None:
        connection.patience = seconds

    event.listen(engine, "do_connect", connect)
    _around_every_use(engine, give)


def _mariadb(engine: sa.Engine) -> None:
    def give(connection: Any, seconds: float) -> None:
        # PyMySQL takes its deadline when it connects and has no way to change it later but this.
        connection._read_timeout = seconds

    _around_every_use(engine, give)


def _around_every_use(engine: sa.Engine, give: Callable[[Any, float], None]) -> None:
    """In the pool a connection has the patience of the question that is asked on the way out."""

    def taken(connection: Any, _record: Any, _proxy: Any) -> None:
        usual = REQUEST_SECONDS if has_request_context() else OTHER_SECONDS
        give(connection, _told.get() or usual)

    def given_back(connection: Any, _record: Any) -> None:
        if connection is not None:
            give(connection, PING_SECONDS)

    event.listen(engine, "checkout", taken)
    event.listen(engine, "checkin", given_back)
