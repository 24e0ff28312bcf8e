"""INSERT that changes the row if there is one, on each engine."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa


def make_upsert(
    table: sa.Table, dialect: str, *, key: Sequence[str], change: Callable[[Any], Mapping[str, Any]]
) -> sa.Insert:
    """Make an INSERT into a table with the unique columns `key`.

    `change`: returns the values of a row that is there, from the columns of the row that is inserted.
    """
    # Each engine's dialect is loaded where that engine is used.
    insert: Any = importlib.import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
    if dialect == "mysql":
        upsert: sa.Insert = insert.on_duplicate_key_update(change(insert.inserted))
    else:
        upsert = insert.on_conflict_do_update(index_elements=key, set_=change(insert.excluded))
    return upsert
