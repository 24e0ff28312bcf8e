"""The three databases behind one name each."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask_migrate import upgrade
from pymysql.constants import CLIENT

from leadintake import create_app
from leadintake.core.db.database import db, engine_url

ENGINES = ("sqlite", "postgresql", "mariadb")
SERVERS = {
    "postgresql": os.environ.get(
        "LEADINTAKE_TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres"
    ),
    "mariadb": os.environ.get("LEADINTAKE_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/mysql"),
}
KEPT = {"locks", "audit_heads", "schema_revisions", "reply_templates"}
"""Tables a migration fills; everything else is emptied between tests."""


def missing(what: str) -> None:
    """Skip with a reason, or fail where the environment says that every service is here."""
    if os.environ.get("LEADINTAKE_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what}, and LEADINTAKE_REQUIRE_SERVICES=1 forbids to skip")
    pytest.skip(what)


@contextmanager
def migrated_database(engine_name: str, folder: Path) -> Iterator[str]:
    """The URL of a migrated, empty database; for SQLite of a file to copy."""
    if engine_name == "sqlite":
        url = f"sqlite:///{folder / 'template.sqlite3'}"
        _migrate(url, folder)
        yield url
        return
    with _server_database(SERVERS[engine_name], f"leadintake_test_{os.getpid()}") as url:
        _migrate(url, folder)
        yield url
        _engine_to_empty(url).dispose()


@contextmanager
def empty_database(engine_name: str, folder: Path) -> Iterator[str]:
    """The URL of a database that no migration has seen."""
    if engine_name == "sqlite":
        yield f"sqlite:///{folder / 'empty.sqlite3'}"
        return
    with _server_database(SERVERS[engine_name], f"leadintake_empty_{os.getpid()}") as url:
        yield url


def fresh_copy(url: str, folder: Path) -> str:
    """A database of one's own for a test: a copy of the SQLite file, or the emptied one on the server."""
    if url.startswith("sqlite"):
        copy = folder / "test.sqlite3"
        shutil.copy(url.removeprefix("sqlite:///"), copy)
        return f"sqlite:///{copy}"
    with _engine_to_empty(url).begin() as connection:
        used = set(connection.scalars(sa.text(_used_tables())))
        connection.exec_driver_sql(_emptying(used))
    return url


def share_compiled_statements(engine: sa.Engine) -> None:
    """Let engines of a process share what SQLAlchemy has compiled: every test has an engine of its own.

    The cache asks for an equal dialect; here two of a class are, for they talk to the same server.
    """
    dialect = type(engine.dialect)
    if dialect not in _compiled:
        alike = {
            "__eq__": lambda self, other: type(self) is type(other),
            "__hash__": lambda self: id(type(self)),
        }
        _compiled[dialect] = (
            type(dialect.__name__, (dialect,), {**alike, "supports_statement_cache": True}),
            engine._compiled_cache,
        )
    engine.dialect.__class__, engine._compiled_cache = _compiled[dialect]


_compiled: dict[type, tuple[type, Any]] = {}


@functools.cache
def _engine_to_empty(url: str) -> sa.Engine:
    """One connection for all tests of a process, over which several statements may go at once."""
    several = {"client_flag": CLIENT.MULTI_STATEMENTS} if url.startswith("mysql") else {}
    return sa.create_engine(engine_url(url), connect_args=several, pool_size=1, pool_pre_ping=True)


def _used_tables() -> str:
    """One question for the names of the tables that have rows: most have none."""
    names = [table.name for table in db.metadata.sorted_tables if table.name not in KEPT]
    return " UNION ALL ".join(f"(SELECT '{name}' FROM {name} LIMIT 1)" for name in names)  # noqa: S608 - our names


def _emptying(used: Collection[str]) -> str:
    """All statements that empty the tables in use, in one text."""
    names = [table.name for table in reversed(db.metadata.sorted_tables) if table.name in used]
    statements = ["UPDATE audit_heads SET number = 0, hash = '', seal = ''"]
    if "leads" in used:  # of a table that is no model's
        statements.append("DELETE FROM lead_search")
    for name in names:  # the rows of one table refuse to be deleted
        verb = "TRUNCATE TABLE" if name == "audit_entries" else "DELETE FROM"
        statements.append(f"{verb} {name}")
    return "; ".join(statements)


def _migrate(url: str, folder: Path) -> None:
    app = create_app(INSTANCE_PATH=str(folder), DATABASE_URL=url)
    with app.app_context():
        upgrade()
        db.engine.dispose()  # the last to close a SQLite file leaves no log beside it


@contextmanager
def _server_database(server: str, name: str) -> Iterator[str]:
    engine = sa.create_engine(
        engine_url(server), isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2}
    )
    try:
        connection = engine.connect()
    except sa.exc.OperationalError as error:
        missing(f"no server at {engine.url}: {str(error.orig).strip()}")
    with connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        try:
            yield engine_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            force = " WITH (FORCE)" if server.startswith("postgres") else ""
            connection.execute(sa.text(f"DROP DATABASE {name}{force}"))
    engine.dispose()
