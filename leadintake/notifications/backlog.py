"""Metrics and alarms of the outbox. Each query uses an index and reads at most MAX_ROWS rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app

from leadintake.core.alarms import Problem
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.i18n.languages import N_
from leadintake.notifications.channel_state import ALL_MAIL, find_last_sent, read_channel_state
from leadintake.notifications.leases import EPOCH
from leadintake.notifications.messages import SUBJECTS
from leadintake.notifications.models import ORDINARY_KINDS, Notification, Priority, Status, WorkerBeat
from leadintake.notifications.service import BEAT_LASTS, notifications

MAX_ROWS = 10_000
"""Bound of a count: this number means so many or more."""
MAX_ROWS_PER_KIND = 1_000
FAILURE_ALARM_PERIOD = timedelta(days=3)
"""How long a permanent failure raises an alarm."""
MESSAGES_PAGE = "desk.messages.show"
ALERT_KINDS = tuple(kind for kind in SUBJECTS if kind not in ORDINARY_KINDS)
"""Kinds to people of the firm."""

table = Notification.__table__.c
UNSENT = sa.and_(table.due_at > EPOCH, table.deleted_at.is_(None))
FAILED = sa.and_(table.status == sa.literal("failed", literal_execute=True), table.deleted_at.is_(None))


def count_by_status() -> dict[str, int]:
    """Count queued, sending and failed messages."""
    by_index = table.priority.in_([*Priority])  # for the index on (priority, due_at)
    some = sa.select(table.status).where(by_index, UNSENT).limit(MAX_ROWS).subquery()
    tally = sa.select(some.c.status, sa.func.count()).group_by(some.c.status)
    found = {str(status): number for status, number in db.session.execute(tally)}
    failures = sa.select(table.id).where(FAILED).limit(MAX_ROWS).subquery()
    return {
        "queued": found.get(Status.QUEUED, 0),
        "sending": found.get(Status.SENDING, 0),
        "failed": db.session.scalar(sa.select(sa.func.count()).select_from(failures)) or 0,
    }


def find_oldest() -> dict[str, datetime]:
    """Return `owed_since` of the oldest unsent message by kind."""

    def oldest_query(kind: str) -> Any:
        condition = sa.and_(table.kind == kind, UNSENT)
        some = (
            sa.select(table.owed_since)
            .where(condition)
            .order_by(table.due_at)
            .limit(MAX_ROWS_PER_KIND)
            .subquery()
        )
        return sa.select(sa.literal(kind).label("kind"), sa.func.min(some.c.owed_since).label("since"))

    ages = sa.union_all(*map(oldest_query, SUBJECTS)).subquery()
    rows = db.session.execute(sa.select(ages.c.kind, ages.c.since).where(ages.c.since.is_not(None)))
    return {row.kind: row.since for row in rows}


def measure_oldest_age() -> dict[str, float]:
    """Return the age in seconds of the oldest unsent message by kind; 0 without one."""
    found = find_oldest()
    return {kind: max(0.0, (now() - found.get(kind, now())).total_seconds()) for kind in SUBJECTS}


def count_workers() -> Mapping[str, float]:
    """Count workers with a beat in the last minute."""
    alive = sa.select(sa.func.count()).where(WorkerBeat.seen_at > now() - BEAT_LASTS)
    return {"": db.session.scalar(alive) or 0}


def measure_beat_age() -> Mapping[str, float]:
    """Return the age in seconds of the latest beat; empty without one."""
    seen = notifications.find_last_beat()
    return {} if seen is None else {"": max(0.0, (now() - seen).total_seconds())}


def check_mail() -> Problem | None:
    """Return a problem if an alert waits, or the mail channel is closed, for ALERT_LATE_MINUTES."""
    if current_app.config["MAIL_HOLD"]:
        return None  # a restored copy: mail is held on purpose
    late = timedelta(minutes=current_app.config["ALERT_LATE_MINUTES"])
    since = min((since for kind, since in find_oldest().items() if kind in ALERT_KINDS), default=None)
    closed = read_channel_state()
    advice = N_(
        "Nothing is lost: it goes out once the mail server takes it. Call new prospects from the list "
        "of leads meanwhile. An operator sees with “flask doctor” what the mail server says."
    )
    if since is not None and now() - since >= late:
        last_sent = find_last_sent()
        if last_sent is None or last_sent < since:
            sentence = N_("No mail has left since %(since)s.")
        else:
            sentence = N_("A message to somebody of the firm has been waiting since %(since)s.")
        return Problem(sentence, advice, {"since": since}, page=MESSAGES_PAGE)
    if closed is None or now() - closed.since < late:
        return None
    if closed.scope == ALL_MAIL:
        sentence = N_("No mail has left since %(since)s.")
        return Problem(sentence, advice, {"since": closed.since}, page=MESSAGES_PAGE)
    sentence = N_("No mail to prospects has left since %(since)s.")
    return Problem(sentence, advice, {"since": closed.since}, severity="warning", page=MESSAGES_PAGE)


def check_failed_messages() -> Problem | None:
    """Return a problem if messages to people of the firm failed within FAILURE_ALARM_PERIOD."""
    recent = sa.and_(FAILED, table.kind.in_(ALERT_KINDS), table.updated_at > now() - FAILURE_ALARM_PERIOD)
    some = sa.select(table.id).where(recent).limit(MAX_ROWS_PER_KIND).subquery()
    number = db.session.scalar(sa.select(sa.func.count()).select_from(some))
    if not number:
        return None
    return Problem(
        N_("Messages to people of the firm that failed for good: %(number)s."),
        N_("See what the mail server said, mend the address, and send them again."),
        {"number": number},
        page=MESSAGES_PAGE,
    )


def check_workers() -> Problem | None:
    """Return a problem if no worker is alive."""
    seen = notifications.find_last_beat()
    if seen is not None and abs(now() - seen) <= BEAT_LASTS:
        return None
    advice = N_("No mail leaves and no waiting lead is given out. An operator must start “flask worker”.")
    if seen is None:
        return Problem(N_("No worker has been seen yet."), advice)
    return Problem(N_("No worker has been seen since %(since)s."), advice, {"since": seen})
