"""Leads that somebody must look after: for the metrics, and for those who must act.

Every question is answered from an index and looks at MOST rows at most, however many leads there are.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.core.alarms import Problem
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.languages import phrase
from leadintake.leads.models import MANUAL, Lead, LeadStatus

MOST = 10_000
"""Where counting ends: a number this high means so many or more."""
WAITING_TOO_LONG = timedelta(hours=1)
UNSEEN_TOO_LONG = timedelta(hours=24)

table = Lead.__table__.c
open_ones = sa.and_(table.status == LeadStatus.PENDING, table.deleted_at.is_(None))


def counts() -> dict[str, int]:
    """How many leads wait for somebody, for being reached out to, and in quarantine."""
    _, waits, in_quarantine = _nobodys()
    one, none = sa.literal(1), sa.literal(0)
    states = [sa.case((state, one), else_=none) for state in (waits, in_quarantine, ~in_quarantine)]
    sums = (sa.func.coalesce(sa.func.sum(state), 0) for state in states)
    waiting, quarantined, unassigned = db.session.execute(sa.select(*sums)).one()
    people = User.__table__
    theirs = sa.select(table.id).select_from(people.join(Lead.__table__, table.assignee_id == people.c.id))
    few = theirs.where(open_ones).limit(MOST).subquery()
    assigned = db.session.scalar(sa.select(sa.func.count()).select_from(few)) or 0
    return {"waiting": int(waiting), "pending": int(unassigned) + assigned, "quarantined": int(quarantined)}


def look_at_waiting() -> Problem | None:
    """Whether a lead has waited for an attorney too long."""
    some, waits, _ = _nobodys()
    since = db.session.scalar(sa.select(sa.func.min(some.c.assigned_at)).where(waits))
    if since is None or now() - since < WAITING_TOO_LONG:
        return None
    return Problem(
        phrase("A lead has been waiting for an attorney since %(since)s."),
        phrase("Assign it by hand, or see in its history why nobody could take it."),
        {"since": since},
        severity="warning",
        page="desk.queue.show",
    )


def look_at_quarantine() -> Problem | None:
    """Whether nobody has looked into the quarantine for too long."""
    some, _, in_quarantine = _nobodys()
    since = db.session.scalar(sa.select(sa.func.min(some.c.quarantined_at)).where(in_quarantine))
    if since is None or now() - since < UNSEEN_TOO_LONG:
        return None
    return Problem(
        phrase("The quarantine holds a submission from %(since)s that nobody has looked at."),
        phrase("Let it in or put it away: it may be a real prospect."),
        {"since": since},
        severity="warning",
        page="desk.quarantine.show",
    )


def _nobodys() -> tuple[sa.Subquery, sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Leads that nobody has; which of them wait for somebody, and which are in quarantine."""
    asked = sa.select(table.assignment_strategy, table.quarantined_at, table.assigned_at)
    some = asked.where(open_ones, table.assignee_id.is_(None)).limit(MOST).subquery()
    in_quarantine = some.c.quarantined_at.is_not(None)
    return some, sa.and_(~in_quarantine, some.c.assignment_strategy != MANUAL), in_quarantine
