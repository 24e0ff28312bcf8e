"""Lists of leads in an order, and the neighbours of a lead in them, at the cost of a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from leadintake.auth.actor import UserOrOperator
from leadintake.core.db.pagination import Narrow, Order, Page, Shape, cursor_after, page_of
from leadintake.leads.matches import Statement
from leadintake.leads.models import Lead
from leadintake.leads.schemas import FILTERS, LeadFilter
from leadintake.leads.search import matching_query, parse_search


@dataclass(frozen=True)
class Listing:
    """A list of leads."""

    statement: Statement
    order: Order[Lead]
    bound_to: Mapping[str, object]
    narrow: Narrow | None = None

    def page(self, *, limit: int, cursor: str | None, shape: Shape | None = None) -> Page[Any]:
        """Return a page. Raises UnprocessableContent for the cursor of another list."""
        return self._read(self.order, limit, cursor, shape)

    def before(self, lead: Lead) -> Any:
        """Return id and sort key of the lead before this one, which need not be in the list itself."""
        return self._read_after(lead, self.order.reverse())

    def after(self, lead: Lead) -> Any:
        """Return id and sort key of the lead after this one, which need not be in the list itself."""
        return self._read_after(lead, self.order)

    def cursor_after(self, row: Any) -> str:
        """Return the cursor of the page that begins after this row."""
        return cursor_after(row, self.order, bound_to=self.bound_to)

    def select_keys(self, statement: sa.Select[Any]) -> sa.Select[Any]:
        """Select id and sort key alone (pagination.Shape)."""
        columns = (Lead.id, getattr(Lead, self.order.column))
        return statement.with_only_columns(*columns, maintain_column_froms=True)

    def _read_after(self, lead: Lead, order: Order[Lead]) -> Any:
        cursor = cursor_after(lead, order, bound_to=self.bound_to)
        return next(iter(self._read(order, 1, cursor, self.select_keys).items), None)

    def _read(self, order: Order[Lead], limit: int, cursor: str | None, shape: Shape | None) -> Page[Any]:
        return page_of(
            self.statement,
            order,
            limit=limit,
            cursor=cursor,
            bound_to=self.bound_to,
            narrow=self.narrow,
            shape=shape,
        )


def list_matching(filters: LeadFilter, reader: UserOrOperator) -> Listing:
    """List the visible leads that match the filters."""
    bound_to = {name: getattr(filters, name) for name in FILTERS}
    statement, search = parse_search(matching_query(filters, reader), filters)
    return Listing(statement, Order.parse(Lead, filters.sort), bound_to, search.narrow if search else None)
