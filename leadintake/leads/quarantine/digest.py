"""A mail a day to each manager while something lies in quarantine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app

from leadintake.assignment import counters
from leadintake.auth.models import User
from leadintake.auth.people import departures
from leadintake.auth.people.preferences import wants_mail
from leadintake.auth.service import auth
from leadintake.core.clock import now
from leadintake.core.db.database import db, read_only
from leadintake.core.db.transaction import transaction
from leadintake.leads.models import Lead
from leadintake.leads.quarantine.service import list_query, quarantine
from leadintake.notifications.models import Notification
from leadintake.notifications.service import notifications

KIND = "quarantine_digest"
FIRST_AFTER, AGAIN_AFTER = timedelta(hours=1), timedelta(days=1)
"""Who looks within an hour needs no mail."""


def run_worker_tick() -> bool:
    """Enqueue the digests that are due; return whether there are any.

    1. Without a lock, look whether any is due. The numbers of leads are kept: idle, this is one statement.
    2. In a transaction: lock assignment, against other workers; look again, enqueue.
    """
    with read_only():
        is_due = any(True for _ in _list_due())
        db.session.rollback()
    if not is_due:
        return False
    with transaction():
        departures.lock_assignment()
        for manager, count in [*_list_due()]:
            _enqueue(manager, count)
    return True


def _list_due() -> Iterator[tuple[User, int]]:
    """Yield each manager who wants digests and had none within AGAIN_AFTER, with the number of leads."""
    if not counters.read_totals()["quarantined"]:
        return
    for manager in auth.managers():
        wants_it = wants_mail(manager, KIND)
        if wants_it and not _has_recent_digest(manager) and _has_old_lead(manager):
            yield manager, quarantine.count(reader=manager)


def _has_recent_digest(manager: User) -> bool:
    digest_query = sa.select(Notification.id).where(
        Notification.recipient == manager.email,
        Notification.kind == KIND,
        Notification.created_at > now() - AGAIN_AFTER,
    )
    return db.session.scalar(digest_query.limit(1)) is not None


def _has_old_lead(manager: User) -> bool:
    old_query = list_query(manager).where(Lead.quarantined_at < now() - FIRST_AFTER)
    return db.session.scalar(old_query.limit(1)) is not None


def _enqueue(manager: User, count: int) -> None:
    notifications.enqueue(
        KIND,
        manager.email,
        manager=manager.name,
        count=count,
        link=f"{current_app.config['PUBLIC_URL'].rstrip('/')}/desk/quarantine",
    )
