"""Automatic assignment after arrival: of leads whose assignee may not keep them, and of waiting leads.

Callers hold the assignment lock, except of run_worker_tick, which takes it. A lead waits if it is open,
listed and unassigned, but not by a person's decision (models.is_waiting).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
import structlog

from leadintake.assignment.absences import absences
from leadintake.assignment.allocator import WORKERS, Allocator, LeadToAssign
from leadintake.assignment.service import assignment
from leadintake.audit.service import audit
from leadintake.auth.actor import Actor
from leadintake.auth.models import User
from leadintake.auth.people import departures
from leadintake.auth.people.departures import UserDeparted
from leadintake.auth.service import auth
from leadintake.core.actor import SYSTEM
from leadintake.core.db.database import db, read_only
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Conflict, Forbidden, UnprocessableContent
from leadintake.core.text import TooLong, has_controls, is_invisible, normalize_text
from leadintake.leads.distribution import alerts, ownership, requests, transfers, workload
from leadintake.leads.models import Decline, Lead, is_waiting
from leadintake.leads.status import is_pending, where_open

Condition = sa.ColumnElement[bool]
HANDED_BACK = "handed_back"
MAX_WORDS_LENGTH = 500
MAX_AT_ONCE = 100
"""Leads reassigned per transaction: submissions wait for its lock. The next worker tick continues."""
log = structlog.get_logger()


class Handover:
    """Hand leads on. `cause`: a word for the stored decision; `why`: a sentence for people."""

    def hand_back_on_departure(self, departure: UserDeparted) -> None:
        """Listen to `user_departed`."""
        self.hand_back(departure.user_id, departure.reason, departure.actor)

    def hand_back(self, user_id: uuid.UUID, why: str, actor: Actor) -> None:
        """Reassign the open leads of a user who may not have any, oldest first, MAX_AT_ONCE at most.

        Worker ticks continue. Alerts to the user wait meanwhile (alerts.check_alert).
        """
        self._hand_on_matching(requests.is_pending_with(user_id), HANDED_BACK, why, actor=actor)

    def hand_on(self, lead: Lead, cause: str, why: str, *, actor: Actor) -> None:
        """Reassign one lead."""
        self._hand_on_matching(Lead.id == lead.id, cause, why, actor=actor)

    def decline(self, lead: Lead, words: str, *, actor: User) -> None:
        """Reassign a lead that its assignee declines. It never returns to them automatically.

        Raises Forbidden for another user's lead, Conflict if the prospect was contacted, UnprocessableContent
        for an invalid reason.
        """
        if lead.assignee_id != actor.id:
            raise Forbidden("This lead is not yours to decline. A manager may hand it over.")
        if not is_pending(lead.status):
            raise Conflict("This prospect was reached out to already. A manager may hand the lead over.")
        if lead.outcome is not None:
            raise Conflict("This lead has an outcome. Take that back first.")
        reason = _validate_reason(words)
        if actor.id not in workload.excluded_users_by_lead([lead.id], Decline).get(lead.id, ()):
            db.session.add(Decline(lead_id=lead.id, user_id=actor.id, reason=reason))
            db.session.flush()
        alerts.record(lead, "declined", reason, actor=actor)
        self.hand_on(lead, "declined", f"{actor.name} declined it.", actor=actor)

    def run_worker_tick(self) -> bool:
        """Reassign leads of ineligible assignees, assign waiting leads, remind managers; return whether any.

        1. Without a lock, look for ineligible assignees, placeable waiting leads and overdue reminders.
        2. For each ineligible assignee, in its own transaction: lock assignment, check again, hand back.
        3. If a lead is placeable, in a transaction: lock assignment, check waiting leads again, assign them.
        4. If a reminder is overdue, in a transaction: lock assignment, look again, enqueue.
        """
        with read_only():
            ineligible, placeable, overdue = (
                _list_ineligible_ids(),
                _any_placeable(),
                any(True for _ in alerts.find_overdue_reminders()),
            )
            db.session.rollback()
        for person in ineligible:
            try:
                self._hand_back_ineligible(person)
            except Exception:
                # One user must not block the others.
                log.exception("hand_back_failed", user=str(person))
        if placeable:
            with transaction():
                departures.lock_assignment()
                self._assign_waiting()
        if overdue:
            with transaction():
                departures.lock_assignment()
                for manager, lead in [*alerts.find_overdue_reminders()]:
                    alerts.enqueue_reminder(manager, lead)
        return bool(ineligible or placeable or overdue)

    def _hand_back_ineligible(self, user_id: uuid.UUID) -> None:
        with transaction():
            departures.lock_assignment()
            person = next((user for user in _list_ineligible_owners() if user.id == user_id), None)
            if person is not None:
                absence = absences.of(person.id)
                why = absence.reason if absence else f"{person.name} works on leads no more."
                self.hand_back(person.id, why, SYSTEM)

    def _hand_on_matching(self, condition: Condition, cause: str, why: str, *, actor: Actor) -> None:
        leads = requests.lock_leads(condition, limit=MAX_AT_ONCE)
        decisions = assignment.begin(workload.count_recent_leads)
        moves = []
        for lead, request in zip(leads, requests.build_requests(leads, condition), strict=True):
            former = lead.assigned_to
            if former is not None:
                decisions.uncount(former.id, lead.assigned_at)
            self._decide(lead, request, decisions, cause=cause, why=why, actor=actor)
            moves.append((former, lead))
        transfers.tell_former_owners(moves, why, actor=actor)

    def _assign_waiting(self) -> None:
        decisions, assigned, unplaceable = assignment.begin(workload.count_recent_leads), 0, set()
        rows = requests.list_waiting()
        for row, request in zip(rows, requests.build_requests(rows, is_waiting()), strict=True):
            if assigned == MAX_AT_ONCE:
                break  # the next tick continues
            if requests.placement_key(request) in unplaceable:
                continue
            if decisions.ask(request)[1].user_id is None:
                unplaceable.add(requests.placement_key(request))
                continue
            for lead in requests.lock_leads(sa.and_(Lead.id == row.id, is_waiting()), limit=1):
                self._decide(lead, request, decisions, cause="waited", why="", actor=SYSTEM)
                assigned += 1

    def _decide(
        self, lead: Lead, request: LeadToAssign, decisions: Allocator, *, cause: str, why: str, actor: Actor
    ) -> None:
        away = decisions.away.get(lead.assignee_id) if lead.assignee_id and cause == HANDED_BACK else None
        decision = decisions.next(request, cause=cause, why=why, absence=away)
        if decision.user_id is None:
            log.warning("lead_unassigned", lead=str(lead.id), reason=decision.reason)
        assignee = auth.get(decision.user_id) if decision.user_id else None
        ownership.set_owner(lead, assignee, strategy=decision.strategy, reason=decision.reason, actor=SYSTEM)
        decisions.save()
        to = str(decision.user_id) if decision.user_id else None
        act = "lead.declined" if cause == "declined" else "lead.handed_on"
        audit.record(act, actor=actor, about=("lead", lead.id), cause=cause, to=to)


def _list_ineligible_ids() -> Sequence[uuid.UUID]:
    return [person.id for person in _list_ineligible_owners()]


def _list_ineligible_owners() -> Sequence[User]:
    open_leads = sa.select(Lead.id).where(Lead.assignee_id == User.id, where_open(Lead.status, Lead.outcome))
    is_ineligible = sa.or_(
        User.active.is_(False),
        User.joined_at.is_(None),
        User.role.not_in(WORKERS),
        User.id.in_(absences.on(absences.today())),
    )
    return db.session.scalars(
        sa.select(User).where(is_ineligible, open_leads.exists()).order_by(User.id)
    ).all()


def _any_placeable() -> bool:
    """Return whether a waiting lead has an eligible user. Leads with equal keys are tried once."""
    rows = requests.list_waiting()
    if not rows:
        return False
    waiting = requests.build_requests(rows, is_waiting(), returning=False)
    by_key = {requests.placement_key(request): request for request in waiting}
    decisions = assignment.begin(workload.count_recent_leads)
    return any(decisions.ask(request)[1].user_id is not None for request in by_key.values())


def _validate_reason(words: str) -> str:
    try:
        reason = normalize_text(words, MAX_WORDS_LENGTH)
    except TooLong:
        reason = ""
    if is_invisible(reason):
        raise UnprocessableContent({"reason": [f"Say why, in 1 to {MAX_WORDS_LENGTH} characters."]})
    if has_controls(reason):
        raise UnprocessableContent(
            {"reason": ["This has characters that cannot be shown. Please type it again."]}
        )
    return reason


handover = Handover()
