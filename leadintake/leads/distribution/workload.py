"""The allocator's input from leads: those of today, earlier assignees, exclusions."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leadintake.core.addresses import normalize_mailbox
from leadintake.core.db.database import db, execute
from leadintake.leads.models import Decline, Lead, Screen, fold_email, is_from_mailbox

_RECENT_LEADS = (
    sa.select(Lead.assignee_id, sa.func.count().label("number"))
    .where(
        Lead.assignee_id.in_(sa.bindparam("users", expanding=True)),
        Lead.deleted_at.is_(None),
        Lead.assigned_at >= sa.bindparam("since"),
    )
    .group_by(Lead.assignee_id)
)
_LEADS_OF_KEY = sa.select(Lead.id).where(Lead.submission_key == sa.bindparam("key"))
_LEADS_OF_MAILBOX = sa.select(Lead.id).where(
    is_from_mailbox(sa.bindparam("mailbox"), sa.bindparam("folded_email"))
)
_ARE_KNOWN = sa.select(
    _LEADS_OF_KEY.exists().label("has_key"), _LEADS_OF_MAILBOX.exists().label("has_mailbox")
)


def count_recent_leads(users: Collection[uuid.UUID], since: datetime) -> dict[uuid.UUID, int]:
    """Count each user's leads that were assigned since `since`."""
    rows = execute(_RECENT_LEADS, [{"users": [*users], "since": since}])
    return {row.assignee_id: row.number for row in rows}


def are_known(key: str | None, email: str) -> tuple[bool, bool]:
    """Return whether a lead, deleted or not, has this key, and whether one has this mailbox.

    One statement: most submissions need no other about earlier leads.
    """
    of_sender = {"mailbox": normalize_mailbox(email), "folded_email": fold_email(email)}
    found = execute(_ARE_KNOWN, [{"key": key, **of_sender}]).one()
    return bool(found.has_key), bool(found.has_mailbox)


ValuesOrSelect = Collection[Any] | sa.Select[Any]
"""Or a select: databases limit the values per statement."""


def find_owners(mailboxes: ValuesOrSelect) -> Mapping[str, Sequence[uuid.UUID]]:
    """Return the assignees of leads by mailbox, most recent lead first."""
    newest = sa.func.max(Lead.created_at)
    owner_query: Any = sa.select(Lead.mailbox, Lead.assignee_id).where(
        Lead.mailbox.in_(mailboxes), Lead.assignee_id.is_not(None)
    )
    by_owner_query = owner_query.group_by(Lead.mailbox, Lead.assignee_id)
    owners: dict[str, list[uuid.UUID]] = {}
    for mailbox, owner in db.session.execute(by_owner_query.order_by(newest.desc(), Lead.assignee_id)):
        owners.setdefault(mailbox, []).append(owner)
    return owners


def excluded_users_by_lead(
    leads: ValuesOrSelect, table: type[Screen | Decline]
) -> Mapping[uuid.UUID, set[uuid.UUID]]:
    """Return the users screened from each lead, or who declined it."""
    pair_query: Any = sa.select(table.lead_id, table.user_id).where(table.lead_id.in_(leads))
    users_by_lead: dict[uuid.UUID, set[uuid.UUID]] = {}
    for lead, user in db.session.execute(pair_query):
        users_by_lead.setdefault(lead, set()).add(user)
    return users_by_lead


def oldest_first(*, in_quarantine: bool = False) -> Sequence[Any]:
    """Return the order of unassigned leads in ix_leads_waiting_open: those that wait, or those in quarantine.

    PostgreSQL uses the index only if the columns that are NULL in all of them are named, too. MariaDB would
    sort then.
    """
    if db.session.get_bind().dialect.name != "mysql":
        return (Lead.assignee_id, Lead.deleted_at, Lead.quarantined_at, Lead.assigned_at, Lead.id)
    since = (Lead.quarantined_at,) if in_quarantine else ()
    return (*since, Lead.assigned_at, Lead.id)
