"""The signed address of the thank-you page, and what its reader may correct for an hour: the e-mail address.

The signature proves that the browser got the answer to the submission. It opens nothing else.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.people import departures
from leadintake.core.actor import ANONYMOUS, SYSTEM
from leadintake.core.addresses import normalize_mailbox
from leadintake.core.clock import now
from leadintake.core.crypto import is_keyed_hash, keyed_hash
from leadintake.core.db.database import db
from leadintake.core.errors import Conflict, NotFound
from leadintake.core.i18n.languages import N_
from leadintake.leads import search_index, visibility
from leadintake.leads.distribution import alerts
from leadintake.leads.distribution.handover import handover
from leadintake.leads.events import LeadEmailCorrected, lead_email_corrected
from leadintake.leads.fields import search_line, search_text, values_of
from leadintake.leads.models import Lead, LeadEvent, fold_email, has_key
from leadintake.leads.redaction import explain_screen
from leadintake.leads.reference import LeadKey
from leadintake.leads.screens.service import screens
from leadintake.leads.status import Source, is_open
from leadintake.notifications.messages import OPTIONAL_KINDS
from leadintake.notifications.service import notifications

PURPOSE = "thanks"
CORRECTED = "email_corrected"
WITHIN, MAX_CORRECTIONS = timedelta(hours=1), 3
"""A correction sends a confirmation to another address: no more of them than a few."""


CLOSED = N_(
    "Your e-mail address cannot be changed here any more. If it is wrong, please send the form again."
)


class NotSigned(NotFound):
    """The address of the page has no valid signature."""


class CorrectionClosed(Conflict):
    """The address may not be corrected any more. The same words for every reason: they tell nothing."""

    title = N_("This cannot be changed here any more")

    def __init__(self) -> None:
        super().__init__(CLOSED)


def sign(key: LeadKey | str) -> str:
    """Return the signature in the address of a lead's thank-you page."""
    return keyed_hash(PURPOSE, str(key))


def require_signature(key: LeadKey, signature: str) -> None:
    """Raise NotSigned unless the signature is that of the lead's thank-you page."""
    if not is_keyed_hash(PURPOSE, str(key), signature):
        raise NotSigned


class Corrections:
    """Corrections by prospects. The caller has checked the signature."""

    def find(self, key: LeadKey) -> Lead | None:
        """Return the lead of a submission, unless it was sent longer than WITHIN ago, or deleted."""
        found: Lead | None = db.session.scalar(
            sa.select(Lead).where(has_key(key), Lead.source == Source.FORM, Lead.created_at > now() - WITHIN),
            execution_options={"populate_existing": True},
        )
        return found

    def count(self, lead: Lead) -> int:
        """Count the corrections of a lead."""
        of_lead = LeadEvent.lead_id == lead.id, LeadEvent.action == CORRECTED
        return db.session.scalar(sa.select(sa.func.count(LeadEvent.id)).where(*of_lead)) or 0

    def require(self, key: LeadKey) -> Lead:
        """Return a lead whose address may be corrected. Raises CorrectionClosed."""
        lead = self.find(key)
        if lead is None or not is_open(lead.status, lead.outcome):
            raise CorrectionClosed
        return lead

    def may_be_corrected(self, lead: Lead) -> bool:
        """Return whether the page of a lead that `find` returned offers a correction."""
        return is_open(lead.status, lead.outcome) and self.count(lead) < MAX_CORRECTIONS

    def correct_email(self, key: LeadKey, email: str) -> None:
        """Replace the address of a lead, and send the confirmation again. A repetition changes nothing.

        1. Take the assignment lock, for the limits of confirmations, then lock the row of the lead.
        2. Raise CorrectionClosed if the lead may not be corrected, or was MAX_CORRECTIONS times.
        3. Write address and search texts; withdraw what is unsent to the former address.
        4. Apply the screens of the client with this address; hand the lead on if one is its attorney's.
        5. Enqueue the confirmation, and tell the attorney. Not for a lead in quarantine: it is corrected in
           silence, for a refusal would tell its sender where it is.
        """
        departures.lock_assignment()
        db.session.scalar(sa.select(Lead.id).where(has_key(key)).with_for_update())
        lead = self.require(key)
        if lead.email == email:
            return
        if self.count(lead) >= MAX_CORRECTIONS:
            raise CorrectionClosed
        former, owner_id = lead.email or "", lead.assignee_id
        self._write(lead, email)
        alerts.record(lead, CORRECTED, f"from {former} to {email}", actor=ANONYMOUS)
        audit.record(f"lead.{CORRECTED}", actor=ANONYMOUS, about=("lead", lead.id))
        notifications.withdraw(lead.id, former, kinds=OPTIONAL_KINDS)
        lead_email_corrected.send(LeadEmailCorrected(lead.id))
        self._apply_screens(lead)
        if lead.in_quarantine:
            return  # no messages; the release sends them to the address of then
        alerts.enqueue_confirmation(lead)
        if lead.assignee_id == owner_id:  # a new one is alerted of the lead as it is now
            alerts.enqueue_correction(lead)

    def _write(self, lead: Lead, email: str) -> None:
        before = lead.search_text
        lead.email, lead.folded_email, lead.mailbox = email, fold_email(email), normalize_mailbox(email)
        values = values_of(lead)
        lead.searchable = search_line(values)
        if before is not None:  # else backfill.index_texts does it
            lead.search_text = search_text(values, lead.reference)
            search_index.replace(lead.id, before, lead.search_text)
        db.session.flush()

    def _apply_screens(self, lead: Lead) -> None:
        screened = visibility.screened_users(lead.id)
        new = [one for one in visibility.screens_for_email(lead.email or "") if one.user_id not in screened]
        screens.inherit(lead, new)
        for screen in new:
            notifications.withdraw(lead.id, screen.user.email)
            if lead.assignee_id == screen.user_id:
                db.session.flush()
                handover.hand_on(lead, "screened", explain_screen(screen.user.name), actor=SYSTEM)


corrections = Corrections()
