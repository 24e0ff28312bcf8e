"""Leads that need attention, for metrics and alarms.

The numbers are kept (assignment/counters.py); the oldest lead is the first of an index.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from leadintake.assignment import counters
from leadintake.core.alarms import Problem
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.i18n.languages import N_
from leadintake.leads.distribution import workload
from leadintake.leads.models import Lead, is_in_quarantine, is_waiting
from leadintake.leads.status import where_open

WAITING_LIMIT = timedelta(hours=1)
REVIEW_LIMIT = timedelta(hours=24)


def count_states() -> dict[str, int]:
    """Count the leads that wait for an assignee, for contact, and in quarantine."""
    totals = counters.read_totals()
    return {state: totals[state] for state in ("waiting", "pending", "quarantined")}


def check_waiting() -> Problem | None:
    """Return a problem if a lead has waited for an attorney longer than WAITING_LIMIT."""
    since = _find_oldest(Lead.assigned_at, is_waiting(), in_quarantine=False)
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
    since = _find_oldest(Lead.quarantined_at, is_in_quarantine(), in_quarantine=True)
    if since is None or now() - since < REVIEW_LIMIT:
        return None
    return Problem(
        N_("The quarantine holds a submission from %(since)s that nobody has looked at."),
        N_("Release or discard it: it may be a real prospect."),
        {"since": since},
        severity="warning",
        page="desk.quarantine.show",
    )


def _find_oldest(column: Any, condition: sa.ColumnElement[bool], *, in_quarantine: bool) -> datetime | None:
    """Return this time of the oldest unassigned pending lead that matches, if there is one."""
    unassigned = sa.select(column).where(
        Lead.assignee_id.is_(None), where_open(Lead.status, Lead.outcome), condition
    )
    order = workload.oldest_first(in_quarantine=in_quarantine)
    since: datetime | None = db.session.scalar(unassigned.order_by(*order).limit(1))
    return since
