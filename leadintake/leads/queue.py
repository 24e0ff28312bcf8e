"""What somebody sees who sits down to work: their own open leads first, then the others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.core.database import db
from leadintake.core.pages import Order, Page, page_of
from leadintake.leads.models import Lead, LeadStatus
from leadintake.leads.schemas import LeadFilter
from leadintake.leads.search import Statement, matching, visible_to

MOST_OF_MINE = 50
MOST_WATCHED, MOST_COUNTED = 100, 10_000
"""Of the leads behind a pulse: what an open page asks for every ten seconds has a price."""


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
        """Changes whenever a lead that `seen_by` may know of does, comes, or leaves them.

        It is a digest of what they may see and nothing else: a lead that was deleted, is hidden from them or
        waits in quarantine leaves no trace in it. Beyond MOST_COUNTED leads it does not tell that one went
        which is not among the MOST_WATCHED changed last.
        """
        seen = visible_to(seen_by).with_only_columns(Lead.id, Lead.version, maintain_column_froms=True)
        latest = seen.order_by(Lead.updated_at.desc(), Lead.id.desc()).limit(MOST_WATCHED)
        watched = [(row.id.hex, row.version) for row in db.session.execute(latest)]
        counts = [db.session.scalar(_tally(some)) for some in (seen, _waiting_with(seen_by))]
        return hashlib.sha256(msgspec.json.encode([watched, counts])).hexdigest()[:32]


def _tally(some: Any) -> sa.Select[Any]:
    """How many leads these are, as far as they are counted."""
    bounded = some.with_only_columns(Lead.id, maintain_column_froms=True).limit(MOST_COUNTED)
    return sa.select(sa.func.count()).select_from(bounded.subquery())


def _waiting_with(person: User) -> Statement:
    return visible_to(person).where(Lead.assignee_id == person.id, Lead.status == LeadStatus.PENDING)


queue = Queue()
