"""Verbs on absences."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import sqlalchemy as sa

from leadintake.assignment import policy
from leadintake.assignment.models import Absence
from leadintake.audit.service import audit
from leadintake.auth.actor import UserOrOperator
from leadintake.auth.models import User
from leadintake.auth.people import departures
from leadintake.auth.service import auth
from leadintake.core.clock import now
from leadintake.core.db.database import db, execute
from leadintake.core.errors import NotFound, UnprocessableContent

MAX_AGE = timedelta(days=366)
INELIGIBLE = "Choose somebody who is active and may work on leads."
_DAY = sa.bindparam("day", type_=sa.Date)
_COVERS = sa.and_(Absence.first_day <= _DAY, sa.or_(Absence.last_day.is_(None), Absence.last_day >= _DAY))
_SOME_ABSENCE = sa.select(Absence.id).where(_COVERS, Absence.deleted_at.is_(None)).limit(1)


class Absences:
    """Absences of users."""

    def today(self) -> date:
        """Return today's date in the firm's time zone."""
        return policy.current().local(now()).date()

    def on(self, day: date) -> Mapping[uuid.UUID, Absence]:
        """Return absences by user on this day; of overlapping ones that which ends last."""
        if execute(_SOME_ABSENCE, [{"day": day}]).first() is None:
            return {}  # as on most days; the next query joins users
        rows = db.session.scalars(sa.select(Absence).where(_COVERS), {"day": day}).all()
        return {
            absence.user_id: absence
            for absence in sorted(rows, key=lambda absence: absence.last_day or date.max)
        }

    def of(self, user_id: uuid.UUID) -> Absence | None:
        """Return the user's absence today."""
        return self.on(self.today()).get(user_id)

    def of_today(self, user_id: uuid.UUID) -> Sequence[Absence]:
        """Return all absences of the user today."""
        today = self.today()
        return [absence for absence in self.coming(user_id) if absence.first_day <= today]

    def coming(self, user_id: uuid.UUID | None = None) -> Sequence[Absence]:
        """Return absences not ended, of all users or one, by first day."""
        absences_query = sa.select(Absence).where(
            sa.or_(Absence.last_day.is_(None), Absence.last_day >= self.today())
        )
        if user_id is not None:
            absences_query = absences_query.where(Absence.user_id == user_id)
        return db.session.scalars(absences_query.order_by(Absence.first_day, Absence.id)).all()

    def get(self, absence_id: uuid.UUID) -> Absence:
        """Return an absence not ended. Raises NotFound."""
        absence_query = sa.select(Absence).where(Absence.id == absence_id)
        found = db.session.scalar(absence_query.execution_options(populate_existing=True))
        if found is None or (found.last_day is not None and found.last_day < self.today()):
            raise NotFound("There is no such absence.")
        return found

    def set(
        self,
        user_id: uuid.UUID,
        first_day: date,
        last_day: date | None,
        substitute_id: uuid.UUID | None = None,
        *,
        actor: UserOrOperator,
    ) -> Absence:
        """Record an absence; if it has begun, reassign the user's open leads now.

        Raises UnprocessableContent.
        """
        departures.lock_assignment()
        absence = self.build(user_id, first_day, last_day, substitute_id)
        db.session.add(absence)
        db.session.flush()
        self._record("absence.set", absence, actor=actor)
        if first_day <= self.today():
            departures.announce(absence.user, absence.reason, actor=actor)
        return absence

    def build(
        self,
        user_id: uuid.UUID,
        first_day: date,
        last_day: date | None,
        substitute_id: uuid.UUID | None = None,
    ) -> Absence:
        """Return an absence that is not stored. Raises UnprocessableContent."""
        person, substitute = self._check(user_id, first_day, last_day, substitute_id)
        return Absence(
            user=person,
            user_id=person.id,
            first_day=first_day,
            last_day=last_day,
            substitute=substitute,
            substitute_id=substitute_id,
        )

    def end(self, absence: Absence, *, actor: UserOrOperator) -> None:
        """End an absence now, or cancel a future one. Raises NotFound."""
        departures.lock_assignment()
        absence = self.get(absence.id)  # a concurrent request may have ended it
        absence.deleted_at = now()
        self._record("absence.ended", absence, actor=actor)
        db.session.flush()

    def _check(
        self, user_id: uuid.UUID, first_day: date, last_day: date | None, substitute_id: uuid.UUID | None
    ) -> tuple[User, User | None]:
        problems: dict[str, list[str]] = {}
        person, substitute = auth.get(user_id), auth.get(substitute_id) if substitute_id else None
        if person is None or not person.works_on_leads:
            problems["user_id"] = [INELIGIBLE]
        if substitute_id and (
            substitute is None or not substitute.works_on_leads or substitute_id == user_id
        ):
            problems["substitute_id"] = [f"{INELIGIBLE} Nobody stands in for themselves."]
        if first_day < self.today() - MAX_AGE:
            problems["first_day"] = ["This is long ago. Choose the day from which they are away."]
        if last_day is not None and last_day < max(first_day, self.today()):
            problems["last_day"] = [
                "This is over already. Choose a last day from the first day on, and not past."
            ]
        if person is None or problems:
            raise UnprocessableContent(problems)
        return person, substitute

    def _record(self, action: str, absence: Absence, *, actor: UserOrOperator) -> None:
        audit.record(
            action,
            actor=actor,
            about=("user", absence.user_id),
            first_day=absence.first_day.isoformat(),
            last_day=absence.last_day.isoformat() if absence.last_day else "",
            substitute=str(absence.substitute_id) if absence.substitute_id else "",
        )


absences = Absences()
