"""Metrics and alarms of leads. Each query uses an index and reads at most MAX_ROWS rows."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.core.alarms import Problem
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.i18n.languages import N_
from leadintake.leads.models import MANUAL, Lead
from leadintake.leads.status import where_listed, where_open, where_quarantined

MAX_ROWS = 10_000
"""Bound of every count."""
WAITING_LIMIT = timedelta(hours=1)
REVIEW_LIMIT = timedelta(hours=24)

table = Lead.__table__.c
is_open_row = sa.and_(where_open(table.status), table.deleted_at.is_(None))


def count_states() -> dict[str, int]:
    """Count the leads waiting for an assignee, pending, and in quarantine."""
    unassigned, is_waiting, is_quarantined = _unassigned_queries()
    one, none = sa.literal(1), sa.literal(0)
    is_listed = where_listed(unassigned.c.gate, unassigned.c.quarantined_at)
    states = [sa.case((state, one), else_=none) for state in (is_waiting, is_quarantined, is_listed)]
    sums = (sa.func.coalesce(sa.func.sum(state), 0) for state in states)
    waiting, quarantined, ownerless = db.session.execute(sa.select(*sums)).one()
    people = User.__table__
    assigned_query = sa.select(table.id).select_from(
        people.join(Lead.__table__, table.assignee_id == people.c.id)
    )
    bounded = assigned_query.where(is_open_row).limit(MAX_ROWS).subquery()
    assigned = db.session.scalar(sa.select(sa.func.count()).select_from(bounded)) or 0
    return {"waiting": int(waiting), "pending": int(ownerless) + assigned, "quarantined": int(quarantined)}


def check_waiting() -> Problem | None:
    """Return a problem if a lead has waited for an attorney longer than WAITING_LIMIT."""
    unassigned, is_waiting, _ = _unassigned_queries()
    since = db.session.scalar(sa.select(sa.func.min(unassigned.c.assigned_at)).where(is_waiting))
    if since is None or now() - since < WAITING_LIMIT:
        return None
    return Problem(
        N_("A lead has been waiting for an attorney since %(since)s."),
        N_("Assign it by hand, or see in its history why nobody could take it."),
        {"since": since},
        severity="warning",
        page="desk.queue.show",
    )


def check_quarantine() -> Problem | None:
    """Return a problem if a lead has been in quarantine longer than REVIEW_LIMIT."""
    unassigned, _, is_quarantined = _unassigned_queries()
    since = db.session.scalar(sa.select(sa.func.min(unassigned.c.quarantined_at)).where(is_quarantined))
    if since is None or now() - since < REVIEW_LIMIT:
        return None
    return Problem(
        N_("The quarantine holds a submission from %(since)s that nobody has looked at."),
        N_("Release or discard it: it may be a real prospect."),
        {"since": since},
        severity="warning",
        page="desk.quarantine.show",
    )


def _unassigned_queries() -> tuple[sa.Subquery, sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Return the unassigned open leads, and the conditions of waiting and quarantined ones."""
    columns_query = sa.select(table.assignment_strategy, table.gate, table.quarantined_at, table.assigned_at)
    unassigned = columns_query.where(is_open_row, table.assignee_id.is_(None)).limit(MAX_ROWS).subquery()
    states = unassigned.c.gate, unassigned.c.quarantined_at
    is_waiting = sa.and_(where_listed(*states), unassigned.c.assignment_strategy != MANUAL)
    return unassigned, is_waiting, where_quarantined(*states)
