"""Keyset pagination: pages stay complete while rows arrive."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa
from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

from leadintake.core.db.database import Model, db
from leadintake.core.db.types import UTCDateTime
from leadintake.core.errors import UnprocessableContent

BATCH = 500
Cursor = Annotated[str, msgspec.Meta(max_length=8000)]
"""Longer than any cursor, whatever the letters of a name."""
ROW_SEEKERS = {"sqlite", "postgresql"}
"""Engines that seek in an index for `(column, id) > (value, id)`, however many rows have the value."""
Row = TypeVar("Row", bound=Model)


class PageQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which page of a list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    cursor: Cursor | None = None


@dataclass(frozen=True)
class Order(Generic[Row]):
    """A sort order: one column, then id, both in one direction."""

    model: type[Row]
    column: str
    descending: bool

    @classmethod
    def parse(cls, model: type[Row], sort: str) -> Order[Row]:
        """Parse `created_at` or `-created_at`."""
        return cls(model, sort.removeprefix("-"), sort.startswith("-"))

    def clauses(self, source: Any) -> tuple[sa.UnaryExpression[Any], ...]:
        """Return the ORDER BY, for the model or for a subquery's columns."""
        columns = (getattr(source, self.column), source.id)
        return tuple(column.desc() if self.descending else column.asc() for column in columns)

    def reverse(self) -> Order[Row]:
        """Return the opposite order."""
        return replace(self, descending=not self.descending)


Narrow = Callable[[sa.Select[Any], Order[Any], int], sa.Select[Any]]
"""Reduces a statement to at least its first so many rows in an order."""

Shape = Callable[[sa.Select[Any]], sa.Select[Any]]
"""Turns a select of a model into one of columns."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows, and the next page's cursor (None at the end)."""

    items: list[Row]
    next_cursor: str | None


def page_of(
    statement: sa.Select[Any],
    order: Order[Row],
    *,
    limit: int,
    cursor: str | None,
    bound_to: Mapping[str, object],
    narrow: Narrow | None = None,
    shape: Shape | None = None,
) -> Page[Any]:
    """Return the next `limit` rows of `statement` in `order` after `cursor`; `narrow` may reduce it first.

    With `shape`, plain rows of the columns that it selects, among them `id` and the column of the order; they
    cost a fraction of objects.

    A cursor is signed and bound to order and filters (`bound_to`). Raises UnprocessableContent for any other.
    """
    column, key = getattr(order.model, order.column), order.model.id
    fingerprint = _fingerprint(order, bound_to)
    if cursor:
        value, last_id = _parse_cursor(cursor, fingerprint, column)
        statement = statement.where(*_past(column, key, value, last_id, descending=order.descending))
    if narrow is not None:
        statement = narrow(statement, order, limit + 1)
    ordered = statement.order_by(*order.clauses(order.model)).limit(limit + 1)
    rows: list[Any] = (
        list(db.session.execute(shape(ordered))) if shape else list(db.session.scalars(ordered).unique())
    )
    items = rows[:limit]
    next_cursor = None
    if len(rows) > limit:
        next_cursor = cursor_after(items[-1], order, bound_to=bound_to)
    return Page(items, next_cursor)


def cursor_after(row: Any, order: Order[Any], *, bound_to: Mapping[str, object]) -> str:
    """Return the cursor of the page of `page_of` that begins after this row."""
    value = getattr(row, order.column)
    text = value.isoformat() if isinstance(value, datetime) else str(value or "")
    return _signer().dumps([_fingerprint(order, bound_to), text, row.id.hex])


def iterate_all(
    statement: sa.Select[Any],
    order: Order[Row],
    narrow: Narrow | None = None,
    shape: Shape | None = None,
) -> Iterator[Any]:
    """Yield all rows of `statement` in `order`, as `page_of` returns them; `narrow` may reduce it first.

    Reads in batches and ends the transaction after each: memory stays flat.
    """
    cursor = None
    while True:
        page = page_of(statement, order, limit=BATCH, cursor=cursor, bound_to={}, narrow=narrow, shape=shape)
        yield from page.items
        db.session.rollback()
        db.session.expunge_all()
        cursor = page.next_cursor
        if cursor is None:
            return


def _signer() -> URLSafeSerializer:
    keys = [*current_app.config["SECRET_KEY_FALLBACKS"], current_app.config["SECRET_KEY"]]
    return URLSafeSerializer(keys, salt="cursor")


def _fingerprint(order: Order[Any], bound_to: Mapping[str, object]) -> str:
    meaning = msgspec.json.encode([order.column, order.descending, dict(sorted(bound_to.items()))])
    return hashlib.sha256(meaning).hexdigest()[:16]


def _past(
    column: Any, key: Any, value: object, last_id: uuid.UUID, *, descending: bool
) -> Sequence[sa.ColumnElement[bool]]:
    """Match the rows after one, so that an index seeks to it."""
    if db.session.get_bind().dialect.name in ROW_SEEKERS:
        row, last = sa.tuple_(column, key), (value, last_id)
        return [row < last if descending else row > last]
    past = column < value if descending else column > value
    tied = key < last_id if descending else key > last_id
    # The first term lets an index seek; the second resolves ties.
    return [column <= value if descending else column >= value, sa.or_(past, tied)]


def _parse_cursor(cursor: str, fingerprint: str, column: Any) -> tuple[object, uuid.UUID]:
    try:
        found, text, last_id = _signer().loads(cursor)
    except BadData:
        found = None
    if found != fingerprint:
        raise UnprocessableContent(
            {"cursor": ["This cursor belongs to another list. Start again without it."]}
        )
    value = datetime.fromisoformat(text) if isinstance(column.type, UTCDateTime) else text
    return value, uuid.UUID(last_id)
