"""Mails about leads that one act gives to others: one for each person, not one for each lead."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.auth.people.preferences import wants_mail
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.results import affected
from leadintake.leads import visibility
from leadintake.leads.distribution import alerts, transfers
from leadintake.leads.models import Lead
from leadintake.notifications.models import RESERVED, Notification, Status

MAX_ALERTS = 5
"""An act on so many leads at most alerts of each as the act on one lead does."""
HOLD = timedelta(seconds=30)
"""Time that an unfinished mail waits, so that it is sent even if the process ends."""
NOBODYS = "Nobody has these now. Please hand them over:"
NOT_YOURS = "You need not do anything about these any more:"


@dataclass
class _Mail:
    name: str
    consequence: str | None
    """None: that the leads are the recipient's."""
    leads: list[transfers.MovedLead] = field(default_factory=list)
    message_id: uuid.UUID | None = None
    is_changed: bool = False
    number_written: int = 0
    """Of the leads, how many the message names."""


class Digest:
    """The mails of one act.

    1. Each transaction writes, for everybody concerned, a mail of all leads so far, reserved for HOLD.
       It takes the place of the mail of the transaction before. So no lead is given without a mail.
    2. The last transaction lets the mails be sent at once.
    3. A mail that is on its way already stays; the next begins with the leads after it.
    """

    def __init__(self, actor: User, number: int) -> None:
        self.is_needed = number > MAX_ALERTS
        self._actor = actor
        self._actor_id, self._why = actor.id, ""
        self._moves: list[tuple[User | None, Lead]] = []
        self._mails: dict[tuple[str, str | None], _Mail] = {}

    def add(self, lead: Lead, former: User | None) -> None:
        """Note that the lead went from `former` to its assignee."""
        if self.is_needed and lead.assigned_to is not former:
            self._moves.append((former, lead))

    def write(self, *, is_last: bool) -> None:
        """Write the mails, in the transaction of the moves since the last call."""
        for _, lead in self._moves:
            self._why = lead.assignment_reason
            if lead.assigned_to is None:
                for person in alerts.list_managers(visibility.screened_users(lead.id)):
                    self._append(person, NOBODYS, lead)
            elif lead.assignee_id != self._actor_id:
                self._append(lead.assigned_to, None, lead)
        for person, moved in transfers.find_told(self._moves, actor=self._actor):
            for lead in moved if wants_mail(person, transfers.KIND) else ():
                self._append(person, NOT_YOURS, lead)
        self._moves.clear()
        for (email, _), mail in self._mails.items():
            if mail.is_changed:
                self._write(email, mail, is_last=is_last)
            elif is_last and mail.message_id:
                self._change(sa.update(Notification).values(due_at=now(), claimed_by=None), mail.message_id)

    def _append(self, person: User, consequence: str | None, lead: Lead) -> None:
        mail = self._mails.setdefault((person.email, consequence), _Mail(person.name, consequence))
        mail.leads.append(transfers.MovedLead.of(lead))
        mail.is_changed = True

    def _write(self, email: str, mail: _Mail, *, is_last: bool) -> None:
        if mail.message_id and not self._change(sa.delete(Notification), mail.message_id):
            del mail.leads[: mail.number_written]
        reserved_until = None if is_last else now() + HOLD
        mail.message_id = transfers.enqueue_moved(
            email,
            mail.name,
            mail.leads,
            self._why,
            mail.consequence or _say_yours(mail.leads),
            reserved_until=reserved_until,
        )
        mail.is_changed, mail.number_written = False, len(mail.leads)

    def _change(self, statement: sa.Update | sa.Delete, message_id: uuid.UUID) -> bool:
        """Change or delete a mail that is reserved still; return whether there was one.

        So no worker has taken it, and it has no attempts, whose rows would refer to it.
        """
        is_reserved = Notification.status == Status.QUEUED, Notification.claimed_by == RESERVED
        return affected(db.session.execute(statement.where(Notification.id == message_id, *is_reserved))) == 1


def _say_yours(leads: Sequence[transfers.MovedLead]) -> str:
    number = sum(lead.is_open for lead in leads)
    if number == len(leads):
        return transfers.YOURS_OPEN
    return transfers.YOURS_MIXED if number else transfers.YOURS_DONE
