"""The three databases behind one name each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask_migrate import upgrade

from leadintake import create_app
from leadintake.core.database import db, engine_url

ENGINES = ("sqlite", "postgresql", "mariadb")
SERVERS = {
    "postgresql": os.environ.get(
        "LEADINTAKE_TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres"
    ),
    "mariadb": os.environ.get("LEADINTAKE_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/mysql"),
}
KEPT = {"locks", "audit_heads", "schema_revisions"}
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
    engine = sa.create_engine(engine_url(url))
    with engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE TABLE audit_entries"))  # its rows refuse to be deleted
        for table in reversed(db.metadata.sorted_tables):
            if table.name not in KEPT | {"audit_entries"}:
                connection.execute(table.delete())
        connection.execute(db.metadata.tables["audit_heads"].update().values(number=0, hash="", seal=""))
    engine.dispose()
    return url


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
