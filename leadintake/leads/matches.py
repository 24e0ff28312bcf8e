"""Search for leads, at the cost of a page however many leads there are.

1. Scan the first rows of the list: a common word fills the page.
2. Otherwise take the candidates of the index and check them, unless there are too many.
3. Repeat both with MORE times as many. So neither a word that is rarer than it seems, nor one at the end of
   the list, costs much more than the better way.

Leads not indexed yet (backfill.py) are scanned. Notes are searched beside them, by an index of their own: a
lead also matches if one of its notes has all words.
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
from leadintake.leads.conversation import LeadNote
from leadintake.leads.models import Lead
from leadintake.leads.progress import LeadTag, fold_tag
from leadintake.leads.search_index import OF_NOTES, Words

Statement = sa.Select[Any]
"""A select of leads: its type differs between SQLAlchemy 2.0 and 2.1."""
FIRST_ROWS, MAX_CANDIDATES, MORE = 500, 3000, 10
"""Rows scanned at first, candidates taken at first, factor of the next round."""
MAX_COUNTED, MAX_WALKED = 10_000, 20_000
"""Bound of a count; lists up to MAX_WALKED rows are counted without the index."""


@dataclass(frozen=True)
class Search:
    """A search for leads with all words of any alternative. Without alternatives no lead matches.

    `old_alternatives`: the same for the search text of the version before.
    """

    alternatives: Sequence[Words]
    old_alternatives: Sequence[Words]

    def narrow(self, statement: Statement, order: Order[Any], limit: int) -> Statement:
        """Select the first `limit` matches of a statement, or some more (pagination.Narrow)."""
        if not self.alternatives:
            return statement.where(sa.false())
        by_notes = self._find_by_notes(statement, order, limit)
        if not _has_unindexed():
            return _with_ids([*self._find(statement, order, limit), *by_notes])
        ordered = statement.order_by(*order.clauses(Lead))
        old = db.session.scalars(_ids(ordered.where(self._matches_unindexed())).limit(limit)).all()
        new = self._find(statement.where(Lead.search_text.is_not(None)), order, limit)
        return _with_ids([*new, *old, *by_notes])

    def count(self, statement: Statement) -> int:
        """Count the matches, MAX_COUNTED + 1 at most."""
        if not self.alternatives:
            return 0
        candidates = None
        if not _has_unindexed() and not _is_short(statement, MAX_WALKED):
            candidates = search_index.candidates_query(self.alternatives)
        notes = self._note_candidates_query()
        has_notes = notes is not None and _count_rows(notes.limit(1)) > 0
        noted = self._noted_query(notes.subquery()) if notes is not None and has_notes else None
        if candidates is None:
            matches = sa.or_(self._matches(), self._matches_unindexed())
            return count_leads(
                statement.where(matches if noted is None else sa.or_(matches, Lead.id.in_(noted)))
            )
        by_texts = self._join(statement, candidates.subquery())
        if noted is None:
            return count_leads(by_texts)
        both = sa.union(_ids(by_texts), _ids(_join_noted(statement, noted))).subquery()
        return _count_rows(sa.select(both).limit(MAX_COUNTED + 1))

    def _find(self, statement: Statement, order: Order[Any], limit: int) -> Sequence[uuid.UUID]:
        """Return the ids of the first `limit` matches, in order."""
        rows, most = max(FIRST_ROWS, 2 * limit), MAX_CANDIDATES
        candidates = None
        while True:
            found = _scan_first(statement, order, rows, self._matches())
            if len(found) >= limit or _is_short(statement, rows):
                return found[:limit]
            if candidates is None:
                candidates = search_index.candidates_query(self.alternatives)
            number = most + 1 if candidates is None else _count_rows(candidates.limit(most + 1))
            if number == 0:
                return []
            if candidates is not None and number <= most:
                # Materialized: PostgreSQL must begin with the index.
                named = candidates.limit(most).cte("named").prefix_with("MATERIALIZED", dialect="postgresql")
                matching = self._join(statement, named).order_by(*order.clauses(Lead))
                return db.session.scalars(_ids(matching).limit(limit)).all()
            rows, most = MORE * rows, MORE * most

    def _join(self, statement: Statement, named: sa.FromClause) -> Statement:
        return statement.join(named, named.c.lead_id == Lead.id).where(self._matches())

    def _find_by_notes(self, statement: Statement, order: Order[Any], limit: int) -> Sequence[uuid.UUID]:
        """Return the ids of the first `limit` leads with a matching note, in order.

        The candidates of the index come first. Of very many, the first rows of the list are scanned.
        """
        rows, most = max(FIRST_ROWS, 2 * limit), MAX_CANDIDATES
        candidates = self._note_candidates_query()
        while candidates is not None:
            number = _count_rows(candidates.limit(most + 1))
            if number == 0:
                return []
            if number <= most:
                named = candidates.limit(most).cte("named").prefix_with("MATERIALIZED", dialect="postgresql")
                matching = _join_noted(statement, self._noted_query(named)).order_by(*order.clauses(Lead))
                return db.session.scalars(_ids(matching).limit(limit)).all()
            noted = sa.select(LeadNote.id).where(LeadNote.lead_id == Lead.id, self._matches_note())
            found = _scan_first(statement, order, rows, noted.exists())
            if len(found) >= limit or _is_short(statement, rows):
                return found[:limit]
            rows, most = MORE * rows, MORE * most
        return []

    def _noted_query(self, named: sa.FromClause) -> sa.Select[Any]:
        """Select the ids of the leads with a matching note among these candidates."""
        noted = sa.select(LeadNote.lead_id).join(named, named.c.note_id == LeadNote.id)
        return noted.where(self._matches_note()).distinct()

    def _note_candidates_query(self) -> sa.Select[Any] | None:
        """Select the notes that may match; None if all words are single characters."""
        alternatives = [words for words in self.alternatives if max(map(len, words)) > 1]
        return search_index.candidates_query(alternatives, OF_NOTES) if alternatives else None

    def _matches_note(self) -> sa.ColumnElement[bool]:
        return sa.and_(LeadNote.deleted_at.is_(None), _contains(LeadNote.search_text, self.alternatives))

    def _matches(self) -> sa.ColumnElement[bool]:
        return _contains(Lead.search_text, self.alternatives)

    def _matches_unindexed(self) -> sa.ColumnElement[bool]:
        return sa.and_(Lead.search_text.is_(None), _contains(Lead.searchable, self.old_alternatives))


def _join_noted(statement: Statement, noted: sa.Select[Any]) -> Statement:
    with_note = noted.subquery("noted")
    return statement.join(with_note, with_note.c.lead_id == Lead.id)


def _scan_first(
    statement: Statement, order: Order[Any], rows: int, matches: sa.ColumnElement[bool]
) -> Sequence[uuid.UUID]:
    """Return the ids of the matches among the first rows, in order."""
    columns = (Lead.id, getattr(Lead, order.column), matches.label("matches"))
    all_rows = statement.with_only_columns(*columns, maintain_column_froms=True)
    first = all_rows.order_by(*order.clauses(Lead)).limit(rows).subquery()
    matching = sa.select(first.c.id).where(first.c.matches).order_by(*order.clauses(first.c))
    return db.session.scalars(matching).all()


def has_tag(tag: str) -> sa.ColumnElement[bool]:
    """Match leads with this tag, in upper or lower case.

    A tag of few leads is read first; of the leads with a common one enough are found on the way through
    the order of the list.
    """
    ids = sa.select(LeadTag.lead_id).where(LeadTag.folded == fold_tag(tag))
    is_rare = _count_rows(ids.limit(MAX_CANDIDATES + 1)) <= MAX_CANDIDATES
    return Lead.id.in_(ids) if is_rare else ids.where(LeadTag.lead_id == Lead.id).exists()


def count_leads(statement: Statement) -> int:
    """Count leads, MAX_COUNTED + 1 at most."""
    return _count_rows(_ids(statement).limit(MAX_COUNTED + 1))


def _with_ids(ids: Sequence[uuid.UUID]) -> Statement:
    """Select these leads by nothing else: beside a filter SQLite would walk the filter's index instead."""
    return sa.select(Lead).where(Lead.id.in_(ids))


def _has_unindexed() -> bool:
    """Return whether a lead, deleted or not, is not indexed yet. One index lookup."""
    table = Lead.__table__
    unindexed = sa.select(table.c.id).where(table.c.search_text.is_(None)).limit(1)
    return db.session.execute(unindexed).first() is not None


def _is_short(statement: Statement, rows: int) -> bool:
    """Return whether the statement has no more rows than this."""
    return _count_rows(_ids(statement).limit(rows + 1)) <= rows


def _count_rows(bounded: sa.Select[Any]) -> int:
    return db.session.execute(sa.select(sa.func.count()).select_from(bounded.subquery())).scalar_one()


def _ids(statement: Statement) -> Statement:
    return statement.with_only_columns(Lead.id, maintain_column_froms=True)


def _contains(column: Any, alternatives: Sequence[Words]) -> sa.ColumnElement[bool]:
    each = (sa.and_(*(column.contains(word, autoescape=True) for word in words)) for words in alternatives)
    return sa.or_(sa.false(), *each)
