"""Entries of the audit trail for tests, and somebody who has the database and no key."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask

from leadintake.audit.chain import Broken, Head
from leadintake.audit.models import AuditEntry, AuditHead
from leadintake.audit.service import audit
from leadintake.audit.verification import verify
from leadintake.core.actor import SYSTEM
from leadintake.core.db.database import db, read_only
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id

ALTER = "ALTER TABLE audit_entries"
TRIGGERS = ("audit_entries_no_update", "audit_entries_no_delete")
COLUMNS = [column.name for column in AuditEntry.__table__.columns]


def act(app: Flask, number: int = 1, action: str = "lead.read") -> None:
    """Do something, so many times, each in a transaction of its own."""
    for _ in range(number):
        with app.app_context(), transaction():
            audit.record(action, actor=SYSTEM, about=("lead", new_id()), number=1)


def tamper(app: Flask, *statements: str | sa.Executable) -> None:
    """Run statements as somebody who has the database and takes its triggers away; then they are back."""
    with app.app_context(), read_only(False), db.engine.begin() as connection:
        engine = db.engine.dialect.name
        if engine == "postgresql":
            statements = (f"{ALTER} DISABLE TRIGGER USER", *statements, f"{ALTER} ENABLE TRIGGER USER")
        else:
            kept = [_statement_of(connection, name) for name in TRIGGERS]
            statements = (*(f"DROP TRIGGER {name}" for name in TRIGGERS), *statements, *kept)
        for statement in statements:
            if isinstance(statement, str):
                connection.exec_driver_sql(statement)
            else:
                connection.execute(statement)


def _statement_of(connection: sa.Connection, trigger: str) -> str:
    if connection.dialect.name == "sqlite":
        found = sa.text("SELECT sql FROM sqlite_master WHERE name = :name")
        return str(connection.scalar(found, {"name": trigger}))
    return str(connection.exec_driver_sql(f"SHOW CREATE TRIGGER {trigger}").one()[2])


def copied(of: int, **changes: str) -> str:
    """An INSERT of a copy of entry `of`, with other values (in SQL) in some columns."""
    values = ", ".join(changes.get(name, name) for name in COLUMNS)
    names = ", ".join(COLUMNS)
    return f"INSERT INTO audit_entries ({names}) SELECT {values} FROM audit_entries WHERE number = {of}"  # noqa: S608 - it is an attack


def changed(number: int, what: str) -> str:
    """An UPDATE of one entry: changed(3, "action = 'x'")."""
    return f"UPDATE audit_entries SET {what} WHERE number = {number}"  # noqa: S608 - it is an attack


def removed(which: str) -> str:
    """A DELETE of entries: removed("number > 3")."""
    return f"DELETE FROM audit_entries WHERE {which}"  # noqa: S608 - it is an attack


def head_changed(what: str) -> str:
    """An UPDATE of the head."""
    return f"UPDATE audit_heads SET {what}"  # noqa: S608 - it is an attack


def head_row(app: Flask) -> Any:
    """The row of the head as it is now."""
    with app.app_context():
        return db.session.execute(sa.select(AuditHead.number, AuditHead.hash, AuditHead.seal)).one()


def set_head(row: Any) -> str:
    """An UPDATE that puts a row of the head back."""
    return head_changed(f"number = {row.number}, hash = '{row.hash}', seal = '{row.seal}'")


def verdict(app: Flask, published: Head | None = None) -> int | str:
    """How many entries hold, or what is said of the first that does not."""
    with app.app_context():
        try:
            return verify(published).number
        except Broken as error:
            return str(error)
