"""The assignment decisions of one transaction. Each counts the ones before.

1. A new allocator reads users, absences, counts, turns and credits, in a constant number of statements.
2. `next` decides on a lead, and counts the decision in memory.
3. `save` stores decisions, turns and credits.

Before `save` nothing is written. The caller holds the assignment lock, unless it never calls `save`.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import sqlalchemy as sa

from leadintake.assignment import policy, situations, types
from leadintake.assignment.absences import absences
from leadintake.assignment.counters import COUNTS, get_unwritten
from leadintake.assignment.engine import decide
from leadintake.assignment.models import Absence, AssignmentDecision, Rotation, Turn
from leadintake.assignment.types import Candidate, Decision, FirstChoice, Situation
from leadintake.auth.models import User
from leadintake.auth.permissions import GRANTS, Permission
from leadintake.core.clock import now
from leadintake.core.db import rows
from leadintake.core.db.database import db, execute

Tally = Callable[[Collection[uuid.UUID], datetime], dict[uuid.UUID, int]]
"""Counts leads assigned since an instant, by user: leads/distribution/workload.py."""
MAX_REASON_LENGTH = 500
WORKERS = [role for role, granted in GRANTS.items() if Permission.UPDATE_LEADS in granted]

_USERS, _TURNS = cast(sa.Table, User.__table__), cast(sa.Table, Turn.__table__)
_PEOPLE = (
    sa.select(
        *(_USERS.c[name] for name in ("id", "name", "email", "active", "joined_at", "can_intake")),
        _TURNS.c.number.label("turn"),
        COUNTS.c.pending,
        sa.select(sa.func.max(_TURNS.c.number)).scalar_subquery().label("last_turn"),
    )
    .select_from(
        _USERS.outerjoin(_TURNS, _TURNS.c.user_id == _USERS.c.id).outerjoin(
            COUNTS, COUNTS.c.id == _USERS.c.id
        )
    )
    .where(_USERS.c.role.in_(WORKERS), _USERS.c.deleted_at.is_(None))
    .order_by(_USERS.c.id)
)
_UPDATE_TURN = (
    sa.update(_TURNS)
    .where(_TURNS.c.user_id == sa.bindparam("user"))
    .values(number=sa.bindparam("new_number"))
)
_INSERT_TURN = sa.insert(_TURNS)


@dataclass(frozen=True)
class LeadToAssign:
    """A lead to assign. `prospect`: their mailbox; `owners`: its earlier assignees, latest first."""

    lead_id: uuid.UUID
    prospect: str
    practice_area: str | None = None
    language: str | None = None
    owners: Sequence[uuid.UUID] = ()
    screened: Collection[uuid.UUID] = ()
    declined: Collection[uuid.UUID] = ()


@dataclass
class Allocator:
    """State of the firm, with the decisions made so far."""

    tally: Tally
    rules: policy.Policy = field(default_factory=policy.current)
    moment: datetime = field(default_factory=now)

    def __post_init__(self) -> None:
        self._decisions: list[dict[str, Any]] = []
        self._last_owners: dict[str, uuid.UUID] = {}
        self.people = {person.id: person for person in execute(_PEOPLE)}
        self.local = self.rules.local(self.moment)
        self.away = absences.on(self.local.date())
        self.turns = {person.id: person.turn for person in self.people.values() if person.turn is not None}
        self._last_turn = max((person.last_turn or 0 for person in self.people.values()), default=0)
        self._stored_turns, self._changed_turns = set(self.turns), dict[uuid.UUID, int]()
        rotations = db.session.scalars(sa.select(Rotation)) if self.rules.has_rotations() else ()
        self._rotations = {row.name: row for row in rotations}
        self.credits: dict[str, dict[str, int]] = {
            name: msgspec.json.decode(row.credits) for name, row in self._rotations.items()
        }
        self._changed_rotations: set[str] = set()
        midnight = self.local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
        unwritten = get_unwritten()
        self.open_leads = {
            person.id: (person.pending or 0) + unwritten.get((person.id, "pending"), 0)
            for person in self.people.values()
        }
        self.today = self.tally(self.people.keys(), midnight) if self.rules.counts_days() else {}

    def ask(self, lead: LeadToAssign) -> tuple[Situation, Decision]:
        """Return the situation and its decision; count nothing."""
        situation = self._build_situation(lead)
        return situation, decide(situation)

    def next(
        self, lead: LeadToAssign, *, cause: str, why: str = "", absence: Absence | None = None
    ) -> Decision:
        """Decide and count. `why`: a sentence that precedes the reason; `absence`: that of the assignee."""
        situation, decision = self.ask(lead)
        reason = f"{why} {decision.reason}".strip()[:MAX_REASON_LENGTH]
        decision = msgspec.structs.replace(decision, reason=reason)
        if decision.user_id is not None:
            self._count_turn(decision.user_id, situation.rotation, decision.credits)
            self._last_owners[lead.prospect] = decision.user_id
        record = types.Record(situation, msgspec.structs.replace(decision, credits={}))
        self._decisions.append(
            {
                "created_at": self.moment,
                "lead_id": lead.lead_id,
                "user_id": decision.user_id,
                "cause": cause,
                "strategy": decision.strategy,
                "reason": reason,
                "policy": situation.policy,
                "absence_id": absence.id if absence else None,
                "record": types.write(record),
            }
        )
        return decision

    def save(self) -> None:
        """Store the decisions, after their leads."""
        for decision in self._decisions:
            rows.insert(AssignmentDecision, **decision)
        self._decisions = []
        for user_id, number in self._changed_turns.items():
            if user_id in self._stored_turns:
                execute(_UPDATE_TURN, [{"user": user_id, "new_number": number}])
            else:
                execute(_INSERT_TURN, [{"user_id": user_id, "number": number}])
                self._stored_turns.add(user_id)
        self._changed_turns = {}
        for name in self._changed_rotations:
            row = self._rotations.setdefault(name, Rotation(name=name))
            row.credits = msgspec.json.encode(self.credits[name]).decode()
            db.session.add(row)
        self._changed_rotations = set()

    def assume_away(self, absence: Absence) -> None:
        """Count an absence that is not stored."""
        self.away = {**self.away, absence.user_id: absence}

    def uncount(self, user_id: uuid.UUID, assigned_at: datetime) -> None:
        """Take a lead off the user's counts, before it is reassigned."""
        self.open_leads[user_id] = self.open_leads.get(user_id, 0) - 1
        if self.rules.local(assigned_at).date() == self.local.date():
            self.today[user_id] = self.today.get(user_id, 0) - 1

    def _build_situation(self, lead: LeadToAssign) -> Situation:
        balances = self.credits.get(self.rules.rotation(lead.practice_area), {})
        return situations.build_situation(
            self.rules,
            [
                (person.email, self._build_candidate(person, lead, balances))
                for person in self.people.values()
            ],
            moment=self.moment,
            practice_area=lead.practice_area or "",
            language=lead.language or "",
            first_choices=self._find_first_choices(lead),
            seed=secrets.randbits(53),
        )

    def _build_candidate(self, person: Any, lead: LeadToAssign, balances: Mapping[str, int]) -> Candidate:
        away = self.away.get(person.id)
        return Candidate(
            user_id=person.id,
            name=person.name,
            active=person.active,
            joined=person.joined_at is not None,
            takes_leads=person.can_intake,
            screened=person.id in lead.screened,
            declined=person.id in lead.declined,
            away_until=away.until if away else "",
            open_leads=max(0, self.open_leads.get(person.id, 0)),
            today=self.today.get(person.id, 0),
            last_turn=self.turns.get(person.id, 0),
            credit=balances.get(str(person.id), 0),
        )

    def _find_first_choices(self, lead: LeadToAssign) -> list[FirstChoice]:
        """Return the prospect's earlier assignees, latest first, each absent one before their substitute."""
        choices, last_owner = [], self._last_owners.get(lead.prospect)
        for owner in [last_owner, *lead.owners] if last_owner else lead.owners:
            choices.append(FirstChoice(owner, "returning"))
            away = self.away.get(owner)
            if away and away.substitute_id:
                choices.append(FirstChoice(away.substitute_id, "substitute", away.user.name))
        return choices

    def _count_turn(self, user_id: uuid.UUID, rotation: str, new_credits: Mapping[uuid.UUID, int]) -> None:
        self._last_turn += 1
        self.turns[user_id] = self._changed_turns[user_id] = self._last_turn
        self.open_leads[user_id] = self.open_leads.get(user_id, 0) + 1
        self.today[user_id] = self.today.get(user_id, 0) + 1
        if new_credits:
            balances = self.credits.setdefault(rotation, {})
            balances.update((str(user), credit) for user, credit in new_credits.items())
            self._changed_rotations.add(rotation)
