"""Timeouts for a database server that accepts a connection and does not answer.

It would block every thread until TCP gives up. So a connection gets half a second for the ping at checkout,
then a limit per wait, not per request.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from flask import has_request_context
from sqlalchemy import event

CONNECT_SECONDS = 2
PING_SECONDS = 0.5
"""With CONNECT_SECONDS still below three seconds, when an answer is due."""
LOCK_SECONDS = 10
REQUEST_SECONDS = 15
"""Seconds for one answer; longer than LOCK_SECONDS."""
OTHER_SECONDS = 600
"""For commands: a migration may index millions of rows."""
_timeout: contextvars.ContextVar[float | None] = contextvars.ContextVar("timeout", default=None)


@contextlib.contextmanager
def use_request_timeout() -> Iterator[None]:
    """Use the timeout of a request, for workers whose messages are due within seconds."""
    token = _timeout.set(REQUEST_SECONDS)
    try:
        yield
    finally:
        _timeout.reset(token)


def install_timeouts(engine: sa.Engine) -> None:
    """Bound every wait on this engine's connections. SQLite waits only for its lock."""
    install = {"postgresql": _postgresql, "mysql": _mariadb}.get(engine.dialect.name)
    if install is not None:
        install(engine)


def _postgresql(engine: sa.Engine) -> None:
    from psycopg import Connection, OperationalError
    from psycopg.pq import TransactionStatus

    class TimedConnection(Connection[Any]):
        """A connection that is closed when an answer is late; psycopg has no such timeout."""

        answer_timeout: float = CONNECT_SECONDS
        pooled = False

        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            """Wait as psycopg does, with a default timeout."""
            try:
                return super().wait(gen, interval, self.answer_timeout if timeout is None else timeout)
            except OperationalError:
                if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                    self.pgconn.finish()  # a late answer would be taken for the next query's
                raise

    def connect(_dialect: Any, _record: Any, arguments: Any, named: Any) -> TimedConnection:
        return TimedConnection.connect(*arguments, **named)

    def set_timeout(connection: Any, seconds: float) -> None:
        connection.answer_timeout = seconds

    event.listen(engine, "do_connect", connect)
    _set_at_checkout(engine, set_timeout)


def _mariadb(engine: sa.Engine) -> None:
    def set_timeout(connection: Any, seconds: float) -> None:
        # PyMySQL has no other way to change the timeout after connecting.
        connection._read_timeout = seconds

    _set_at_checkout(engine, set_timeout)


def _set_at_checkout(engine: sa.Engine, set_timeout: Callable[[Any, float], None]) -> None:
    """Set the timeout at checkout; idle connections have that of the ping."""

    def on_checkout(connection: Any, _record: Any, _proxy: Any) -> None:
        usual = REQUEST_SECONDS if has_request_context() else OTHER_SECONDS
        set_timeout(connection, _timeout.get() or usual)

    def on_checkin(connection: Any, _record: Any) -> None:
        if connection is not None:
            set_timeout(connection, PING_SECONDS)

    event.listen(engine, "checkout", on_checkout)
    event.listen(engine, "checkin", on_checkin)
