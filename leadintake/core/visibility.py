"""Visibility filters: one room registers what is hidden from a person, others apply it.

The rooms that list messages and audit entries lie below the room of the screens.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app

from leadintake.core.actor import OPERATOR, Operator, Person, refuse_operator_in_request

Hidden = Callable[[uuid.UUID], "sa.Select[Any]"]
"""Selects the ids hidden from the person with this id."""


def register_visibility_filter(app: Flask, hidden: Hidden) -> None:
    """Register a filter, applied to every list."""
    app.extensions.setdefault("leadintake.walls", []).append(hidden)


def not_hidden_from(column: Any, reader: Person | Operator) -> sa.ColumnElement[bool]:
    """Match rows whose `column` is not hidden from `reader`; NULL is visible.

    Nothing is hidden from OPERATOR. Raises RuntimeError for OPERATOR in a request.
    """
    if reader is OPERATOR:
        refuse_operator_in_request(reader)
        return sa.true()
    conditions = [
        column.not_in(hidden(reader.id)) for hidden in current_app.extensions.get("leadintake.walls", ())
    ]
    return sa.or_(column.is_(None), sa.and_(sa.true(), *conditions))
