"""Verbs on assignment: the next attorney, decided under a lock."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import sqlalchemy as sa

from leadintake.assignment.engine import Candidate, Decision, decide
from leadintake.assignment.models import Turn
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core import locks
from leadintake.core.database import db

LOCK = "assignment"


class Assignment:
    """Who gets the next lead."""

    def hold(self) -> None:
        """Let nobody else decide, nor any lead arrive, until this transaction ends."""
        locks.hold(LOCK)

    def candidates(self) -> list[User]:
        """Those who may get a lead now."""
        return list(auth.intake_attorneys())

    def check(self) -> None:
        """Raise unless somebody takes new leads."""
        if not self.candidates():
            raise RuntimeError(
                "Nobody takes new leads. Add somebody: flask users add EMAIL --name NAME --role attorney"
            )

    def next(
        self, eligible: list[User], open_leads: Mapping[uuid.UUID, int], *, screened: int = 0
    ) -> Decision:
        """Decide, and note the turn. The caller holds the lock and counted the open leads under it.

        `screened`: how many are not among the eligible because this lead must not be theirs.
        """
        turns = {row.user_id: row for row in db.session.scalars(sa.select(Turn))}
        decision = decide(
            [
                Candidate(
                    user.id,
                    user.name,
                    open_leads.get(user.id, 0),
                    turns[user.id].number if user.id in turns else 0,
                )
                for user in eligible
            ],
            screened=screened,
        )
        if decision.user_id is not None:
            number = max((turn.number for turn in turns.values()), default=0) + 1
            turn = turns.get(decision.user_id)
            if turn is None:
                db.session.add(Turn(user_id=decision.user_id, number=number))
            else:
                turn.number = number
        return decision


assignment = Assignment()
