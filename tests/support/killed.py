"""A process that ends in front of a statement."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from leadintake.core.db.database import db


class Killed(Exception):
    """The process ended here."""


@contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """Let the process end when it is about to send this statement, counted from 1."""
    numbers = itertools.count(1)

    def count(*_args: object) -> None:
        if next(numbers) == statement:
            raise Killed

    sa.event.listen(db.engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", count)
        db.engine.dispose()
