"""Durability of acknowledged writes: database settings and file systems."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from flask import current_app

from leadintake.core import places
from leadintake.core.db.database import db, read_only
from leadintake.core.doctor.disks import find_weakness

POSTGRESQL = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    # Each of these waits for the local disk too.
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
}
"""Durable values of each setting, the default first."""
MARIADB = {"innodb_flush_log_at_trx_commit": ("1", "3")}
MARIADB_WITH_LOG = {**MARIADB, "sync_binlog": ("1",)}
"""With a binary log, recovery keeps only the transactions in it."""
SQLITE = {"synchronous": ("2", "3")}
"""FULL or EXTRA: with NORMAL, SQLite does not sync a commit to its log."""


def check_durability() -> None:
    """Raise if a power cut could lose acknowledged writes."""
    with read_only(), db.engine.connect() as connection:
        wrong = _wrong_settings(connection)
    found = places.list_places(current_app)
    weak = [weakness for place in found if (weakness := find_weakness(place))]
    if wrong:
        raise RuntimeError(
            f"The database may lose acknowledged leads in a power cut: {', '.join(wrong)}. Set this in its "
            "configuration (or for our role) and restart it."
        )
    if weak:
        raise RuntimeError(weak[0])


def _wrong_settings(connection: sa.Connection) -> list[str]:
    dialect = connection.dialect.name
    if dialect == "postgresql":
        found = {
            name: str(connection.scalar(sa.select(sa.func.current_setting(name)))) for name in POSTGRESQL
        }
        return _differences(found, POSTGRESQL)
    if dialect in ("mysql", "mariadb"):
        query = sa.text("SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog")
        flush, logs, sync = (str(value) for value in connection.execute(query).one())
        found = {"innodb_flush_log_at_trx_commit": flush, "sync_binlog": sync}
        return _differences(found, MARIADB_WITH_LOG if logs == "1" else MARIADB)
    return _differences({"synchronous": str(connection.scalar(sa.text("PRAGMA synchronous")))}, SQLITE)


def _differences(current: Mapping[str, str], right: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [
        f"{name} is {current[name]} and should be {values[0]}"
        for name, values in right.items()
        if current[name] not in values
    ]
