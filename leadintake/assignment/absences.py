"""Verbs on absences: set somebody away, have them back. Their pending leads go on to others."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import sqlalchemy as sa

from leadintake.assignment import policy
from leadintake.assignment.models import Absence
from leadintake.audit.service import audit
from leadintake.auth import leaving
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.errors import Invalid, NotFound

LONGEST_AGO = timedelta(days=366)
WHO = "Choose somebody who is active and may work on leads."


class Absences:
    """Who is away when."""

    def today(self) -> date:
        """The day it is in the firm's clock."""
        return policy.current().local(now()).date()

    def on(self, day: date) -> Mapping[uuid.UUID, Absence]:
        """Who is away on this day, by user. Of two absences that overlap, the one that ends later counts."""
        covers = sa.and_(
            Absence.first_day <= day, sa.or_(Absence.last_day.is_(None), Absence.last_day >= day)
        )
        found = db.session.scalars(sa.select(Absence).where(covers)).all()
        return {one.user_id: one for one in sorted(found, key=lambda one: one.last_day or date.max)}

    def of(self, user_id: uuid.UUID) -> Absence | None:
        """The absence of this person today."""
        return self.on(self.today()).get(user_id)

    def of_today(self, user_id: uuid.UUID) -> Sequence[Absence]:
        """Every absence of this person that covers today."""
        today = self.today()
        return [one for one in self.coming(user_id) if one.first_day <= today]

    def coming(self, user_id: uuid.UUID | None = None) -> Sequence[Absence]:
        """Everybody's absences (or one person's) that are not over, by their first day."""
        wanted = sa.select(Absence).where(
            sa.or_(Absence.last_day.is_(None), Absence.last_day >= self.today())
        )
        if user_id is not None:
            wanted = wanted.where(Absence.user_id == user_id)
        return db.session.scalars(wanted.order_by(Absence.first_day, Absence.id)).all()

    def get(self, absence_id: uuid.UUID) -> Absence:
        """One that is not over. Raises NotFound."""
        wanted = sa.select(Absence).where(Absence.id == absence_id)
        found = db.session.scalar(wanted.execution_options(populate_existing=True))
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
        by: User | None,
    ) -> Absence:
        """Say that somebody is away. If it begins today, their pending leads go on to others at once.

        Raises Invalid.
        """
        leaving.hold()
        person, substitute = self._judged(user_id, first_day, last_day, substitute_id)
        absence = Absence(user=person, first_day=first_day, last_day=last_day, substitute=substitute)
        db.session.add(absence)
        db.session.flush()
        self._record("absence.set", absence, by=by)
        if first_day <= self.today():
            leaving.left(person, f"{person.name} is away until {absence.until}.", by=by)
        return absence

    def end(self, absence: Absence, *, by: User | None) -> None:
        """Have somebody back from now on, or call an absence to come off.

        Raises NotFound for one that is over.
        """
        leaving.hold()
        absence = self.get(absence.id)  # another may have ended it while this one waited
        absence.deleted_at = now()
        self._record("absence.ended", absence, by=by)
        db.session.flush()

    def _judged(
        self, user_id: uuid.UUID, first_day: date, last_day: date | None, substitute_id: uuid.UUID | None
    ) -> tuple[User, User | None]:
        wrong: dict[str, list[str]] = {}
        person, substitute = auth.get(user_id), auth.get(substitute_id) if substitute_id else None
        if person is None or not person.works_on_leads:
            wrong["user_id"] = [WHO]
        if substitute_id and (
            substitute is None or not substitute.works_on_leads or substitute_id == user_id
        ):
            wrong["substitute_id"] = [f"{WHO} Nobody stands in for themselves."]
        if first_day < self.today() - LONGEST_AGO:
            wrong["first_day"] = ["This is long ago. Choose the day from which they are away."]
        if last_day is not None and last_day < max(first_day, self.today()):
            wrong["last_day"] = [
                "This is over already. Choose a last day from the first day on, and not past."
            ]
        if person is None or wrong:
            raise Invalid(wrong)
        return person, substitute

    def _record(self, action: str, absence: Absence, *, by: User | None) -> None:
        audit.record(
            action,
            by=by,
            about=("user", absence.user_id),
            first_day=absence.first_day.isoformat(),
            last_day=absence.last_day.isoformat() if absence.last_day else "",
            substitute=str(absence.substitute_id) if absence.substitute_id else "",
        )


absences = Absences()
