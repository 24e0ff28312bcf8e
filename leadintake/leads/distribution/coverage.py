"""What an absence does to the leads of who is away: foretold, counted, and undone."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from leadintake.assignment.absences import absences
from leadintake.assignment.models import Absence, AssignmentDecision
from leadintake.assignment.service import assignment
from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.auth.people import departures
from leadintake.auth.service import auth
from leadintake.core.actor import ANONYMOUS, SYSTEM
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.errors import Conflict
from leadintake.leads.distribution import alerts, ownership, requests, transfers, workload
from leadintake.leads.models import Lead, LeadEvent, Screen
from leadintake.leads.status import is_open

CAUSE = "handed_back"
UNDO_WITHIN = timedelta(hours=1)
MAX_FORECAST = 500
"""Leads that a forecast decides on."""


@dataclass(frozen=True)
class Forecast:
    """Leads by their next assignee, in names. `is_exact`: without chance; `is_whole`: of all leads."""

    shares: Sequence[tuple[str, int]]
    is_exact: bool = True
    is_whole: bool = True

    @property
    def total(self) -> int:
        """The number of leads."""
        return sum(number for _, number in self.shares)


def forecast(absence: Absence, *, reader: User) -> Forecast:
    """Return to whom the open leads go if this absence begins now: the same decisions, none of them stored.

    Leads that the reader is screened from are decided on, and not counted.
    """
    condition = requests.is_pending_with(absence.user_id)
    oldest_query = sa.select(Lead.assigned_at, *requests.COLUMNS).where(condition)
    found = db.session.execute(oldest_query.order_by(Lead.created_at, Lead.id).limit(MAX_FORECAST + 1)).all()
    leads = found[:MAX_FORECAST]
    decisions = assignment.begin(workload.count_recent_leads)
    decisions.assume_away(absence)
    owners: dict[uuid.UUID, uuid.UUID | None] = {}
    strategies = set()
    for lead, request in zip(leads, requests.build_requests(leads, condition), strict=True):
        decisions.uncount(absence.user_id, lead.assigned_at)
        decision = decisions.next(request, cause=CAUSE)
        owners[lead.id] = decision.user_id
        strategies.add(decision.strategy)
    shares = _name_shares(owners, reader)
    return Forecast(shares, "random" not in strategies, is_whole=len(found) == len(leads))


def count_moves(absence: Absence, *, reader: User) -> Forecast:
    """Return where the absence moved leads, like a forecast. Workers move the rest of very many."""
    owners = {move.lead_id: move.user_id for _, move in _find_moves(absence)}
    left_query = sa.select(Lead.id).where(requests.is_pending_with(absence.user_id)).limit(1)
    return Forecast(_name_shares(owners, reader), is_whole=db.session.scalar(left_query) is None)


def may_undo(absence: Absence) -> bool:
    """Return whether the absence began, and was recorded within UNDO_WITHIN."""
    return absence.first_day <= absences.today() and now() - absence.created_at <= UNDO_WITHIN


def undo(absence: Absence, *, actor: User) -> int:
    """End an absence, return the leads it moved that have no later act, and count them.

    Raises Conflict if it is too old, or the user is away for another reason.
    """
    departures.lock_assignment()
    absence = absences.get(absence.id)  # a concurrent request may have ended it
    if not may_undo(absence):
        raise Conflict("This was recorded more than an hour ago. End the absence instead.")
    person = absence.user
    absences.end(absence, actor=actor)
    if not assignment.may_hold_leads(person):
        raise Conflict(f"{person.name} is away for another reason, too. End that absence first.")
    moves = [move for former_id, move in _find_moves(absence) if former_id == person.id]
    screened = workload.excluded_users_by_lead([move.lead_id for move in moves], Screen)
    leads = [lead for lead in _lock_untouched(moves) if person.id not in screened.get(lead.id, ())]
    why = f"The absence of {person.name} was undone."
    returned = [(lead.assigned_to, lead) for lead in leads]
    for lead in leads:
        ownership.set_owner_manually(lead, person, why, actor=actor, alert_owner=False, tell_former=False)
    transfers.tell_former_owners(returned, why, actor=actor)
    if leads and person is not actor:
        transfers.enqueue(person, leads, why, "This is yours again:")
    audit.record("absence.undone", actor=actor, about=("user", person.id), leads=len(leads))
    return sum(actor.id not in screened.get(lead.id, ()) for lead in leads)


def _find_moves(absence: Absence) -> Sequence[tuple[uuid.UUID | None, AssignmentDecision]]:
    """Return the last decisions on leads that were handed back since the absence was recorded.

    Each with the earlier assignee, None if unknown. The index on users and times narrows the decisions.
    """
    people = [user.id for user in auth.everyone()]
    is_recent = sa.and_(
        sa.or_(AssignmentDecision.user_id.in_(people), AssignmentDecision.user_id.is_(None)),
        AssignmentDecision.created_at >= absence.created_at,
        AssignmentDecision.cause == CAUSE,
        AssignmentDecision.reason.startswith(absence.reason, autoescape=True),
    )
    moved = sa.select(AssignmentDecision.lead_id).where(is_recent)
    decision_query = sa.select(AssignmentDecision).where(AssignmentDecision.lead_id.in_(moved))
    by_lead: dict[uuid.UUID, list[AssignmentDecision]] = {}
    for decision in db.session.scalars(
        decision_query.order_by(AssignmentDecision.created_at, AssignmentDecision.id)
    ):
        by_lead.setdefault(decision.lead_id, []).append(decision)
    return [
        (chain[-2].user_id if len(chain) > 1 else None, chain[-1])
        for chain in by_lead.values()
        if chain[-1].cause == CAUSE
    ]


def _lock_untouched(moves: Sequence[AssignmentDecision]) -> Sequence[Lead]:
    """Lock the leads of these decisions; return those still as decided, on which no person acted since."""
    decisions = {move.lead_id: move for move in moves}
    leads = requests.lock_leads(Lead.id.in_(decisions), limit=MAX_FORECAST)
    by_people = LeadEvent.actor.not_in((alerts.name_of(SYSTEM), alerts.name_of(ANONYMOUS)))
    event_query = sa.select(LeadEvent.lead_id, LeadEvent.at).where(LeadEvent.lead_id.in_(decisions))
    acts = db.session.execute(event_query.where(by_people)).all()
    return [
        lead
        for lead in leads
        if lead.assignee_id == decisions[lead.id].user_id
        and is_open(lead.status, lead.outcome)
        and not any(act.lead_id == lead.id and act.at >= decisions[lead.id].created_at for act in acts)
    ]


def _name_shares(owners: Mapping[uuid.UUID, uuid.UUID | None], reader: User) -> Sequence[tuple[str, int]]:
    """Return the numbers of leads by name, largest first; those of nobody come last."""
    names = {user.id: user.name for user in auth.everyone()}
    screened = workload.excluded_users_by_lead([*owners], Screen)
    numbers = Counter(owner for lead, owner in owners.items() if reader.id not in screened.get(lead, ()))
    unassigned = numbers.pop(None, 0)
    shares = [(names.get(user_id, ""), number) for user_id, number in numbers.most_common() if user_id]
    return [*shares, *([("nobody yet", unassigned)] if unassigned else [])]
