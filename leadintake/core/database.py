"""The database: one `db`, engines that keep what they acknowledge, rows that hide when deleted."""

from __future__ import annotations

import contextlib
import contextvars
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, has_request_context, request
from flask_migrate import Migrate
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

from leadintake.core import measures
from leadintake.core.clock import now
from leadintake.core.modes import secure_database
from leadintake.core.patience import CONNECT_SECONDS, LOCK_SECONDS, OTHER_SECONDS, be_patient
from leadintake.core.types import UTCDateTime, new_id

POOL = measures.Level("leadintake_pool_connections_in_use", "Connections at work")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_reading: contextvars.ContextVar[bool | None] = contextvars.ContextVar("reading", default=None)


class Model(DeclarativeBase):
    """Parent of every table: a UUIDv7 key and the times of its creation and last change."""

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
    """A mark: rows of this table vanish from every ORM statement once `deleted_at` is set.

    `execution_options(include_deleted=True)` shows them. A select of the bare table (Core) shows them too.
    """

    deleted_at: Mapped[datetime | None] = mapped_column()


db = SQLAlchemy(model_class=Model)
migrate = Migrate()


def init_app(app: Flask) -> None:
    """Tell Flask-SQLAlchemy and Flask-Migrate where the database and its migrations are."""
    url = engine_url(app.config["DATABASE_URL"])
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _engine_options(url, app.config["DATABASE_POOL_SIZE"])
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "do_connect", _secure_sqlite)
            event.listen(db.engine, "connect", _settle_sqlite)
            event.listen(db.engine, "begin", _begin_sqlite)
        be_patient(db.engine)
        _measure_pool(app, db.engine)
    migrate.init_app(app, db, directory=str(migrations_folder()))


def _measure_pool(app: Flask, engine: sa.Engine) -> None:
    """Count the connections that are at work."""
    slots = measures.slots_of(app)
    event.listen(engine, "checkout", lambda *_: POOL.move(1, slots=slots))
    event.listen(engine, "checkin", lambda *_: POOL.move(-1, slots=slots))


def migrations_folder() -> Path:
    """The migrations: inside the installed package, or beside the package in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "migrations"
    return inside if inside.exists() else package.parent / "migrations"


def engine_url(text: str) -> sa.URL:
    """The SQLAlchemy URL of a DATABASE_URL, with the drivers this service ships."""
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
    # Waiting two seconds for a connection and then saying 503 keeps a burst from becoming a stall.
    options: dict[str, Any] = {
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": 2,
        "pool_pre_ping": True,
        "hide_parameters": True,  # what people entrusted to the firm is nothing for the log of a failure
    }
    backend = url.get_backend_name()
    if backend == "postgresql":
        wait = f"-c lock_timeout={LOCK_SECONDS * 1000}"
        # A machine that vanished is noticed by TCP, whatever the patience of who asked.
        vanished = {"tcp_user_timeout": 5000, "keepalives_idle": 10, "keepalives_interval": 5}
        options["connect_args"] = {"connect_timeout": CONNECT_SECONDS, "options": wait, **vanished}
    elif backend == "mysql":
        options["isolation_level"] = "READ COMMITTED"  # after a lock is granted, see what it protected
        options["connect_args"] = {
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_SECONDS,
            "init_command": f"SET SESSION innodb_lock_wait_timeout={LOCK_SECONDS}",
            "read_timeout": CONNECT_SECONDS,  # while it connects; patience.py gives it more afterwards
            "write_timeout": OTHER_SECONDS,
        }
    else:
        options["connect_args"] = {"timeout": LOCK_SECONDS}
    return options


def _secure_sqlite(_dialect: Any, _record: Any, arguments: Any, _named: Any) -> None:
    """Have the database's files be for our user alone, before SQLite makes or opens them."""
    path = str(arguments[0])
    if path and not path.startswith((":memory:", "file:")):
        secure_database(Path(path))


def _settle_sqlite(connection: Any, _record: Any) -> None:
    """Make SQLite keep its word: foreign keys, a sync of every commit, transactions begun by us."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: sa.Connection) -> None:
    """Take SQLite's write lock at once where a write may follow: a late upgrade fails without waiting."""
    connection.exec_driver_sql("BEGIN DEFERRED" if only_reads() else "BEGIN IMMEDIATE")


def only_reads() -> bool:
    """Whether what begins here is expected to write nothing."""
    told = _reading.get()
    if told is not None:
        return told
    return not has_request_context() or request.method in SAFE_METHODS


@contextlib.contextmanager
def reading(flag: bool = True) -> Iterator[None]:
    """What begins inside only reads (or, with False, may write): on SQLite it waits for no writer.

    Unsafe requests and `transaction()` may write without being told; everything else only reads.
    """
    token = _reading.set(flag)
    try:
        yield
    finally:
        _reading.reset(token)


def execute(statement: sa.Executable) -> sa.CursorResult[Any]:
    """Run a statement on bare tables, in the transaction of the session: for what runs very often."""
    return db.session.connection().execute(statement)


@event.listens_for(db.session, "do_orm_execute")
def _hide_deleted(state: ORMExecuteState) -> None:
    """Leave deleted rows out of every ORM select, update and delete, and out of relationships."""
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
