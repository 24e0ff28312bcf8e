"""The desk's queue: a user's own open leads, then the others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from leadintake.assignment import counters
from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.core.db.database import db
from leadintake.core.db.pagination import Page
from leadintake.leads.listing import list_others, list_own
from leadintake.leads.models import Lead, Screen, is_listed
from leadintake.leads.schemas import LeadFilter
from leadintake.leads.search import sees_all, visible_query
from leadintake.leads.status import where_open

MAX_OWN = 50
MAX_WATCHED = 100
"""Leads read for a pulse: each open page requests one every ten seconds."""


class Queue:
    """Leads in working order."""

    def list_own(self, user: User) -> Sequence[Lead]:
        """Return the user's open leads, oldest first, MAX_OWN + 1 at most."""
        return list_own(user).page(limit=MAX_OWN + 1, cursor=None).items

    def page_others(self, filters: LeadFilter, *, actor: User, limit: int, cursor: str | None) -> Page[Lead]:
        """Return a page of the other visible leads, and audit the listing of all."""
        audit.record("leads.listed", actor=actor, filters=filters.names())
        return list_others(filters, actor).page(limit=limit, cursor=cursor)

    def pulse(self, *, reader: User) -> str:
        """Return a digest that changes when a lead visible to `reader` changes, appears or disappears.

        It reads the MAX_WATCHED leads changed last, those the reader is screened from, and kept numbers.
        """
        visible = visible_query(reader).with_only_columns(Lead.id, Lead.version, maintain_column_froms=True)
        latest_query = visible.order_by(Lead.updated_at.desc(), Lead.id.desc()).limit(MAX_WATCHED)
        recent = [(row.id.hex, row.version) for row in db.session.execute(latest_query)]
        listed, pending = _count_visible(reader)
        return hashlib.sha256(msgspec.json.encode([recent, listed, pending])).hexdigest()[:32]


def _count_visible(reader: User) -> tuple[int, int]:
    """Return the numbers of visible leads and of the reader's own pending ones.

    Those the reader is screened from, which are few, are subtracted from the numbers that are kept.
    """
    one, none = sa.literal(1), sa.literal(0)
    is_own = Lead.assignee_id == reader.id
    sees_others = sees_all(reader)
    hidden = sa.true() if sees_others else is_own
    conditions = (hidden, sa.and_(is_own, where_open(Lead.status, Lead.outcome)))
    sums = (sa.func.coalesce(sa.func.sum(sa.case((each, one), else_=none)), 0) for each in conditions)
    # Not narrowed to own leads: SQLite would read these, not the screens.
    screened = sa.select(*sums).select_from(Screen).join(Lead, Lead.id == Screen.lead_id)
    listed, pending = db.session.execute(screened.where(Screen.user_id == reader.id, is_listed())).one()
    all_listed = counters.read_listed(None if sees_others else reader.id)
    return all_listed - int(listed), counters.read_pending(reader.id) - int(pending)


queue = Queue()
