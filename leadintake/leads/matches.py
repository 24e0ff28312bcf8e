"""Leads that contain some words, found at the cost of a page, however many leads there are.

1. Look through the first rows of the list in its order: a common word fills the page there.
2. Otherwise ask the index, and look into the leads it names, unless there are too many.
3. Both again with ten times as many. So neither a word that is rarer than it seems, nor one whose leads are
   all at the end of the list, costs much more than the better of the two.

Leads that the index does not have yet (backfill.py) are looked through one by one.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from leadintake.core.db.database import db
from leadintake.core.db.pagination import Order
from leadintake.leads import search_index
from leadintake.leads.models import Lead
from leadintake.leads.search_index import Words

Statement = sa.Select[Any]
"""A select of leads. Its SQLAlchemy type differs between 2.0 and 2.1."""
FIRST_ROWS, MAX_CANDIDATES, MORE = 500, 3000, 10
"""Rows that are looked through, leads that the index may name, and how many times as many the next time."""
MAX_COUNTED, MAX_WALKED = 10_000, 20_000
"""Leads that are counted, and rows that are looked through for it before the index is asked."""


@dataclass(frozen=True)
class Search:
    """What to look for: leads with all words of one of the alternatives.

    `old_alternatives` is the same for the column of the version before. No alternative matches no lead.
    """

    alternatives: Sequence[Words]
    old_alternatives: Sequence[Words]

    def narrow(self, statement: Statement, order: Order[Any], limit: int) -> Statement:
        """Reduce a statement to its first `limit` leads that match, or some more (pagination.Narrow)."""
        if not self.alternatives:
            return statement.where(sa.false())
        if not _has_unindexed():
            return statement.where(Lead.id.in_(self._find(statement, order, limit)))
        ordered = statement.order_by(*order.clauses(Lead))
        old = db.session.scalars(_ids(ordered.where(self._matches_unindexed())).limit(limit)).all()
        new = self._find(statement.where(Lead.search_text.is_not(None)), order, limit)
        return statement.where(Lead.id.in_([*new, *old]))

    def count(self, statement: Statement) -> int:
        """Count the leads that match, MAX_COUNTED + 1 at most."""
        if not self.alternatives:
            return 0
        candidates = None
        if not _has_unindexed() and not _is_short(statement, MAX_WALKED):
            candidates = search_index.candidates_query(self.alternatives)
        if candidates is None:
            return count_leads(statement.where(sa.or_(self._matches(), self._matches_unindexed())))
        return count_leads(self._join(statement, candidates.subquery()))

    def _find(self, statement: Statement, order: Order[Any], limit: int) -> Sequence[uuid.UUID]:
        """Return the ids of the first `limit` leads that match, in the order."""
        rows, most = max(FIRST_ROWS, 2 * limit), MAX_CANDIDATES
        candidates = None
        while True:
            found = self._look_through(statement, order, rows)
            if len(found) >= limit or _is_short(statement, rows):
                return found[:limit]
            if candidates is None:
                candidates = search_index.candidates_query(self.alternatives)
            number = most + 1 if candidates is None else _count_rows(candidates.limit(most + 1))
            if number == 0:
                return []
            if candidates is not None and number <= most:
                # Materialized, so that PostgreSQL asks the index first.
                named = candidates.limit(most).cte("named").prefix_with("MATERIALIZED", dialect="postgresql")
                matching = self._join(statement, named).order_by(*order.clauses(Lead))
                return db.session.scalars(_ids(matching).limit(limit)).all()
            rows, most = MORE * rows, MORE * most

    def _join(self, statement: Statement, named: sa.FromClause) -> Statement:
        return statement.join(named, named.c.lead_id == Lead.id).where(self._matches())

    def _look_through(self, statement: Statement, order: Order[Any], rows: int) -> Sequence[uuid.UUID]:
        """Return the ids of the matching leads among the first rows, in the order."""
        columns = (Lead.id, getattr(Lead, order.column), self._matches().label("matches"))
        all_rows = statement.with_only_columns(*columns, maintain_column_froms=True)
        first = all_rows.order_by(*order.clauses(Lead)).limit(rows).subquery()
        matching = sa.select(first.c.id).where(first.c.matches).order_by(*order.clauses(first.c))
        return db.session.scalars(matching).all()

    def _matches(self) -> sa.ColumnElement[bool]:
        return _contains(Lead.search_text, self.alternatives)

    def _matches_unindexed(self) -> sa.ColumnElement[bool]:
        return sa.and_(Lead.search_text.is_(None), _contains(Lead.searchable, self.old_alternatives))


def count_leads(statement: Statement) -> int:
    """Count the leads of a statement, MAX_COUNTED + 1 at most."""
    return _count_rows(_ids(statement).limit(MAX_COUNTED + 1))


def _has_unindexed() -> bool:
    """Return whether a lead, deleted or not, is not in the index yet. One look into an index."""
    table = Lead.__table__
    unindexed = sa.select(table.c.id).where(table.c.search_text.is_(None)).limit(1)
    return db.session.execute(unindexed).first() is not None


def _is_short(statement: Statement, rows: int) -> bool:
    """Return whether the statement has at most this many rows."""
    return _count_rows(_ids(statement).limit(rows + 1)) <= rows


def _count_rows(bounded: sa.Select[Any]) -> int:
    return db.session.execute(sa.select(sa.func.count()).select_from(bounded.subquery())).scalar_one()


def _ids(statement: Statement) -> Statement:
    return statement.with_only_columns(Lead.id, maintain_column_froms=True)


def _contains(column: Any, alternatives: Sequence[Words]) -> sa.ColumnElement[bool]:
    each = (sa.and_(*(column.contains(word, autoescape=True) for word in words)) for words in alternatives)
    return sa.or_(sa.false(), *each)
