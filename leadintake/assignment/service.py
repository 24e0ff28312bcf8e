"""Verbs on assignment."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from leadintake.assignment import policy
from leadintake.assignment.absences import absences
from leadintake.assignment.allocator import Allocator, Tally
from leadintake.assignment.models import AssignmentDecision
from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core.actor import SYSTEM
from leadintake.core.chores import Stop
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction

POLICY_CHANGED = "assignment.policy_changed"


class Assignment:
    """Assignment of leads."""

    def begin(self, tally: Tally) -> Allocator:
        """Return an allocator. `tally` counts leads of a day, which a room above knows."""
        return Allocator(tally)

    def may_hold_leads(self, user: User) -> bool:
        """Return whether the user may have open leads: works on leads, and is present."""
        return user.works_on_leads and absences.of(user.id) is None

    def away(self) -> Collection[uuid.UUID]:
        """Return the ids of users absent today."""
        return absences.on(absences.today()).keys()

    def note_manual(self, lead_id: uuid.UUID, user_id: uuid.UUID | None, reason: str) -> None:
        """Store a manual decision."""
        decision = AssignmentDecision(
            lead_id=lead_id, user_id=user_id, reason=reason[:500], policy="", record=""
        )
        decision.cause = decision.strategy = "manual"
        db.session.add(decision)

    def of_lead(self, lead_id: uuid.UUID) -> Sequence[AssignmentDecision]:
        """Return the decisions on a lead, oldest first."""
        decisions_query = sa.select(AssignmentDecision).where(AssignmentDecision.lead_id == lead_id)
        return db.session.scalars(
            decisions_query.order_by(AssignmentDecision.created_at, AssignmentDecision.id)
        ).all()

    def check(self) -> None:
        """Raise RuntimeError if no user takes new leads."""
        if not auth.intake_attorneys():
            raise RuntimeError(
                "Nobody takes new leads. Add somebody: flask users add EMAIL --name NAME --role attorney"
            )

    def check_policy(self) -> None:
        """Raise RuntimeError if the policy has terms for an unknown address."""
        emails = {user.email for user in auth.everyone()}
        unknown = sorted(set(policy.current().attorneys) - emails)
        if unknown:
            raise RuntimeError(f"ASSIGNMENT_POLICY has terms for nobody here: {', '.join(unknown)}")

    def note_policy(self, _stop: Stop) -> Mapping[str, object]:
        """Audit the policy's hash if it changed. A chore."""
        with transaction():
            last, rules = audit.last(POLICY_CHANGED), policy.current().hash
            changed = last is None or last["policy"] != rules
            if changed:
                audit.record(POLICY_CHANGED, actor=SYSTEM, policy=rules)
        return {"changed": changed}


assignment = Assignment()
