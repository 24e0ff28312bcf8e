"""Simulation: replay recorded decisions under another policy. Changes no data.

As recorded: closing times, absences, screens, availability. As simulated: assignees, loads, turns, credits,
daily counts. A lead without an eligible user is tried again at each later arrival.
"""

from __future__ import annotations

import heapq
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from leadintake.assignment import situations, types
from leadintake.assignment.engine import decide
from leadintake.assignment.models import AssignmentDecision
from leadintake.assignment.policy import Policy
from leadintake.assignment.types import Candidate, FirstChoice, Situation
from leadintake.auth.service import auth
from leadintake.core.chores import Watch, watch_nothing
from leadintake.core.db.database import db
from leadintake.leads.models import Lead
from leadintake.leads.status import is_reached

SEED_BITS = 2**53 - 1
DELETED_TOO = {"include_deleted": True}
MAILBOX = sa.func.coalesce(Lead.mailbox, Lead.folded_email).label("mailbox")


@dataclass
class Simulation:
    """Leads by first assignee, actual and simulated. None: unassigned."""

    leads: int = 0
    moved: int = 0
    """Leads with another assignee."""
    actual: Counter[uuid.UUID | None] = field(default_factory=Counter)
    simulated: Counter[uuid.UUID | None] = field(default_factory=Counter)


@dataclass
class World:
    """State of the simulation."""

    rules: Policy
    emails: dict[uuid.UUID, str]
    open: Counter[uuid.UUID] = field(default_factory=Counter)
    closing: list[tuple[datetime, uuid.UUID]] = field(default_factory=list)
    today: Counter[tuple[uuid.UUID, date]] = field(default_factory=Counter)
    turns: dict[uuid.UUID, int] = field(default_factory=dict)
    credits: dict[tuple[str, uuid.UUID], int] = field(default_factory=dict)
    owners: dict[str, uuid.UUID] = field(default_factory=dict)
    waiting: list[tuple[Any, Situation]] = field(default_factory=list)

    def take(self, user: uuid.UUID, email: str, arrived: datetime, closed: datetime | None) -> None:
        """Count a lead for a user, until it closes."""
        self.open[user] += 1
        self.owners[email] = user
        self.today[user, self.rules.local(arrived).date()] += 1
        if closed is not None:
            heapq.heappush(self.closing, (max(closed, arrived), user))

    def close_until(self, moment: datetime) -> None:
        """Close the leads that were closed by this time."""
        while self.closing and self.closing[0][0] <= moment:
            self.open[heapq.heappop(self.closing)[1]] -= 1

    def assign_waiting(self, present: Situation, moment: datetime) -> Iterator[tuple[Any, uuid.UUID]]:
        """Assign waiting leads, oldest first, to the candidates in `present`. Yield each row and user."""
        unplaceable, waiting = set(), self.waiting
        self.waiting = []
        for row, request in waiting:
            exclusions = {
                candidate.user_id: (candidate.screened, candidate.declined)
                for candidate in request.candidates
            }
            people = tuple(
                _with_exclusions(candidate, *exclusions.get(candidate.user_id, (False, False)))
                for candidate in present.candidates
            )
            placement_key = (
                request.practice_area,
                request.language,
                tuple((candidate.screened, candidate.declined) for candidate in people),
            )
            situation = msgspec.structs.replace(request, candidates=people, rotation=present.rotation)
            user = None if placement_key in unplaceable else self.decide(row, situation, moment)
            if user is None:
                unplaceable.add(placement_key)
                self.waiting.append((row, request))
            else:
                yield row, user

    def decide(self, row: Any, recorded: Situation, moment: datetime) -> uuid.UUID | None:
        """Decide, and count the lead: candidates as recorded, counts and turns as simulated."""
        rotation = self.rules.rotation(recorded.practice_area)
        situation = situations.build_situation(
            self.rules,
            [
                (
                    self.emails.get(candidate.user_id, ""),
                    self._update_candidate(candidate, moment, rotation, recorded),
                )
                for candidate in recorded.candidates
            ],
            moment=moment,
            practice_area=recorded.practice_area,
            language=recorded.language,
            first_choices=[*self._find_owner(row.mailbox), *recorded.first_choices],
            seed=row.lead_id.int & SEED_BITS,
        )
        decision = decide(situation)
        self.credits.update({(rotation, user): credit for user, credit in decision.credits.items()})
        if decision.user_id is not None:
            self.turns[decision.user_id] = max(self.turns.values(), default=0) + 1
            self.take(decision.user_id, row.mailbox, moment, _closing_time(row))
        return decision.user_id

    def _update_candidate(
        self, candidate: Candidate, moment: datetime, rotation: str, recorded: Situation
    ) -> Candidate:
        self.turns.setdefault(candidate.user_id, candidate.last_turn)
        credit = candidate.credit if recorded.rotation == rotation else 0
        self.credits.setdefault((rotation, candidate.user_id), credit)
        return msgspec.structs.replace(
            candidate,
            open_leads=self.open[candidate.user_id],
            today=self.today[candidate.user_id, self.rules.local(moment).date()],
            last_turn=self.turns[candidate.user_id],
            credit=self.credits[rotation, candidate.user_id],
        )

    def _find_owner(self, email: str) -> Iterator[FirstChoice]:
        if email in self.owners:
            yield FirstChoice(self.owners[email], "returning")


def simulate(rules: Policy, *, last: int, watch: Watch = watch_nothing) -> Simulation:
    """Replay the arrivals of the `last` leads under these rules. `watch` gets 1 for each."""
    arrivals = _list_arrivals(last)
    result = Simulation()
    if not arrivals:
        return result
    world = World(rules, {user.id: user.email for user in auth.everyone()})
    _add_earlier_leads(world, arrivals)
    first_owners = _find_first_owners(arrivals[0].created_at)
    owners: dict[uuid.UUID, uuid.UUID | None] = {}
    for row in arrivals:
        moment, recorded = row.created_at, types.read(row.record).situation
        world.close_until(moment)
        owners.update((lead.lead_id, user) for lead, user in world.assign_waiting(recorded, moment))
        user = owners[row.lead_id] = world.decide(row, recorded, moment)
        if user is None:
            world.waiting.append((row, recorded))
        watch(1)
    for row in arrivals:
        owner = row.user_id or first_owners.get(row.lead_id)
        result.leads += 1
        result.moved += owners[row.lead_id] != owner
        result.actual[owner] += 1
        result.simulated[owners[row.lead_id]] += 1
    return result


def _with_exclusions(candidate: Candidate, screened: bool, declined: bool) -> Candidate:
    return msgspec.structs.replace(candidate, screened=screened, declined=declined)


def _find_first_owners(since: datetime) -> dict[uuid.UUID, uuid.UUID]:
    """Return the first assignees of leads that waited."""
    decision_query: Any = sa.select(AssignmentDecision.lead_id, AssignmentDecision.user_id).where(
        AssignmentDecision.cause == "waited",
        AssignmentDecision.user_id.is_not(None),
        AssignmentDecision.created_at >= since,
    )
    latest_first = decision_query.order_by(AssignmentDecision.created_at.desc(), AssignmentDecision.id.desc())
    return dict(db.session.execute(latest_first, execution_options=DELETED_TOO).all())


def _list_arrivals(last: int) -> Sequence[Any]:
    """Return the decisions on arrivals, oldest first, with the outcomes of their leads, deleted or not."""
    lead_columns = (
        MAILBOX, Lead.status, Lead.reached_at, Lead.outcome_at, Lead.updated_at, Lead.deleted_at,
    )  # fmt: skip
    decision_query = sa.select(
        AssignmentDecision.lead_id,
        AssignmentDecision.user_id,
        AssignmentDecision.created_at,
        AssignmentDecision.record,
        *lead_columns,
    ).join(Lead, Lead.id == AssignmentDecision.lead_id)
    newest_query = decision_query.where(AssignmentDecision.cause == "arrival").order_by(
        AssignmentDecision.created_at.desc(), AssignmentDecision.id.desc()
    )
    return db.session.execute(newest_query.limit(last), execution_options=DELETED_TOO).all()[::-1]


def _add_earlier_leads(world: World, arrivals: Sequence[Any]) -> None:
    """Count the older leads still open when the replay starts."""
    start, replayed = arrivals[0].created_at, {row.lead_id for row in arrivals}
    before_query = sa.select(
        Lead.id,
        Lead.assignee_id,
        Lead.assigned_at,
        MAILBOX,
        Lead.status,
        Lead.reached_at,
        Lead.outcome_at,
        Lead.updated_at,
        Lead.deleted_at,
    ).where(Lead.created_at < start, Lead.assignee_id.is_not(None))
    for row in db.session.execute(before_query.order_by(Lead.created_at), execution_options=DELETED_TOO):
        closed = _closing_time(row)
        if row.id not in replayed and (closed is None or closed > start):
            world.take(row.assignee_id, row.mailbox, row.assigned_at, closed)


def _closing_time(row: Any) -> datetime | None:
    """Return the time of contact, outcome or deletion; None if open."""
    reached = row.reached_at or row.updated_at if is_reached(row.status) else None
    times = reached, row.outcome_at, row.deleted_at
    ends: list[datetime] = [moment for moment in times if moment is not None]
    return min(ends, default=None)
