"""Suspected spam: without assignee and messages until a reviewer releases or discards it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.actor import UserOrOperator
from leadintake.auth.models import User
from leadintake.core.actor import OPERATOR, refuse_operator_in_request
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.pagination import Order, Page, page_of
from leadintake.core.errors import Conflict
from leadintake.leads import visibility
from leadintake.leads.distribution import alerts
from leadintake.leads.distribution.handover import handover
from leadintake.leads.events import LeadGateChanged, lead_gate_changed
from leadintake.leads.models import Lead, is_in_quarantine
from leadintake.leads.status import Gate

NEWEST_FIRST = Order(Lead, "quarantined_at", descending=True)


class Quarantine:
    """The leads in quarantine."""

    def page(self, *, actor: UserOrOperator, limit: int, cursor: str | None) -> Page[Lead]:
        """Return a page of those visible to `actor`, newest first, and audit the listing."""
        audit.record("leads.quarantine_listed", actor=actor)
        return page_of(
            list_query(actor), NEWEST_FIRST, limit=limit, cursor=cursor, bound_to={"in": "quarantine"}
        )

    def count(self, *, reader: User) -> int:
        """Count those visible to `reader`."""
        count_query = list_query(reader).with_only_columns(sa.func.count(Lead.id), maintain_column_froms=True)
        return db.session.scalar(count_query) or 0

    def release(self, lead: Lead, *, actor: UserOrOperator) -> None:
        """Open the gate, assign the lead, and enqueue the messages of a new lead.

        The caller holds the assignment lock. Raises Conflict if the lead is not in quarantine.
        """
        self._require_quarantined(lead)
        before, lead.gate = lead.gate, Gate.OPEN
        lead.quarantined_at = lead.quarantine_reason = None
        db.session.flush()
        lead_gate_changed.send(LeadGateChanged(lead.id, before, lead.gate, alerts.name_of(actor)))
        alerts.record(lead, "released", "", actor=actor)
        audit.record("lead.released", actor=actor, about=("lead", lead.id))
        handover.hand_on(lead, "released", "It was released from quarantine.", actor=actor)
        alerts.enqueue_confirmation(lead)

    def discard(self, lead: Lead, *, actor: UserOrOperator) -> None:
        """Soft-delete the lead; Leads.restore returns it to quarantine.

        Raises Conflict if the lead is not in quarantine.
        """
        self._require_quarantined(lead)
        lead.deleted_at = now()
        db.session.flush()
        alerts.record(lead, "discarded", "", actor=actor)
        audit.record("lead.discarded", actor=actor, about=("lead", lead.id))

    def _require_quarantined(self, lead: Lead) -> None:
        if not lead.in_quarantine:
            raise Conflict("This lead is not in quarantine any more.")


def list_query(reader: UserOrOperator) -> sa.Select[Any]:
    """Select the leads in quarantine that `reader` may see."""
    query: sa.Select[Any] = sa.select(Lead).where(is_in_quarantine())
    if reader is OPERATOR:
        refuse_operator_in_request(reader)
        return query
    return query.where(Lead.id.not_in(visibility.screened_leads(reader.id)))


quarantine = Quarantine()
