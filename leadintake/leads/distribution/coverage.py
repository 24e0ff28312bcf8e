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
from leadintake.core.db.database import db, read_only
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Conflict
from leadintake.leads.distribution import alerts, ownership, requests, transfers, workload
from leadintake.leads.distribution.handover import HANDED_BACK
from leadintake.leads.models import Lead, LeadEvent, Screen
from leadintake.leads.status import where_open

UNDO_WITHIN = timedelta(hours=1)
MAX_FORECAST = 500
"""Leads that a forecast decides on."""
MAX_RETURNED = 100
"""Leads returned per transaction: submissions wait for its lock."""


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
        decision = decisions.next(request, cause=HANDED_BACK)
        owners[lead.id] = decision.user_id
        strategies.add(decision.strategy)
    shares = _name_shares(owners, reader)
    return Forecast(shares, "random" not in strategies, is_whole=len(found) == len(leads))


def count_moves(absence: Absence, *, reader: User) -> Forecast:
    """Return where the absence moved leads, like a forecast. Workers move the rest of very many."""
    owners = {move.lead_id: move.user_id for move in _list_moves(absence)}
    left_query = sa.select(Lead.id).where(requests.is_pending_with(absence.user_id)).limit(1)
    return Forecast(_name_shares(owners, reader), is_whole=db.session.scalar(left_query) is None)


def may_undo(absence: Absence) -> bool:
    """Return whether the absence began, and was recorded within UNDO_WITHIN."""
    return absence.first_day <= absences.today() and now() - absence.created_at <= UNDO_WITHIN


def undo(absence: Absence, *, actor: User) -> tuple[int, bool]:
    """End an absence, and return the leads it moved that have no later act, MAX_RETURNED at most.

    Return their number, and whether there are more: worker ticks continue. Raises Conflict if the absence is
    too old, or the user is away for another reason.
    """
    departures.lock_assignment()
    absence = absences.get(absence.id)  # a concurrent request may have ended it
    if not may_undo(absence):
        raise Conflict("This was recorded more than an hour ago. End the absence instead.")
    person = absence.user
    absences.end(absence, actor=actor)
    if not assignment.may_hold_leads(person):
        raise Conflict(f"{person.name} is away for another reason, too. End that absence first.")
    absence.undone_by = actor.id
    leads = _return_some(absence, actor=actor)
    screened = workload.excluded_users_by_lead([lead.id for lead in leads], Screen)
    number = sum(actor.id not in screened.get(lead.id, ()) for lead in leads)
    return number, len(leads) == MAX_RETURNED and bool(_list_untouched(absence, limit=1))


def run_worker_tick() -> bool:
    """Return more leads of the absences that were undone; return whether any came back.

    Nothing more comes back to a person who is gone, or away again: that absence is not undone any more.
    """
    with read_only():
        undone = [absence.id for absence in _list_undone() if _list_untouched(absence, limit=1)]
        db.session.rollback()
    number = 0
    for absence_id in undone:
        with transaction():
            departures.lock_assignment()
            for absence in _list_undone():
                if absence.id == absence_id:
                    number += _continue_undo(absence)
    return number > 0


def _continue_undo(absence: Absence) -> int:
    """Return some leads, and their number. The caller holds the assignment lock."""
    actor = auth.get(absence.undone_by) if absence.undone_by else None
    if actor is not None and assignment.may_hold_leads(absence.user):
        return len(_return_some(absence, actor=actor))
    absence.undone_by = None
    return 0


def _list_undone() -> Sequence[Absence]:
    """Return the absences undone within UNDO_WITHIN."""
    undone_query = sa.select(Absence).where(
        Absence.undone_by.is_not(None), Absence.deleted_at > now() - UNDO_WITHIN
    )
    return db.session.scalars(undone_query.execution_options(include_deleted=True)).all()


def _return_some(absence: Absence, *, actor: User) -> Sequence[Lead]:
    """Return MAX_RETURNED leads at most. The caller holds the assignment lock."""
    person, why = absence.user, f"The absence of {absence.user.name} was undone."
    leads = _lock_untouched(absence)
    returned = [(lead.assigned_to, lead) for lead in leads]
    for lead in leads:
        ownership.set_owner_manually(lead, person, why, actor=actor, alert_owner=False, tell_former=False)
    transfers.tell_former_owners(returned, why, actor=actor)
    if leads and person is not actor:
        transfers.enqueue(person, leads, why, transfers.YOURS_AGAIN)
    audit.record("absence.undone", actor=actor, about=("user", person.id), leads=len(leads))
    return leads


def _list_moves(absence: Absence) -> Sequence[AssignmentDecision]:
    """Return the decisions that handed leads back because of the absence, in their order."""
    move_query = sa.select(AssignmentDecision).where(AssignmentDecision.absence_id == absence.id)
    return db.session.scalars(move_query.order_by(AssignmentDecision.created_at, AssignmentDecision.id)).all()


def _list_untouched(absence: Absence, *, limit: int) -> Sequence[uuid.UUID]:
    """Return ids of leads still as the absence moved them, on which no person acted since, oldest first.

    Without those that the person was screened from.
    """
    move = AssignmentDecision
    same_owner = sa.or_(
        Lead.assignee_id == move.user_id, sa.and_(Lead.assignee_id.is_(None), move.user_id.is_(None))
    )
    acts = sa.exists().where(
        LeadEvent.lead_id == Lead.id,
        LeadEvent.actor.not_in((alerts.name_of(SYSTEM), alerts.name_of(ANONYMOUS))),
        LeadEvent.at >= move.created_at,
    )
    is_screened = sa.exists().where(Screen.lead_id == Lead.id, Screen.user_id == absence.user_id)
    lead_query = (
        sa.select(Lead.id)
        .join(move, move.lead_id == Lead.id)
        .where(move.absence_id == absence.id, same_owner, where_open(Lead.status, Lead.outcome))
        .where(~acts, ~is_screened)
    )
    return db.session.scalars(lead_query.order_by(Lead.created_at, Lead.id).limit(limit)).unique().all()


def _lock_untouched(absence: Absence) -> Sequence[Lead]:
    """Lock the leads, then look again: a person may have acted meanwhile."""
    ids = _list_untouched(absence, limit=MAX_RETURNED)
    leads = requests.lock_leads(Lead.id.in_(ids), limit=MAX_RETURNED)
    untouched = {*_list_untouched(absence, limit=MAX_RETURNED)}
    return [lead for lead in leads if lead.id in untouched]


def _name_shares(owners: Mapping[uuid.UUID, uuid.UUID | None], reader: User) -> Sequence[tuple[str, int]]:
    """Return the numbers of leads by name, largest first; those of nobody come last."""
    names = {user.id: user.name for user in auth.everyone()}
    screened = workload.excluded_users_by_lead([*owners], Screen)
    numbers = Counter(owner for lead, owner in owners.items() if reader.id not in screened.get(lead, ()))
    unassigned = numbers.pop(None, 0)
    shares = [(names.get(user_id, ""), number) for user_id, number in numbers.most_common() if user_id]
    return [*shares, *([("nobody yet", unassigned)] if unassigned else [])]
