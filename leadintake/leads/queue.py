"""What somebody sees who sits down to work: their own open leads first, then the others."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.core.database import db
from leadintake.core.pages import Order, Page, page_of
from leadintake.leads.models import Lead, LeadStatus
from leadintake.leads.schemas import LeadFilter
from leadintake.leads.search import Statement, matching, visible_to

MOST_OF_MINE = 50


class Queue:
    """The leads in the order in which somebody wants to look at them."""

    def mine(self, person: User) -> Sequence[Lead]:
        """Their leads whose prospect waits, the one that waits longest first; one more than are shown."""
        oldest = _waiting_with(person).order_by(Lead.created_at, Lead.id).limit(MOST_OF_MINE + 1)
        return db.session.scalars(oldest).all()

    def others(self, wanted: LeadFilter, *, seen_by: User, limit: int, cursor: str | None) -> Page[Lead]:
        """The other leads, in the wanted order; that they were listed, with one's own, is on record."""
        theirs_or_nobodys = sa.or_(Lead.assignee_id.is_(None), Lead.assignee_id != seen_by.id)
        others = matching(wanted, seen_by).where(sa.or_(Lead.status != LeadStatus.PENDING, theirs_or_nobodys))
        audit.record("leads.listed", by=seen_by, filters=wanted.names())
        order = Order.parse(Lead, wanted.sort)
        return page_of(others, order, limit=limit, cursor=cursor, bound_to={"others": seen_by.id})

    def pulse(self, *, seen_by: User) -> str:
        """Changes whenever a lead that `seen_by` may know of does, or leaves them. No lead is read for it."""
        latest = visible_to(seen_by).with_only_columns(Lead.id, Lead.version, maintain_column_froms=True)
        newest = latest.order_by(Lead.updated_at.desc(), Lead.id.desc()).limit(1)
        row = db.session.execute(newest.execution_options(include_deleted=True)).first()
        mine = _waiting_with(seen_by).with_only_columns(sa.func.count(Lead.id), maintain_column_froms=True)
        last = f"{row.id.hex}-{row.version}" if row else "none"
        return f"{last}-{db.session.scalar(mine)}"


def _waiting_with(person: User) -> Statement:
    return visible_to(person).where(Lead.assignee_id == person.id, Lead.status == LeadStatus.PENDING)


queue = Queue()
