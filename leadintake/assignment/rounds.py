"""Decisions of one transaction, each seeing the ones before; written down once their leads are there.

Whoever begins a round holds the assignment lock, or only asks what would be decided.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from leadintake.assignment import facts, policy, situations
from leadintake.assignment.absences import absences
from leadintake.assignment.engine import decide
from leadintake.assignment.facts import Candidate, Decision, FirstChoice, Situation
from leadintake.assignment.models import AssignmentDecision, Rotation, Turn
from leadintake.auth.models import User
from leadintake.auth.permissions import GRANTS, Permission
from leadintake.core.clock import now
from leadintake.core.database import db

Tally = Callable[[Collection[uuid.UUID], datetime | None], tuple[dict[uuid.UUID, int], dict[uuid.UUID, int]]]
"""Counts open leads, and those that came since an instant, by user: the room above knows leads."""
LONGEST_REASON = 500
WORKERS = [role for role, granted in GRANTS.items() if Permission.UPDATE_LEADS in granted]


@dataclass(frozen=True)
class Wanted:
    """The lead that somebody is wanted for. `owners`: who had its prospect before, the latest first.

    `prospect`: the address, folded. Of one prospect's leads in a round the next goes where the last went.
    """

    lead_id: uuid.UUID
    prospect: str
    practice_area: str | None = None
    language: str | None = None
    owners: Sequence[uuid.UUID] = ()
    screened: Collection[uuid.UUID] = ()
    declined: Collection[uuid.UUID] = ()


@dataclass
class Round:
    """What every decision of the transaction starts from."""

    tally: Tally
    rules: policy.Policy = field(default_factory=policy.current)
    moment: datetime = field(default_factory=now)

    def __post_init__(self) -> None:
        self._made: list[AssignmentDecision] = []
        self._given: dict[str, uuid.UUID] = {}
        people = sa.select(User.id, User.name, User.email, User.active, User.joined_at, User.can_intake)
        self.people = db.session.execute(people.where(User.role.in_(WORKERS)).order_by(User.id)).all()
        self.local = self.rules.local(self.moment)
        self.away = absences.on(self.local.date())
        self.turns = {row.user_id: row for row in db.session.scalars(sa.select(Turn))}
        self.rotations = {row.name: row for row in db.session.scalars(sa.select(Rotation))}
        midnight = self.local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
        ids = [one.id for one in self.people]
        self.open_leads, self.today = self.tally(ids, midnight if self.rules.counts_days() else None)

    def ask(self, wanted: Wanted) -> tuple[Situation, Decision]:
        """What would be decided now."""
        situation = self._situation(wanted)
        return situation, decide(situation)

    def next(self, wanted: Wanted, *, cause: str, why: str = "") -> Decision:
        """Decide, and note the turn. `why`, a sentence, comes before the reason."""
        situation, decision = self.ask(wanted)
        reason = f"{why} {decision.reason}".strip()[:LONGEST_REASON]
        decision = msgspec.structs.replace(decision, reason=reason)
        if decision.user_id is not None:
            self._note(decision.user_id, situation.rotation, decision.credits)
            self._given[wanted.prospect] = decision.user_id
        kept = facts.Record(situation, msgspec.structs.replace(decision, credits={}))
        self._made.append(
            AssignmentDecision(
                created_at=self.moment,
                lead_id=wanted.lead_id,
                user_id=decision.user_id,
                cause=cause,
                strategy=decision.strategy,
                reason=reason,
                policy=situation.policy,
                record=facts.write(kept),
            )
        )
        return decision

    def write_down(self) -> None:
        """Keep the decisions, once their leads are in the database."""
        db.session.add_all(self._made)
        self._made = []

    def give_up(self, user_id: uuid.UUID, assigned_at: datetime) -> None:
        """Count an open lead no more on somebody whom it is taken from."""
        self.open_leads[user_id] = self.open_leads.get(user_id, 0) - 1
        if self.rules.local(assigned_at).date() == self.local.date():
            self.today[user_id] = self.today.get(user_id, 0) - 1

    def _situation(self, wanted: Wanted) -> Situation:
        row = self.rotations.get(self.rules.rotation(wanted.practice_area))
        behind: Mapping[str, int] = msgspec.json.decode(row.credits) if row else {}
        return situations.under(
            self.rules,
            [(one.email, self._candidate(one, wanted, behind)) for one in self.people],
            moment=self.moment,
            practice_area=wanted.practice_area or "",
            language=wanted.language or "",
            first_choices=self._first_choices(wanted),
            seed=secrets.randbits(53),
        )

    def _candidate(self, one: Any, wanted: Wanted, behind: Mapping[str, int]) -> Candidate:
        turn, away = self.turns.get(one.id), self.away.get(one.id)
        return Candidate(
            user_id=one.id,
            name=one.name,
            active=one.active,
            joined=one.joined_at is not None,
            takes_leads=one.can_intake,
            screened=one.id in wanted.screened,
            declined=one.id in wanted.declined,
            away_until=away.until if away else "",
            open_leads=self.open_leads.get(one.id, 0),
            today=self.today.get(one.id, 0),
            last_turn=turn.number if turn else 0,
            credit=behind.get(str(one.id), 0),
        )

    def _first_choices(self, wanted: Wanted) -> list[FirstChoice]:
        """Those who had the prospect before; for each who is away, who stands in."""
        found, given = [], self._given.get(wanted.prospect)
        for owner in [given, *wanted.owners] if given else wanted.owners:
            found.append(FirstChoice(owner, "returning"))
            away = self.away.get(owner)
            if away and away.substitute_id:
                found.append(FirstChoice(away.substitute_id, "substitute", away.user.name))
        return found

    def _note(self, user_id: uuid.UUID, rotation: str, behind: Mapping[uuid.UUID, int]) -> None:
        number = max((turn.number for turn in self.turns.values()), default=0) + 1
        turn = self.turns.setdefault(user_id, Turn(user_id=user_id))
        turn.number = number
        db.session.add(turn)
        self.open_leads[user_id] = self.open_leads.get(user_id, 0) + 1
        self.today[user_id] = self.today.get(user_id, 0) + 1
        if behind:
            row = self.rotations.setdefault(rotation, Rotation(name=rotation, credits="{}"))
            known: dict[str, int] = msgspec.json.decode(row.credits)
            known.update((str(user), credit) for user, credit in behind.items())
            row.credits = msgspec.json.encode(known).decode()
            db.session.add(row)
