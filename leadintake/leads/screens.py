"""Verbs on ethical walls: bar somebody from a lead by name, and lift the bar (ABA Model Rule 1.10).

For who is barred the lead does not exist, whatever their role. What they may see of it is one number: how
many open leads somebody had was written into the reason of an assignment when it was true.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Literal

import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core.database import db
from leadintake.core.errors import Invalid, NotFound
from leadintake.core.text import TooLong, has_controls, is_invisible, regular
from leadintake.leads import events, ownership
from leadintake.leads.handing import handing
from leadintake.leads.models import Lead, LeadStatus, Screen
from leadintake.notifications.service import notifications

LONGEST_NOTICE = 500


class Screens:
    """The walls around leads."""

    def of(self, lead: Lead) -> Sequence[Screen]:
        """Everybody barred from the lead, in the order in which they were."""
        return db.session.scalars(
            sa.select(Screen).where(Screen.lead_id == lead.id).order_by(Screen.id)
        ).all()

    def read(self, lead: Lead, *, by: User | None) -> Sequence[Screen]:
        """The same, and on record."""
        audit.record("lead.screens_read", by=by, about=("lead", lead.id))
        return self.of(lead)

    def set(self, lead: Lead, user_id: uuid.UUID, notice: str, *, by: User | None) -> Screen:
        """Bar somebody from the lead, or replace the notice. The caller holds all leads.

        What is owed them about it is not sent, and a lead of theirs goes to the next. Raises Invalid.
        """
        person, words = self._judged(user_id, notice)
        screen = self._find(lead, user_id) or Screen(lead_id=lead.id, user=person)
        screen.notice, screen.set_by = words, events.actor_of(by)
        db.session.add(screen)
        db.session.flush()
        self._record(lead, "screened", screen, by=by)
        notifications.withdraw(lead.id, person.email)
        if lead.assignee_id == person.id:
            self._take_away(lead, f"{person.name} is screened from it.", by=by)
        return screen

    def lift(self, lead: Lead, user_id: uuid.UUID, *, by: User | None) -> None:
        """Let them know of the lead again. The caller holds all leads. Raises NotFound."""
        screen = self._find(lead, user_id)
        if screen is None:
            raise NotFound("Nobody by this name is screened from this lead.")
        self._record(lead, "screen_lifted", screen, by=by)
        db.session.delete(screen)
        db.session.flush()

    def inherit(self, lead: Lead, earlier: Iterable[Screen]) -> None:
        """Bar from a new lead who is barred from its client already."""
        for screen in earlier:
            same = Screen(lead_id=lead.id, user=screen.user, notice=screen.notice, set_by=screen.set_by)
            db.session.add(same)
            self._record(lead, "screened", same, by="system")

    def _take_away(self, lead: Lead, why: str, *, by: User | None) -> None:
        """Give a lead that waits to the next; one whose prospect was reached is for the managers to give."""
        if lead.status is LeadStatus.PENDING:
            handing.hand_on(lead, "screened", why, by=by)
        else:
            ownership.hand(lead, None, why, by=by)

    def _find(self, lead: Lead, user_id: uuid.UUID) -> Screen | None:
        wanted = sa.select(Screen).where(Screen.lead_id == lead.id, Screen.user_id == user_id)
        return db.session.scalar(wanted)

    def _judged(self, user_id: uuid.UUID, notice: str) -> tuple[User, str]:
        person, wrong = auth.get(user_id), {}
        try:
            words = regular(notice, LONGEST_NOTICE)
        except TooLong:
            words = ""
        if person is None:
            wrong["user_id"] = ["There is no such user."]
        if is_invisible(words):
            wrong["notice"] = [f"Say why, in 1 to {LONGEST_NOTICE} characters."]
        elif has_controls(words):
            wrong["notice"] = ["This has characters that cannot be shown. Please type it again."]
        if person is None or wrong:
            raise Invalid(wrong)
        return person, words

    def _record(
        self, lead: Lead, action: str, screen: Screen, *, by: User | Literal["system"] | None
    ) -> None:
        actor = by if by == "system" else events.actor_of(by)
        events.record(lead, action, f"{screen.user.email}: {screen.notice}", actor=actor)
        audit.record(f"lead.{action}", by=by, about=("lead", lead.id), user=str(screen.user.id))


screens = Screens()
