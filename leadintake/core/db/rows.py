"""Bulk inserts without the ORM's unit of work, for hot paths."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from leadintake.core.db.database import Model, db

BATCH = "rows_batch"
_Row = Model | tuple[type[Model], dict[str, Any]]
"""An object, or a model and values by column."""


def add(row: Model) -> None:
    """Add a new row to the session, or to the open batch."""
    session = db.session()
    batch = session.info.get(BATCH)
    if batch is None:
        session.add(row)
    else:
        batch.append(row)


def insert(model: type[Model], **values: object) -> None:
    """Add a new row as `add` does; in a batch no object is made of it."""
    session = db.session()
    batch = session.info.get(BATCH)
    if batch is None:
        session.add(model(**values))
    else:
        columns = _columns_by_attribute(model)
        batch.append((model, {columns[name]: value for name, value in values.items()}))


@contextmanager
def batch() -> Iterator[None]:
    """Collect the rows added inside; insert them at the end, a statement per table in order of first rows.

    The rows never join the session: later changes are not saved, queries inside do not see them, and column
    defaults do not show in them.
    """
    info = db.session().info
    rows: list[_Row] = info.setdefault(BATCH, [])
    try:
        yield
        _insert(db.session.connection(), rows)
    finally:
        del info[BATCH]


@event.listens_for(db.session, "before_flush")
def _insert_batch_first(session: Session, *_: object) -> None:
    """Insert the batch before rows of the session that may refer to it by a foreign key."""
    if rows := session.info.get(BATCH):
        _insert(session.connection(), rows)


def _insert(connection: sa.Connection, rows: list[_Row]) -> None:
    groups: dict[tuple[type[Model], tuple[str, ...]], list[dict[str, Any]]] = {}
    for row in rows:
        model, values = row if isinstance(row, tuple) else (type(row), _values(row))
        groups.setdefault((model, tuple(values)), []).append(values)
    for (model, _), group in groups.items():
        connection.execute(_insert_into(model), group)
    rows.clear()


def _values(row: Model) -> dict[str, Any]:
    columns = _columns_by_attribute(type(row))
    return {columns[name]: value for name, value in row.__dict__.items() if name in columns}


@functools.cache
def _columns_by_attribute(model: type[Model]) -> Mapping[str, str]:
    return {attribute.key: attribute.columns[0].key for attribute in sa.inspect(model).column_attrs}


@functools.cache
def _insert_into(model: type[Model]) -> sa.Insert:
    return sa.insert(cast(sa.Table, model.__table__))
