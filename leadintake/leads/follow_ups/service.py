"""Next steps of leads. Until then the lead is not in its attorney's queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from leadintake.auth.actor import UserOrOperator
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.errors import UnprocessableContent
from leadintake.leads import work
from leadintake.leads.follow_ups import reminders
from leadintake.leads.models import Lead

LATEST = timedelta(days=731)


def change(lead: Lead, at: datetime | None, note: str | None, *, actor: UserOrOperator) -> None:
    """Set the next step, or take it back. A moved one reminds again, and what is unsent is withdrawn.

    Raises Forbidden, and UnprocessableContent for a time outside the next two years, or an invalid note.
    """
    work.require_right(lead, actor)
    words = work.normalize_note(note) if at else None
    before = lead.follow_up_at
    if (before, lead.follow_up_note) == (at, words):
        work.note_repetition(lead, actor=actor)
        return
    if at is not None and at != before:
        _check_time(at)
    at = at.astimezone(UTC) if at else None
    lead.follow_up_at, lead.follow_up_note = at, words
    if at != before:
        lead.follow_up_reminded_at = None
        reminders.withdraw(lead)
    if at is None:
        work.record(lead, "follow_up_removed", "", actor=actor)
    else:
        moment = f"{at:%Y-%m-%d %H:%M} UTC"
        work.record(lead, "follow_up_set", ": ".join(filter(None, (moment, words))), actor=actor)
    db.session.flush()


def _check_time(at: datetime) -> None:
    if not now() < at <= now() + LATEST:
        raise UnprocessableContent({"at": ["Choose a time in the future, at most two years ahead."]})
