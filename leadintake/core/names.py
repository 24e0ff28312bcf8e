"""Names that people use in place of ids. Rooms register queries for theirs, for the audit trail below."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app

UUID_PATTERN = "[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
PATTERN = f"^({UUID_PATTERN}|[0-9A-Za-z]{{4}}[-. _]?[0-9A-Za-z]{{4}})$(?!\n)"
"""Matches an id or a name."""
IdQuery = Callable[[str], "sa.Select[Any] | None"]
"""Selects the id for a name; None if the text is no name of this kind."""


def register_names(app: Flask, id_query: IdQuery) -> None:
    app.extensions.setdefault("leadintake.names", []).append(id_query)


def is_name(text: str) -> bool:
    """Return whether the text is a whole id, or a name of a registered kind."""
    if re.fullmatch(UUID_PATTERN, text):
        return True
    return any(id_query(text) is not None for id_query in current_app.extensions.get("leadintake.names", ()))


def has_name(column: Any, text: str) -> sa.ColumnElement[bool]:
    """Match rows whose `column` has this id, or the id of what has this name."""
    if len(text) == len(str(uuid.UUID(int=0))):
        same: sa.ColumnElement[bool] = column == uuid.UUID(text)
        return same
    found = [id_query(text) for id_query in current_app.extensions.get("leadintake.names", ())]
    return sa.or_(sa.false(), *(column.in_(ids) for ids in found if ids is not None))
