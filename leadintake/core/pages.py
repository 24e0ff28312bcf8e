"""Keyset pagination: pages that stay complete while rows arrive."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa
from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

from leadintake.core.database import Model, db
from leadintake.core.errors import Invalid
from leadintake.core.types import UTCDateTime

BATCH = 500
Cursor = Annotated[str, msgspec.Meta(max_length=8000)]
"""As an address carries it: longer than any that is handed out, whatever the letters of a name."""
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Order(Generic[Row]):
    """An order of rows: by one column, ties by id, both in one direction."""

    model: type[Row]
    column: str
    descending: bool

    @classmethod
    def parse(cls, model: type[Row], sort: str) -> Order[Row]:
        """Read `created_at` or `-created_at`."""
        return cls(model, sort.removeprefix("-"), sort.startswith("-"))


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and the cursor of those that follow (None at the end)."""

    items: list[Row]
    next_cursor: str | None


def page_of(
    statement: sa.Select[Any],
    order: Order[Row],
    *,
    limit: int,
    cursor: str | None,
    bound_to: Mapping[str, object],
) -> Page[Row]:
    """The next `limit` rows of `statement` in `order`, after `cursor`.

    A cursor is signed and bound to the order and to the filter in `bound_to`; any other is Invalid.
    """
    column, key = getattr(order.model, order.column), order.model.id
    seal = _seal(order, bound_to)
    if cursor:
        value, last_id = _open(cursor, seal, column)
        beyond = column < value if order.descending else column > value
        tied = key < last_id if order.descending else key > last_id
        # The first term alone lets an index seek; the second settles ties.
        reach = column <= value if order.descending else column >= value
        statement = statement.where(reach, sa.or_(beyond, tied))
    ways = (column.desc(), key.desc()) if order.descending else (column.asc(), key.asc())
    rows = list(db.session.scalars(statement.order_by(*ways).limit(limit + 1)).unique())
    items = rows[:limit]
    following = None
    if len(rows) > limit:
        last = items[-1]
        value = getattr(last, order.column)
        text = value.isoformat() if isinstance(value, datetime) else str(value)
        following = _signer().dumps([seal, text, last.id.hex])
    return Page(items, following)


def all_of(statement: sa.Select[Any], order: Order[Row]) -> Iterator[Row]:
    """All rows of `statement` in `order`, in batches as they are asked for.

    Memory stays flat, and no transaction is kept open between the batches.
    """
    cursor = None
    while True:
        page = page_of(statement, order, limit=BATCH, cursor=cursor, bound_to={})
        yield from page.items
        db.session.rollback()
        db.session.expunge_all()
        cursor = page.next_cursor
        if cursor is None:
            return


def _signer() -> URLSafeSerializer:
    keys = [*current_app.config["SECRET_KEY_FALLBACKS"], current_app.config["SECRET_KEY"]]
    return URLSafeSerializer(keys, salt="cursor")


def _seal(order: Order[Any], bound_to: Mapping[str, object]) -> str:
    meaning = msgspec.json.encode([order.column, order.descending, dict(sorted(bound_to.items()))])
    return hashlib.sha256(meaning).hexdigest()[:16]


def _open(cursor: str, seal: str, column: Any) -> tuple[object, uuid.UUID]:
    try:
        found, text, last_id = _signer().loads(cursor)
    except BadData:
        found = None
    if found != seal:
        raise Invalid({"cursor": ["This cursor belongs to another list. Start again without it."]})
    value = datetime.fromisoformat(text) if isinstance(column.type, UTCDateTime) else text
    return value, uuid.UUID(last_id)
