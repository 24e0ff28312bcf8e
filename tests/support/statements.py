"""The statements that an application sends to its database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from flask import Flask

from leadintake.core.db.database import db


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The statements that are sent meanwhile, without BEGIN."""
    sent: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(_connection, _cursor, statement, *_more) -> None:
        sent.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
