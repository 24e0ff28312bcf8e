"""Report: how leads were shared, and how soon prospects were contacted."""

from __future__ import annotations

import statistics
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from leadintake.assignment.models import AssignmentDecision
from leadintake.audit.service import audit
from leadintake.auth.actor import UserOrOperator
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.errors import UnprocessableContent
from leadintake.leads.matches import Statement
from leadintake.leads.models import Decline, Lead, is_waiting
from leadintake.leads.search import visible_query
from leadintake.leads.status import Outcome, where_open, where_reached

FIRST_YEAR, LAST_YEAR = 1970, 9000
USUAL_PERIOD = timedelta(days=30)


@dataclass(frozen=True)
class Line:
    """A user's share of the leads that arrived in the period.

    `received`: ever assigned; `open`: assigned now, and open; `reached`: assigned at the contact;
    `median_seconds_to_reach`: from that assignment to the contact, None if none.
    """

    user: User
    received: int
    open: int
    reached: int
    median_seconds_to_reach: float | None
    declined: int
    outcomes: Mapping[Outcome, int]
    """Of the leads assigned now."""


@dataclass(frozen=True)
class Report:
    """The period (end excluded), users by name, the number of waiting leads, and those of all outcomes."""

    created_from: datetime
    created_to: datetime
    lines: Sequence[Line]
    waiting: int
    outcomes: Mapping[Outcome, int]


def report(created_from: datetime | None, created_to: datetime | None, *, actor: UserOrOperator) -> Report:
    """Report on the leads visible to `actor`, and audit it. Default: thirty days until now.

    Raises UnprocessableContent.
    """
    until = created_to or now()
    _check_year("created_to", until)
    since = created_from or until - USUAL_PERIOD
    _check_year("created_from", since)
    audit.record("leads.reported", actor=actor)
    arrival_query = visible_query(actor).where(Lead.created_at >= since, Lead.created_at < until)
    received, declined = _count_received(arrival_query), _count_declined(arrival_query)
    open_leads, reached, waiting_count = (
        _count_open(arrival_query),
        _measure_reaching(arrival_query),
        _count_waiting(arrival_query),
    )
    outcomes = _count_outcomes(arrival_query)
    lines = [
        Line(
            user,
            received.get(user.id, 0),
            open_leads.get(user.id, 0),
            len(reached.get(user.id, ())),
            statistics.median(reached[user.id]) if user.id in reached else None,
            declined.get(user.id, 0),
            {outcome: outcomes.get((user.id, outcome), 0) for outcome in Outcome},
        )
        for user in auth.everyone()
        if (user.works_on_leads and user.can_intake) or user.id in {*received, *declined}
    ]
    totals = Counter[Outcome]()
    for (_, outcome), number in outcomes.items():
        totals[outcome] += number
    return Report(since, until, lines, waiting_count, {outcome: totals[outcome] for outcome in Outcome})


def _check_year(field: str, moment: datetime) -> None:
    """Refuse dates that would overflow with a period or time zone."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise UnprocessableContent(
            {field: [f"Choose a moment between the years {FIRST_YEAR} and {LAST_YEAR}."]}
        )


def _ids_query(arrival_query: Statement) -> Statement:
    return arrival_query.with_only_columns(Lead.id)


def _count_received(arrival_query: Statement) -> Mapping[uuid.UUID, int]:
    decision_query = sa.select(AssignmentDecision.lead_id, AssignmentDecision.user_id).where(
        AssignmentDecision.lead_id.in_(_ids_query(arrival_query)), AssignmentDecision.user_id.is_not(None)
    )
    # Leads older than the table of decisions.
    owned = arrival_query.with_only_columns(Lead.id, Lead.assignee_id).where(Lead.assignee_id.is_not(None))
    owner_query = sa.union(decision_query, owned).subquery()
    return _fetch_by_user(sa.select(owner_query.c.user_id, sa.func.count()).group_by(owner_query.c.user_id))


def _count_declined(arrival_query: Statement) -> Mapping[uuid.UUID, int]:
    decline_query = sa.select(Decline.user_id, sa.func.count()).where(
        Decline.lead_id.in_(_ids_query(arrival_query))
    )
    return _fetch_by_user(decline_query.group_by(Decline.user_id))


def _count_open(arrival_query: Statement) -> Mapping[uuid.UUID, int]:
    pending = arrival_query.where(where_open(Lead.status, Lead.outcome), Lead.assignee_id.is_not(None))
    return _fetch_by_user(
        pending.with_only_columns(Lead.assignee_id, sa.func.count()).group_by(Lead.assignee_id)
    )


def _count_outcomes(arrival_query: Statement) -> Mapping[tuple[uuid.UUID | None, Outcome], int]:
    """Return the numbers of leads by assignee and outcome."""
    ended = arrival_query.where(Lead.outcome.is_not(None))
    columns: Any = (Lead.assignee_id, Lead.outcome, sa.func.count())
    rows = db.session.execute(ended.with_only_columns(*columns).group_by(Lead.assignee_id, Lead.outcome))
    return {(assignee_id, outcome): number for assignee_id, outcome, number in rows}


def _measure_reaching(arrival_query: Statement) -> Mapping[uuid.UUID, list[float]]:
    """Return the seconds from assignment to contact, by the assignee at the contact."""
    reached = arrival_query.where(where_reached(Lead.status))
    at = sa.func.coalesce(Lead.reached_at, Lead.updated_at)  # leads older than the column
    times: Any = reached.with_only_columns(Lead.id, Lead.assignee_id, Lead.assigned_at, at)
    # Leads reassigned or unassigned after the contact.
    moved: Any = reached.where(Lead.assigned_at > at).with_only_columns(Lead.id)
    before = _list_decisions(moved)
    seconds_by_user: dict[uuid.UUID, list[float]] = {}
    for lead, owner, since, moment in db.session.execute(times):
        earlier = [decision for decision in before.get(lead, ()) if decision[1] <= moment]
        owner, since = earlier[-1] if earlier else (owner, min(since, moment))
        if owner is not None:
            seconds_by_user.setdefault(owner, []).append((moment - since).total_seconds())
    return seconds_by_user


def _list_decisions(leads: Any) -> Mapping[uuid.UUID, Sequence[tuple[uuid.UUID | None, datetime]]]:
    """Return the assignees of these leads with their times, oldest first."""
    decision_query: Any = sa.select(
        AssignmentDecision.lead_id, AssignmentDecision.user_id, AssignmentDecision.created_at
    ).where(AssignmentDecision.lead_id.in_(leads))
    decisions: dict[uuid.UUID, list[tuple[uuid.UUID | None, datetime]]] = {}
    for lead, user, moment in db.session.execute(decision_query.order_by(AssignmentDecision.created_at)):
        decisions.setdefault(lead, []).append((user, moment))
    return decisions


def _count_waiting(arrival_query: Statement) -> int:
    count_query = arrival_query.where(is_waiting()).with_only_columns(
        sa.func.count(Lead.id), maintain_column_froms=True
    )
    return int(db.session.scalar(count_query) or 0)


def _fetch_by_user(count_query: Any) -> Mapping[uuid.UUID, int]:
    return dict(db.session.execute(count_query).all())
