"""Which leads a user has not opened yet.

A lead is unread for a user while it is open and they have not opened it since it came, or since it was
assigned to them. Leads that came before they were a user, or before `User.unread_since`, are not.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import become_writer, before_commit
from leadintake.core.db.types import new_id
from leadintake.core.db.upserts import make_upsert
from leadintake.leads.models import Lead
from leadintake.leads.status import is_open
from leadintake.leads.views.models import LeadRead

READS = cast(sa.Table, LeadRead.__table__)


def find_unread(leads: Iterable[Lead], reader: User) -> Collection[uuid.UUID]:
    """Return the ids of the leads that `reader` has not opened yet. One lookup, or none."""
    since = reader.unread_since or reader.created_at
    arrivals = {
        lead.id: arrival
        for lead in leads
        if is_open(lead.status, lead.outcome) and (arrival := _arrival(lead, reader)) >= since
    }
    if not arrivals:
        return frozenset()
    reads = sa.select(LeadRead.lead_id, LeadRead.seen_at).where(
        LeadRead.user_id == reader.id, LeadRead.lead_id.in_(arrivals)
    )
    seen = {row.lead_id: row.seen_at for row in db.session.execute(reads)}
    return {lead_id for lead_id, at in arrivals.items() if lead_id not in seen or seen[lead_id] < at}


def mark_read(lead: Lead, reader: User) -> None:
    """Note that `reader` opened the lead, unless that changes nothing: one lookup, and one write at most.

    The write is at the end of the transaction, as that of the audit trail: pages only read until then.
    """
    arrival = _arrival(lead, reader)
    if arrival < (reader.unread_since or reader.created_at):
        return
    read = sa.select(LeadRead.seen_at).where(LeadRead.user_id == reader.id, LeadRead.lead_id == lead.id)
    seen_at = db.session.scalar(read)
    if seen_at is None or seen_at < arrival:
        values = {"id": new_id(), "user_id": reader.id, "lead_id": lead.id}
        before_commit(functools.partial(_write, values), first=True)


def _arrival(lead: Lead, reader: User) -> datetime:
    """Return when the lead came, or came to the reader."""
    return max(lead.created_at, lead.assigned_at) if lead.assignee_id == reader.id else lead.created_at


def _write(values: dict[str, Any]) -> None:
    become_writer()
    moment = now()
    connection = db.session.connection()
    times = {"created_at": moment, "updated_at": moment, "seen_at": moment}
    connection.execute(_make_upsert(connection.dialect.name), [values | times])


@functools.cache
def _make_upsert(dialect: str) -> sa.Insert:
    """Make an INSERT that renews the row if there is one: two pages of one user may open a lead at once."""
    return make_upsert(
        READS,
        dialect,
        key=["user_id", "lead_id"],
        change=lambda new: {"seen_at": new.seen_at, "updated_at": new.updated_at},
    )
