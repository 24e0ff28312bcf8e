"""Outcomes of leads. A lead with one is not open: workload, counters and reminders leave it out."""

from __future__ import annotations

from leadintake.auth.actor import UserOrOperator
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.leads import work
from leadintake.leads.distribution import alerts
from leadintake.leads.events import LeadOutcomeChanged, lead_outcome_changed
from leadintake.leads.models import Lead
from leadintake.leads.service import leads
from leadintake.leads.status import Outcome


def change(lead: Lead, outcome: Outcome | None, note: str | None, *, actor: UserOrOperator) -> None:
    """Set the outcome, or take it back; needs the assignment lock.

    A lead that is open again and whose attorney left, or is away, is handed on. Raises Forbidden, and
    UnprocessableContent for an invalid note.
    """
    work.require_right(lead, actor)
    words = work.normalize_note(note) if outcome else None
    before = lead.outcome
    if (before, lead.outcome_note) == (outcome, words):
        work.note_repetition(lead, actor=actor)
        return
    lead.outcome, lead.outcome_note = outcome, words
    if outcome is not before:
        lead.outcome_at = now() if outcome else None
    if outcome is None:
        work.record(lead, "outcome_removed", before or "", actor=actor)
    else:
        work.record(
            lead, "outcome_set", ": ".join(filter(None, (outcome, words))), actor=actor, outcome=outcome
        )
    db.session.flush()
    if outcome is not before:
        lead_outcome_changed.send(LeadOutcomeChanged(lead.id, before, outcome, alerts.name_of(actor)))
    leads.hand_on_if_owner_left(lead, actor=actor)
