"""What the acts on a lead share: who may, the note of an act, and the record."""

from __future__ import annotations

from leadintake.audit.service import audit
from leadintake.auth.actor import Actor, UserOrOperator
from leadintake.core.actor import OPERATOR
from leadintake.core.errors import Forbidden, UnprocessableContent
from leadintake.core.text import TooLong, has_controls, is_invisible, normalize_text
from leadintake.leads import permissions
from leadintake.leads.distribution import alerts
from leadintake.leads.models import Lead
from leadintake.leads.progress import MAX_NOTE_LENGTH


def require_right(lead: Lead, actor: UserOrOperator) -> None:
    """Raise Forbidden unless `actor` is the assignee, or may change any lead."""
    if actor is not OPERATOR and not permissions.may_change_status(actor, lead):
        raise Forbidden("This lead is somebody else's. Only its attorney or a manager may change it.")


def normalize_note(text: str | None) -> str | None:
    """Return the note in NFC with blanks for tabs, None for a blank one. Raises UnprocessableContent."""
    try:
        note = normalize_text((text or "").replace("\t", " "), MAX_NOTE_LENGTH)
    except TooLong:
        raise UnprocessableContent({"note": [f"Write {MAX_NOTE_LENGTH} characters at most."]}) from None
    if "\n" in note or "\r" in note:
        raise UnprocessableContent({"note": ["Write this in one line."]})
    if has_controls(note):
        raise UnprocessableContent(
            {"note": ["This has characters that cannot be shown. Please type it again."]}
        )
    return None if is_invisible(note) else note


def record(lead: Lead, action: str, words: str, *, actor: Actor, **detail: object) -> None:
    """Record an act in the lead's history, with the words, and in the audit trail, without them."""
    alerts.record(lead, action, words, actor=actor)
    audit.record(f"lead.{action}", actor=actor, about=("lead", lead.id), **detail)


def note_repetition(lead: Lead, *, actor: UserOrOperator) -> None:
    """Audit an act that changed nothing: its answer is the lead."""
    audit.record("lead.read", actor=actor, about=("lead", lead.id), what="detail")
