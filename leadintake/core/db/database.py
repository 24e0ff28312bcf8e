"""The database: `db`, engines, soft deletion."""

from __future__ import annotations

import contextlib
import contextvars
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    mapped_column,
    registry,
    with_loader_criteria,
)
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from leadintake.core import measures
from leadintake.core.clock import now
from leadintake.core.db.pooler import install_pooler
from leadintake.core.db.timeouts import CONNECT_SECONDS, LOCK_SECONDS, OTHER_SECONDS, install_timeouts
from leadintake.core.db.types import UTCDateTime, new_id
from leadintake.core.db.writers import install_writers
from leadintake.core.modes import secure_database
from leadintake.core.slots import Slots

POOL = measures.Gauge("leadintake_pool_connections_in_use", "Connections at work")
POOL_WAITS = measures.Histogram(
    "leadintake_pool_wait_seconds", "Time until a connection was given or refused"
)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_read_only: contextvars.ContextVar[bool | None] = contextvars.ContextVar("read_only", default=None)


class Model(DeclarativeBase):
    """Base of every table: a UUIDv7 key, times of creation and last change."""

    registry = registry(
        type_annotation_map={datetime: UTCDateTime(), uuid.UUID: sa.Uuid()},
        metadata=sa.MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class SoftDeletes:
    """Mixin: ORM statements ignore rows with `deleted_at`.

    `execution_options(include_deleted=True)` includes them, as does a Core select.
    """

    deleted_at: Mapped[datetime | None] = mapped_column(active_history=True)


def only(condition: str) -> dict[str, str]:
    """Return the `info` of a partial index. MariaDB has none and indexes all rows.

    Migrations build it. SQLAlchemy's own options would load every engine's dialect with the models.
    """
    return {"where": condition}


db = SQLAlchemy(model_class=Model)


def init_app(app: Flask) -> None:
    """Configure Flask-SQLAlchemy."""
    url = engine_url(app.config["DATABASE_URL"])
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    options = _engine_options(url, app.config["DATABASE_POOL_SIZE"])
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        **options,
        "poolclass": _make_pool_class(measures.slots_of(app)),
    }
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "do_connect", _secure_sqlite)
            event.listen(db.engine, "connect", _configure_sqlite)
            install_writers(db.engine, measures.slots_of(app), is_read_only)
        install_timeouts(db.engine)
        install_pooler(db.engine, named=bool(app.config["DATABASE_POOLER"]))
        _measure_pool(app, db.engine)


def _make_pool_class(slots: Slots) -> type[QueuePool]:
    """Build a pool class that measures waits for a connection, with connecting and pings.

    One per application: a disposed pool creates its successor of its class.
    """

    class TimedPool(QueuePool):
        def connect(self) -> PoolProxiedConnection:
            start = time.perf_counter()
            try:
                return super().connect()
            finally:
                POOL_WAITS.observe(time.perf_counter() - start, slots=slots)

    return TimedPool


def _measure_pool(app: Flask, engine: sa.Engine) -> None:
    slots = measures.slots_of(app)
    event.listen(engine, "checkout", lambda *_: POOL.add(1, slots=slots))
    event.listen(engine, "checkin", lambda *_: POOL.add(-1, slots=slots))


def migrations_folder() -> Path:
    """Return the folder of migrations: in the installed package, or beside a checkout."""
    package = Path(__file__).parents[2]
    inside = package / "migrations"
    return inside if inside.exists() else package.parent / "migrations"


def engine_url(text: str) -> sa.URL:
    """Return the SQLAlchemy URL of a DATABASE_URL, with this service's drivers."""
    url = make_url(text)
    backend = url.drivername.partition("+")[0]
    drivers = {
        "postgres": "postgresql+psycopg",
        "postgresql": "postgresql+psycopg",
        "mysql": "mysql+pymysql",
        "mariadb": "mysql+pymysql",
    }
    return url.set(drivername=drivers.get(backend, url.drivername))


def _engine_options(url: sa.URL, pool_size: int) -> dict[str, Any]:
    options: dict[str, Any] = {
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": 2,  # then 503: a burst must not become a stall
        "pool_pre_ping": True,
        "hide_parameters": True,  # the log of a failure must not contain personal data
    }
    backend = url.get_backend_name()
    if backend == "postgresql":
        # TCP detects a vanished host before the connection's own timeout.
        keepalive = {"tcp_user_timeout": 5000, "keepalives_idle": 10, "keepalives_interval": 5}
        options["connect_args"] = {"connect_timeout": CONNECT_SECONDS, **keepalive}
    elif backend == "mysql":
        options["isolation_level"] = "READ COMMITTED"  # after a lock is granted, see what it protected
        options["connect_args"] = {
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_SECONDS,
            "init_command": f"SET SESSION innodb_lock_wait_timeout={LOCK_SECONDS}",
            "read_timeout": CONNECT_SECONDS,  # while connecting; timeouts.py raises it afterwards
            "write_timeout": OTHER_SECONDS,
        }
    else:
        options["connect_args"] = {"timeout": LOCK_SECONDS}
    return options


def _secure_sqlite(_dialect: Any, _record: Any, arguments: Any, _named: Any) -> None:
    """Restrict the database's files to this user before SQLite creates or opens them."""
    path = str(arguments[0])
    if path and not path.startswith((":memory:", "file:")):
        secure_database(Path(path))


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")


def is_read_only() -> bool:
    """Return whether a transaction that begins now should only read."""
    flag = _read_only.get()
    if flag is not None:
        return flag
    return not has_request_context() or request.method in SAFE_METHODS


@contextlib.contextmanager
def read_only(flag: bool = True) -> Iterator[None]:
    """Make transactions that begin inside read-only (or not): on SQLite these wait for no writer.

    By default, unsafe requests and `transaction()` may write.
    """
    token = _read_only.set(flag)
    try:
        yield
    finally:
        _read_only.reset(token)


def execute(
    statement: sa.Executable, parameters: Sequence[dict[str, Any]] | None = None
) -> sa.CursorResult[Any]:
    """Flush the session, then run a Core statement in its transaction, for hot paths.

    It includes deleted rows.
    """
    session = db.session()
    session.flush()
    return session.connection().execute(statement, parameters)


@event.listens_for(db.session, "do_orm_execute")
def _hide_deleted(state: ORMExecuteState) -> None:
    wanted = state.is_select or state.is_update or state.is_delete
    if not wanted or state.is_column_load or state.execution_options.get("include_deleted", False):
        return
    state.statement = state.statement.options(
        with_loader_criteria(
            SoftDeletes,
            lambda table: table.deleted_at.is_(None),
            include_aliases=True,
        )
    )
