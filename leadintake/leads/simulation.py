"""What another policy would have done with leads that came: their decisions, taken again. Changes nothing.

A lead is closed when it was really closed, whoever has it in the simulation; who was away, screened or not
there is as it was. What nobody can take waits, and is given out when the next lead arrives. So loads, turns
and days follow what is simulated, and only people's speed does not.
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

from leadintake.assignment import facts, situations
from leadintake.assignment.engine import decide
from leadintake.assignment.facts import Candidate, FirstChoice, Situation
from leadintake.assignment.models import AssignmentDecision
from leadintake.assignment.policy import Policy
from leadintake.auth.service import auth
from leadintake.core.database import db
from leadintake.leads.models import Lead, LeadStatus

SEED_BITS = 2**53 - 1
DELETED_TOO = {"include_deleted": True}


@dataclass
class Simulation:
    """What came of it, by user id: who got leads first as it was, and as it would have been. None: nobody."""

    leads: int = 0
    moved: int = 0
    """How many would have gone to another."""
    was: Counter[uuid.UUID | None] = field(default_factory=Counter)
    would: Counter[uuid.UUID | None] = field(default_factory=Counter)


@dataclass
class World:
    """How things stand in the simulation."""

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
        """Give a lead to somebody."""
        self.open[user] += 1
        self.owners[email] = user
        self.today[user, self.rules.local(arrived).date()] += 1
        if closed is not None:
            heapq.heappush(self.closing, (max(closed, arrived), user))

    def go_on_to(self, moment: datetime) -> None:
        """Close what was closed until then."""
        while self.closing and self.closing[0][0] <= moment:
            self.open[heapq.heappop(self.closing)[1]] -= 1

    def give_out(self, now: Situation, moment: datetime) -> Iterator[tuple[Any, uuid.UUID]]:
        """What waits and can go to somebody now, oldest first, and to whom; `now`: how people stand."""
        hopeless, waiting = set(), self.waiting
        self.waiting = []
        for row, came in waiting:
            kept_out = {one.user_id: (one.screened, one.declined) for one in came.candidates}
            people = tuple(
                _kept_out(one, *kept_out.get(one.user_id, (False, False))) for one in now.candidates
            )
            kind = (came.practice_area, came.language, tuple((one.screened, one.declined) for one in people))
            situation = msgspec.structs.replace(came, candidates=people, rotation=now.rotation)
            user = None if kind in hopeless else self.decide(row, situation, moment)
            if user is None:
                hopeless.add(kind)
                self.waiting.append((row, came))
            else:
                yield row, user

    def decide(self, row: Any, kept: Situation, moment: datetime) -> uuid.UUID | None:
        """Who gets this lead, as people stood in `kept` but for what is simulated."""
        rotation = self.rules.rotation(kept.practice_area)
        situation = situations.under(
            self.rules,
            [
                (self.emails.get(one.user_id, ""), self._now(one, moment, rotation, kept))
                for one in kept.candidates
            ],
            moment=moment,
            practice_area=kept.practice_area,
            language=kept.language,
            first_choices=[*self._returning(row.folded_email), *kept.first_choices],
            seed=row.lead_id.int & SEED_BITS,
        )
        decision = decide(situation)
        self.credits.update({(rotation, user): credit for user, credit in decision.credits.items()})
        if decision.user_id is not None:
            self.turns[decision.user_id] = max(self.turns.values(), default=0) + 1
            self.take(decision.user_id, row.folded_email, moment, _closed(row))
        return decision.user_id

    def _now(self, one: Candidate, moment: datetime, rotation: str, kept: Situation) -> Candidate:
        self.turns.setdefault(one.user_id, one.last_turn)
        known = one.credit if kept.rotation == rotation else 0
        self.credits.setdefault((rotation, one.user_id), known)
        return msgspec.structs.replace(
            one,
            open_leads=self.open[one.user_id],
            today=self.today[one.user_id, self.rules.local(moment).date()],
            last_turn=self.turns[one.user_id],
            credit=self.credits[rotation, one.user_id],
        )

    def _returning(self, email: str) -> Iterator[FirstChoice]:
        if email in self.owners:
            yield FirstChoice(self.owners[email], "returning")


def simulate(rules: Policy, *, last: int) -> Simulation:
    """Let the last so many leads with a decision on record arrive again, under these rules."""
    arrivals = _arrivals(last)
    found = Simulation()
    if not arrivals:
        return found
    world = World(rules, {user.id: user.email for user in auth.everyone()})
    _fill(world, arrivals)
    given_out = _given_out(arrivals[0].created_at)
    would: dict[uuid.UUID, uuid.UUID | None] = {}
    for row in arrivals:
        moment, kept = row.created_at, facts.read(row.record).situation
        world.go_on_to(moment)
        would.update((waited.lead_id, user) for waited, user in world.give_out(kept, moment))
        user = would[row.lead_id] = world.decide(row, kept, moment)
        if user is None:
            world.waiting.append((row, kept))
    for row in arrivals:
        was = row.user_id or given_out.get(row.lead_id)
        found.leads += 1
        found.moved += would[row.lead_id] != was
        found.was[was] += 1
        found.would[would[row.lead_id]] += 1
    return found


def _kept_out(one: Candidate, screened: bool, declined: bool) -> Candidate:
    return msgspec.structs.replace(one, screened=screened, declined=declined)


def _given_out(since: datetime) -> dict[uuid.UUID, uuid.UUID]:
    """To whom leads that waited went first."""
    decided: Any = sa.select(AssignmentDecision.lead_id, AssignmentDecision.user_id).where(
        AssignmentDecision.cause == "waited",
        AssignmentDecision.user_id.is_not(None),
        AssignmentDecision.created_at >= since,
    )
    latest_first = decided.order_by(AssignmentDecision.created_at.desc(), AssignmentDecision.id.desc())
    return dict(db.session.execute(latest_first, execution_options=DELETED_TOO).all())


def _arrivals(last: int) -> Sequence[Any]:
    """The decisions at the arrival of leads, deleted ones too, in their order, with what became of them."""
    of_lead = (Lead.folded_email, Lead.status, Lead.reached_at, Lead.updated_at, Lead.deleted_at)
    decided = sa.select(
        AssignmentDecision.lead_id,
        AssignmentDecision.user_id,
        AssignmentDecision.created_at,
        AssignmentDecision.record,
        *of_lead,
    ).join(Lead, Lead.id == AssignmentDecision.lead_id)
    newest = decided.where(AssignmentDecision.cause == "arrival").order_by(
        AssignmentDecision.created_at.desc(), AssignmentDecision.id.desc()
    )
    return db.session.execute(newest.limit(last), execution_options=DELETED_TOO).all()[::-1]


def _fill(world: World, arrivals: Sequence[Any]) -> None:
    """Put in the leads from before that are not let arrive again."""
    begin, again = arrivals[0].created_at, {row.lead_id for row in arrivals}
    before = sa.select(
        Lead.id,
        Lead.assignee_id,
        Lead.assigned_at,
        Lead.folded_email,
        Lead.status,
        Lead.reached_at,
        Lead.updated_at,
        Lead.deleted_at,
    ).where(Lead.created_at < begin, Lead.assignee_id.is_not(None))
    for row in db.session.execute(before.order_by(Lead.created_at), execution_options=DELETED_TOO):
        closed = _closed(row)
        if row.id not in again and (closed is None or closed > begin):
            world.take(row.assignee_id, row.folded_email, row.assigned_at, closed)


def _closed(row: Any) -> datetime | None:
    """When the lead was reached out to or deleted; None while it is open."""
    reached = row.reached_at or row.updated_at if row.status is LeadStatus.REACHED_OUT else None
    ends: list[datetime] = [moment for moment in (reached, row.deleted_at) if moment is not None]
    return min(ends, default=None)
