"""Verbs on assignment: the next attorney, decided under a lock."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from leadintake.assignment import policy
from leadintake.assignment.absences import absences
from leadintake.assignment.models import AssignmentDecision
from leadintake.assignment.rounds import Round, Tally
from leadintake.audit.service import audit
from leadintake.auth import leaving
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core.chores import Stop
from leadintake.core.database import db
from leadintake.core.transaction import transaction

POLICY_CHANGED = "assignment.policy_changed"


class Assignment:
    """Who gets the next lead."""

    def hold(self) -> None:
        """Let nobody else decide, nor any lead arrive, until this transaction ends."""
        leaving.hold()

    def begin(self, tally: Tally) -> Round:
        """Begin to decide. `tally` counts leads, for who knows nothing of them."""
        return Round(tally)

    def may_hold_leads(self, user: User) -> bool:
        """Whether leads may be with this person now: who left, or is away, has none that wait."""
        return user.works_on_leads and absences.of(user.id) is None

    def away(self) -> Collection[uuid.UUID]:
        """Those who are away now."""
        return absences.on(absences.today()).keys()

    def note_manual(self, lead_id: uuid.UUID, user_id: uuid.UUID | None, reason: str) -> None:
        """Write down that a person decided."""
        made = AssignmentDecision(lead_id=lead_id, user_id=user_id, reason=reason[:500], policy="", record="")
        made.cause = made.strategy = "manual"
        db.session.add(made)

    def of_lead(self, lead_id: uuid.UUID) -> Sequence[AssignmentDecision]:
        """Every decision about a lead, the first one first."""
        about = sa.select(AssignmentDecision).where(AssignmentDecision.lead_id == lead_id)
        return db.session.scalars(about.order_by(AssignmentDecision.created_at, AssignmentDecision.id)).all()

    def check(self) -> None:
        """Raise unless somebody takes new leads."""
        if not auth.intake_attorneys():
            raise RuntimeError(
                "Nobody takes new leads. Add somebody: flask users add EMAIL --name NAME --role attorney"
            )

    def check_policy(self) -> None:
        """Raise if the policy has terms for an address that no user has."""
        known = {user.email for user in auth.everyone()}
        unknown = sorted(set(policy.current().attorneys) - known)
        if unknown:
            raise RuntimeError(f"ASSIGNMENT_POLICY has terms for nobody here: {', '.join(unknown)}")

    def note_policy(self, _stop: Stop) -> Mapping[str, object]:
        """Put on record which rules the service runs by, where they are not those on record last: a chore."""
        with transaction():
            last, rules = audit.last(POLICY_CHANGED), policy.current().hash
            changed = last is None or last["policy"] != rules
            if changed:
                audit.record(POLICY_CHANGED, by="system", policy=rules)
        return {"changed": changed}


assignment = Assignment()
