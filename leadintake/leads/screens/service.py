"""Verbs on screens (ABA Model Rule 1.10): they override every role.

One number may still reveal the lead: the reason of another assignment counts a colleague's open leads.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.actor import Actor, UserOrOperator
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core.actor import SYSTEM
from leadintake.core.db import rows
from leadintake.core.db.database import db
from leadintake.core.errors import NotFound, UnprocessableContent
from leadintake.core.text import TooLong, has_controls, is_invisible, normalize_text
from leadintake.leads.distribution import alerts, ownership
from leadintake.leads.distribution.handover import handover
from leadintake.leads.models import Lead, Screen
from leadintake.leads.redaction import explain_screen
from leadintake.leads.status import is_open
from leadintake.notifications.service import notifications

MAX_NOTICE_LENGTH = 500


class Screens:
    """Screens of leads."""

    def list_for(self, lead: Lead) -> Sequence[Screen]:
        """Return the screens of a lead, oldest first."""
        return db.session.scalars(
            sa.select(Screen).where(Screen.lead_id == lead.id).order_by(Screen.id)
        ).all()

    def read(self, lead: Lead, *, actor: UserOrOperator) -> Sequence[Screen]:
        """Return the screens of a lead, and audit the reading."""
        audit.record("lead.screens_read", actor=actor, about=("lead", lead.id))
        return self.list_for(lead)

    def set(self, lead: Lead, user_id: uuid.UUID, notice: str, *, actor: UserOrOperator) -> Screen:
        """Screen a user from the lead, or replace the notice. The caller holds the assignment lock.

        Withdraw unsent messages about the lead to the user; reassign the user's own lead. Raises
        UnprocessableContent.
        """
        person, words = self._validate(user_id, notice)
        screen = self._find(lead, user_id) or Screen(lead_id=lead.id, user=person)
        screen.notice, screen.set_by = words, alerts.name_of(actor)
        db.session.add(screen)
        db.session.flush()
        self._record(lead, "screened", screen, actor=actor)
        notifications.withdraw(lead.id, person.email)
        if lead.assignee_id == person.id:
            self._reassign(lead, explain_screen(person.name), actor=actor)
        return screen

    def lift(self, lead: Lead, user_id: uuid.UUID, *, actor: UserOrOperator) -> None:
        """Remove the screen. Raises NotFound."""
        screen = self._find(lead, user_id)
        if screen is None:
            raise NotFound("Nobody by this name is screened from this lead.")
        self._record(lead, "screen_lifted", screen, actor=actor)
        db.session.delete(screen)
        db.session.flush()

    def inherit(self, lead: Lead, earlier: Iterable[Screen]) -> None:
        """Copy the client's screens to a new lead."""
        for screen in earlier:
            rows.insert(
                Screen, lead_id=lead.id, user_id=screen.user_id, notice=screen.notice, set_by=screen.set_by
            )
            self._record(lead, "screened", screen, actor=SYSTEM)

    def _reassign(self, lead: Lead, why: str, *, actor: UserOrOperator) -> None:
        """Hand an open lead on; leave another unassigned, for the managers."""
        if is_open(lead.status, lead.outcome):
            handover.hand_on(lead, "screened", why, actor=actor)
        else:
            ownership.set_owner_manually(lead, None, why, actor=actor)

    def _find(self, lead: Lead, user_id: uuid.UUID) -> Screen | None:
        screen_query = sa.select(Screen).where(Screen.lead_id == lead.id, Screen.user_id == user_id)
        return db.session.scalar(screen_query)

    def _validate(self, user_id: uuid.UUID, notice: str) -> tuple[User, str]:
        person, errors = auth.get(user_id), {}
        try:
            words = normalize_text(notice, MAX_NOTICE_LENGTH)
        except TooLong:
            words = ""
        if person is None:
            errors["user_id"] = ["There is no such user."]
        if is_invisible(words):
            errors["notice"] = [f"Say why, in 1 to {MAX_NOTICE_LENGTH} characters."]
        elif has_controls(words):
            errors["notice"] = ["This has characters that cannot be shown. Please type it again."]
        if person is None or errors:
            raise UnprocessableContent(errors)
        return person, words

    def _record(self, lead: Lead, action: str, screen: Screen, *, actor: Actor) -> None:
        alerts.record(lead, action, f"{screen.user.email}: {screen.notice}", actor=actor)
        audit.record(f"lead.{action}", actor=actor, about=("lead", lead.id), user=str(screen.user.id))


screens = Screens()
