"""Screens as selects, for lists, alerts and the assignment."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from leadintake.core.addresses import normalize_mailbox
from leadintake.core.db.database import db
from leadintake.leads.models import Lead, Screen, fold_email, is_from_mailbox


def screened_leads(user_id: uuid.UUID) -> sa.Select[Any]:
    """Select the ids of the leads hidden from this user."""
    return sa.select(Screen.lead_id).where(Screen.user_id == user_id)


def screened_users(lead_id: uuid.UUID) -> Collection[uuid.UUID]:
    """Return the ids of the users from whom this lead is hidden."""
    return frozenset(db.session.scalars(sa.select(Screen.user_id).where(Screen.lead_id == lead_id)))


def screens_for_email(email: str) -> Sequence[Screen]:
    """Return the latest screen of each user from any lead of this address, in all its spellings.

    Deleted leads count: the screen is about the client (ABA Model Rule 1.10).
    """
    same_email = is_from_mailbox(normalize_mailbox(email), fold_email(email))
    screen_query = sa.select(Screen).join(Lead, Lead.id == Screen.lead_id).where(same_email)
    screens = db.session.scalars(
        screen_query.order_by(Screen.updated_at, Screen.id), execution_options={"include_deleted": True}
    )
    return list({screen.user_id: screen for screen in screens}.values())
