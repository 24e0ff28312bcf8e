"""How the leads of a period were shared, and how soon their prospects were reached."""

from __future__ import annotations

import statistics
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from leadintake.assignment.models import AssignmentDecision
from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.errors import Invalid
from leadintake.leads.models import Decline, Lead, LeadStatus, waiting
from leadintake.leads.search import Statement, visible_to

FIRST_YEAR, LAST_YEAR = 1970, 9000
USUAL_PERIOD = timedelta(days=30)


@dataclass(frozen=True)
class Line:
    """One attorney, and the leads that arrived in the period.

    `received`: leads that were ever theirs, by any way; `open`: that are theirs now; `reached`: that
    were theirs when the prospect was; `median_seconds_to_reach`: from when such a lead came to them until
    then, None where none was reached.
    """

    user: User
    received: int
    open: int
    reached: int
    median_seconds_to_reach: float | None
    declined: int


@dataclass(frozen=True)
class Report:
    """The period (from the first instant to the one behind the last), the attorneys by name, what waits."""

    created_from: datetime
    created_to: datetime
    lines: Sequence[Line]
    waiting: int


def report(created_from: datetime | None, created_to: datetime | None, *, seen_by: User | None) -> Report:
    """The report on leads that `seen_by` may know of; that it was read is on record.

    Without an end the period ends now, without a beginning it is thirty days long.
    """
    until = created_to or now()
    _refuse_unless_in_reach("created_to", until)
    since = created_from or until - USUAL_PERIOD
    _refuse_unless_in_reach("created_from", since)
    audit.record("leads.reported", by=seen_by)
    arrived = visible_to(seen_by).where(Lead.created_at >= since, Lead.created_at < until)
    received, declined = _received(arrived), _declined(arrived)
    open_leads, reached, waits = _open(arrived), _seconds_to_reach(arrived), _waiting(arrived)
    lines = [
        Line(
            user,
            received.get(user.id, 0),
            open_leads.get(user.id, 0),
            len(reached.get(user.id, ())),
            statistics.median(reached[user.id]) if user.id in reached else None,
            declined.get(user.id, 0),
        )
        for user in auth.everyone()
        if (user.works_on_leads and user.can_intake) or user.id in {*received, *declined}
    ]
    return Report(since, until, lines, waits)


def _refuse_unless_in_reach(field: str, moment: datetime) -> None:
    """Refuse what no calendar here reaches: a period, and a time zone, must fit beside it."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Invalid({field: [f"Choose a moment between the years {FIRST_YEAR} and {LAST_YEAR}."]})


def _ids(arrived: Statement) -> Statement:
    return arrived.with_only_columns(Lead.id)


def _received(arrived: Statement) -> Mapping[uuid.UUID, int]:
    decided = sa.select(AssignmentDecision.lead_id, AssignmentDecision.user_id).where(
        AssignmentDecision.lead_id.in_(_ids(arrived)), AssignmentDecision.user_id.is_not(None)
    )
    # Leads from before decisions were kept have only their owner.
    owned = arrived.with_only_columns(Lead.id, Lead.assignee_id).where(Lead.assignee_id.is_not(None))
    both = sa.union(decided, owned).subquery()
    return _by_user(sa.select(both.c.user_id, sa.func.count()).group_by(both.c.user_id))


def _declined(arrived: Statement) -> Mapping[uuid.UUID, int]:
    declined = sa.select(Decline.user_id, sa.func.count()).where(Decline.lead_id.in_(_ids(arrived)))
    return _by_user(declined.group_by(Decline.user_id))


def _open(arrived: Statement) -> Mapping[uuid.UUID, int]:
    pending = arrived.where(Lead.status == LeadStatus.PENDING, Lead.assignee_id.is_not(None))
    return _by_user(pending.with_only_columns(Lead.assignee_id, sa.func.count()).group_by(Lead.assignee_id))


def _seconds_to_reach(arrived: Statement) -> Mapping[uuid.UUID, list[float]]:
    """How long it took whoever had the lead when its prospect was reached, by user."""
    reached = arrived.where(Lead.status == LeadStatus.REACHED_OUT)
    at = sa.func.coalesce(Lead.reached_at, Lead.updated_at)  # leads from before it was kept
    times: Any = reached.with_only_columns(Lead.id, Lead.assignee_id, Lead.assigned_at, at)
    # Leads that went to another, or to nobody, afterwards.
    moved: Any = reached.where(Lead.assigned_at > at).with_only_columns(Lead.id)
    before = _decided_before(moved)
    found: dict[uuid.UUID, list[float]] = {}
    for lead, owner, since, moment in db.session.execute(times):
        last = [one for one in before.get(lead, ()) if one[1] <= moment]
        owner, since = last[-1] if last else (owner, min(since, moment))
        if owner is not None:
            found.setdefault(owner, []).append((moment - since).total_seconds())
    return found


def _decided_before(leads: Any) -> Mapping[uuid.UUID, Sequence[tuple[uuid.UUID | None, datetime]]]:
    """Whose these leads became, and when, the first one first."""
    decided: Any = sa.select(
        AssignmentDecision.lead_id, AssignmentDecision.user_id, AssignmentDecision.created_at
    ).where(AssignmentDecision.lead_id.in_(leads))
    found: dict[uuid.UUID, list[tuple[uuid.UUID | None, datetime]]] = {}
    for lead, user, moment in db.session.execute(decided.order_by(AssignmentDecision.created_at)):
        found.setdefault(lead, []).append((user, moment))
    return found


def _waiting(arrived: Statement) -> int:
    tally = arrived.where(waiting()).with_only_columns(sa.func.count(Lead.id), maintain_column_froms=True)
    return int(db.session.scalar(tally) or 0)


def _by_user(grouped: Any) -> Mapping[uuid.UUID, int]:
    return dict(db.session.execute(grouped).all())
