"""Ids in commands: shown short in tables, and taken short."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Any

import click
import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from leadintake.core.db.database import db

TIME_LENGTH = 13
"""The time of a UUIDv7 with its hyphen (RFC 9562). What is made in one transaction often has the same."""
TAIL_LENGTHS = (4, 8, 12)
MIN_TYPED_LENGTH, TIME_DIGITS = 4, 12
HEX = re.compile(r"[0-9a-f]{1,32}")
MAX_NAMED = 5


def shorten_ids(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return short names that tell these ids apart: their time, a dot, and the end of the id."""
    different = set(ids)
    for length in TAIL_LENGTHS:
        names = {id_: f"{str(id_)[:TIME_LENGTH]}.{str(id_)[-length:]}" for id_ in different}
        if len(set(names.values())) == len(different):
            return names
    return {id_: str(id_) for id_ in different}


class StoredId(click.ParamType[uuid.UUID]):
    """Argument of a command: an id in `column`, short as tables show it, or any beginning no other has."""

    name = "id"
    key = "the id"

    def __init__(self, column: InstrumentedAttribute[Any], noun: str) -> None:
        self.column, self.noun = column, noun

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> uuid.UUID:
        """Find the id, or fail with status 2. A whole id is not looked up."""
        if isinstance(value, uuid.UUID):
            return value
        head, _, tail = str(value).strip().lower().partition(".")
        digits = head.replace("-", "")
        if not HEX.fullmatch(digits + tail) or len(digits) < (TIME_DIGITS if tail else MIN_TYPED_LENGTH):
            self.fail(f"{value!r} is not {self.key} of a {self.noun}.", param, ctx)
        first, last = uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))
        if first == last:
            return first
        query = (
            sa.select(self.column).where(self.column.between(first, last)).distinct().order_by(self.column)
        )
        limit = None if tail else MAX_NAMED
        found = [id_ for id_ in db.session.scalars(query.limit(limit)) if str(id_).endswith(tail)]
        if not found:
            self.fail(f"No {self.noun} has {self.key} {value!r}.", param, ctx)
        if len(found) > 1:
            self.fail(f"Several begin so: {', '.join(map(str, found[:MAX_NAMED]))}.", param, ctx)
        unique: uuid.UUID = found[0]
        return unique
