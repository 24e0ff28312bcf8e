"""The desk's queue: a user's own open leads, then the others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.core.db.database import db
from leadintake.core.db.pagination import Order, Page, page_of
from leadintake.leads.matches import Statement
from leadintake.leads.models import Lead
from leadintake.leads.schemas import LeadFilter
from leadintake.leads.search import matching_query, visible_query
from leadintake.leads.status import where_open

MAX_OWN = 50
MAX_WATCHED, MAX_COUNTED = 100, 10_000
"""Leads read for a pulse: each open page requests one every ten seconds."""


class Queue:
    """Leads in working order."""

    def list_own(self, user: User) -> Sequence[Lead]:
        """Return the user's open leads, oldest first, MAX_OWN + 1 at most."""
        oldest_query = _own_open_query(user).order_by(Lead.created_at, Lead.id).limit(MAX_OWN + 1)
        return db.session.scalars(oldest_query).all()

    def page_others(self, filters: LeadFilter, *, actor: User, limit: int, cursor: str | None) -> Page[Lead]:
        """Return a page of the other visible leads, and audit the listing of all."""
        not_own = sa.or_(Lead.assignee_id.is_(None), Lead.assignee_id != actor.id)
        others_query = matching_query(filters, actor).where(sa.or_(sa.not_(where_open(Lead.status)), not_own))
        audit.record("leads.listed", actor=actor, filters=filters.names())
        order = Order.parse(Lead, filters.sort)
        return page_of(others_query, order, limit=limit, cursor=cursor, bound_to={"others": actor.id})

    def pulse(self, *, reader: User) -> str:
        """Return a digest that changes when a lead visible to `reader` changes, appears or disappears.

        With more than MAX_COUNTED leads it may miss one that disappears and is not among the MAX_WATCHED
        changed last.
        """
        visible = visible_query(reader).with_only_columns(Lead.id, Lead.version, maintain_column_froms=True)
        latest_query = visible.order_by(Lead.updated_at.desc(), Lead.id.desc()).limit(MAX_WATCHED)
        recent = [(row.id.hex, row.version) for row in db.session.execute(latest_query)]
        counts = [
            db.session.scalar(_count_query(leads_query)) for leads_query in (visible, _own_open_query(reader))
        ]
        return hashlib.sha256(msgspec.json.encode([recent, counts])).hexdigest()[:32]


def _count_query(leads_query: Any) -> sa.Select[Any]:
    """Count leads, MAX_COUNTED at most."""
    bounded = leads_query.with_only_columns(Lead.id, maintain_column_froms=True).limit(MAX_COUNTED)
    return sa.select(sa.func.count()).select_from(bounded.subquery())


def _own_open_query(user: User) -> Statement:
    return visible_query(user).where(Lead.assignee_id == user.id, where_open(Lead.status))


queue = Queue()
