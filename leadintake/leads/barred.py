"""Who is barred from which lead: the selects that lists, alerts and the assignment look at."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from leadintake.core.database import db
from leadintake.leads.models import Lead, Screen, folded


def hidden_from(person: uuid.UUID) -> sa.Select[Any]:
    """The ids of the leads that do not exist for this person, whatever their role."""
    return sa.select(Screen.lead_id).where(Screen.user_id == person)


def from_lead(lead_id: uuid.UUID) -> Collection[uuid.UUID]:
    """The ids of the people for whom this lead does not exist."""
    return frozenset(db.session.scalars(sa.select(Screen.user_id).where(Screen.lead_id == lead_id)))


def from_client(email: str) -> Sequence[Screen]:
    """One screen for each person barred from any lead with this address, a deleted one too: the latest set.

    The wall is about the client (ABA Model Rule 1.10), whatever capitals they write their address with.
    """
    same = Lead.folded_email == folded(email)
    about = sa.select(Screen).join(Lead, Lead.id == Screen.lead_id).where(same)
    found = db.session.scalars(
        about.order_by(Screen.updated_at, Screen.id), execution_options={"include_deleted": True}
    )
    return list({screen.user_id: screen for screen in found}.values())
