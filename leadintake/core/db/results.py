"""Results of UPDATE and DELETE."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa


def affected(result: sa.Result[Any]) -> int:
    """Return the number of rows that an UPDATE matched or a DELETE removed."""
    return cast(sa.CursorResult[Any], result).rowcount
