"""Submissions that look like spam: kept, told to nobody, until somebody of the firm has looked."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.errors import Conflict
from leadintake.core.pages import Order, Page, page_of
from leadintake.leads import barred, events
from leadintake.leads.handing import handing
from leadintake.leads.models import Lead, held

NEWEST_FIRST = Order(Lead, "quarantined_at", descending=True)


class Quarantine:
    """What waits for being looked at."""

    def page(self, *, seen_by: User | None, limit: int, cursor: str | None) -> Page[Lead]:
        """What `seen_by` may know of, newest first; that it was listed is on record."""
        audit.record("leads.quarantine_listed", by=seen_by)
        return page_of(_of(seen_by), NEWEST_FIRST, limit=limit, cursor=cursor, bound_to={"in": "quarantine"})

    def count(self, *, seen_by: User | None) -> int:
        """How many there are."""
        tally = _of(seen_by).with_only_columns(sa.func.count(Lead.id), maintain_column_froms=True)
        return db.session.scalar(tally) or 0

    def release(self, lead: Lead, *, by: User | None) -> None:
        """Let it in after all: it is assigned, and its prospect thanked, as if it arrived now.

        The caller holds all leads. Raises Conflict for one that is not in quarantine any more.
        """
        self._refuse_others(lead)
        lead.quarantined_at = lead.quarantine_reason = None
        db.session.flush()
        events.record(lead, "released", "", actor=events.actor_of(by))
        audit.record("lead.released", by=by, about=("lead", lead.id))
        handing.hand_on(lead, "released", "It was released from quarantine.", by=by)
        events.confirm(lead)

    def discard(self, lead: Lead, *, by: User | None) -> None:
        """Put it away; it can be restored, into quarantine again. Raises Conflict as `release` does."""
        self._refuse_others(lead)
        lead.deleted_at = now()
        db.session.flush()
        events.record(lead, "discarded", "", actor=events.actor_of(by))
        audit.record("lead.discarded", by=by, about=("lead", lead.id))

    def _refuse_others(self, lead: Lead) -> None:
        if lead.quarantined_at is None:
            raise Conflict("This lead is not in quarantine any more.")


def _of(person: User | None) -> sa.Select[Any]:
    waits: sa.Select[Any] = sa.select(Lead).where(held())
    return waits if person is None else waits.where(Lead.id.not_in(barred.hidden_from(person.id)))


quarantine = Quarantine()
