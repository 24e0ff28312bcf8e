"""What one person may not know of: rooms that know it raise a wall, rooms that list things look behind none.

The rooms that list messages and records of the audit trail lie below the one that keeps the walls.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app

Hidden = Callable[[uuid.UUID], "sa.Select[Any]"]
"""The ids of the things that the person with this id may not know of."""


def raise_wall(app: Flask, hidden: Hidden) -> None:
    """Keep what `hidden` selects out of every list."""
    app.extensions.setdefault("leadintake.walls", []).append(hidden)


def outside(column: Any, person: uuid.UUID) -> sa.ColumnElement[bool]:
    """That the thing whose id is in `column` is not hidden from `person`; where none is named, nothing is."""
    walls = [column.not_in(hidden(person)) for hidden in current_app.extensions.get("leadintake.walls", ())]
    return sa.or_(column.is_(None), sa.and_(sa.true(), *walls))
