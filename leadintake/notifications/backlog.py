"""What has not left yet, or never will: for the metrics, and for those who must act.

Every question is answered from an index and looks at MOST rows at most, however many messages there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app

from leadintake.core.alarms import Problem
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.languages import phrase
from leadintake.notifications.channel_state import EVERYBODY, channel_state
from leadintake.notifications.claims import EVER
from leadintake.notifications.messages import OPTIONAL, SUBJECTS
from leadintake.notifications.models import DeliveryAttempt, Notification, Status, WorkerBeat
from leadintake.notifications.service import BEAT_LASTS, notifications

MOST = 10_000
"""Where counting ends: a number this high means so many or more."""
MOST_OF_A_KIND = 1_000
TELL_FAILED = timedelta(days=3)
"""How long a message that failed for good is a reason to act."""
LATELY = 500
"""Attempts that are looked through for the last message that left."""
MESSAGES = "desk.messages.show"
ALERTS = tuple(kind for kind in SUBJECTS if kind not in OPTIONAL)
"""Kinds that the firm's own people wait for."""

table = Notification.__table__.c
unsent = sa.and_(table.due_at > EVER, table.deleted_at.is_(None))
failed = sa.and_(table.status == sa.literal("failed", literal_execute=True), table.deleted_at.is_(None))


def counts() -> dict[str, int]:
    """How many messages wait, are being sent, and failed for good."""
    some = sa.select(table.status).where(unsent).limit(MOST).subquery()
    tally = sa.select(some.c.status, sa.func.count()).group_by(some.c.status)
    found = {str(status): number for status, number in db.session.execute(tally)}
    lost = sa.select(table.id).where(failed).limit(MOST).subquery()
    return {
        "queued": found.get(Status.QUEUED, 0),
        "sending": found.get(Status.SENDING, 0),
        "failed": db.session.scalar(sa.select(sa.func.count()).select_from(lost)) or 0,
    }


def oldest() -> dict[str, datetime]:
    """Since when the longest waiting message of each kind is owed; kinds of which none waits are left out."""

    def of(kind: str) -> Any:
        its = sa.and_(table.kind == kind, unsent)
        some = sa.select(table.owed_since).where(its).order_by(table.due_at).limit(MOST_OF_A_KIND).subquery()
        return sa.select(sa.literal(kind).label("kind"), sa.func.min(some.c.owed_since).label("since"))

    each = sa.union_all(*map(of, SUBJECTS)).subquery()
    rows = db.session.execute(sa.select(each.c.kind, each.c.since).where(each.c.since.is_not(None)))
    return {row.kind: row.since for row in rows}


def oldest_seconds() -> dict[str, float]:
    """How old the longest waiting message of each kind is; 0 where none waits."""
    found = oldest()
    return {kind: max(0.0, (now() - found.get(kind, now())).total_seconds()) for kind in SUBJECTS}


def workers() -> Mapping[str, float]:
    """How many workers were seen in the last minute."""
    alive = sa.select(sa.func.count()).where(WorkerBeat.seen_at > now() - BEAT_LASTS)
    return {"": db.session.scalar(alive) or 0}


def beat_seconds() -> Mapping[str, float]:
    """How long ago a worker was seen; nothing where none was for ten minutes."""
    seen = notifications.last_beat()
    return {} if seen is None else {"": max(0.0, (now() - seen).total_seconds())}


def last_sent() -> datetime | None:
    """When a message left last, if that was among the latest attempts."""
    attempts = DeliveryAttempt.__table__.c
    some = (
        sa.select(attempts.outcome, attempts.created_at).order_by(attempts.id.desc()).limit(LATELY).subquery()
    )
    found: datetime | None = db.session.scalar(
        sa.select(sa.func.max(some.c.created_at)).where(some.c.outcome == "sent")
    )
    return found


def look_at_mail() -> Problem | None:
    """Whether an alert waits longer than it should, or the mail server takes nothing of us."""
    late = timedelta(minutes=current_app.config["ALERT_LATE_MINUTES"])
    since = min((since for kind, since in oldest().items() if kind in ALERTS), default=None)
    closed = channel_state()
    advice = phrase(
        "Nothing is lost: it goes out once the mail server takes it. Call new prospects from the list "
        "of leads meanwhile. An operator sees with “flask doctor” what the mail server says."
    )
    if since is not None and now() - since >= late:
        left = last_sent()
        if left is None or left < since:
            sentence = phrase("No mail has left since %(since)s.")
        else:
            sentence = phrase("A message to somebody of the firm has been waiting since %(since)s.")
        return Problem(sentence, advice, {"since": since}, page=MESSAGES)
    if closed is None or now() - closed.since < late:
        return None
    if closed.scope == EVERYBODY:
        sentence = phrase("No mail has left since %(since)s.")
        return Problem(sentence, advice, {"since": closed.since}, page=MESSAGES)
    sentence = phrase("No mail to prospects has left since %(since)s.")
    return Problem(sentence, advice, {"since": closed.since}, severity="warning", page=MESSAGES)


def look_at_failures() -> Problem | None:
    """Whether messages to the firm's own people failed for good lately."""
    lately = sa.and_(failed, table.kind.in_(ALERTS), table.updated_at > now() - TELL_FAILED)
    some = sa.select(table.id).where(lately).limit(MOST_OF_A_KIND).subquery()
    number = db.session.scalar(sa.select(sa.func.count()).select_from(some))
    if not number:
        return None
    return Problem(
        phrase("Messages to people of the firm that failed for good: %(number)s."),
        phrase("See what the mail server said, mend the address, and send them again."),
        {"number": number},
        page=MESSAGES,
    )


def look_at_workers() -> Problem | None:
    """Whether no worker is alive."""
    seen = notifications.last_beat()
    if seen is not None and abs(now() - seen) <= BEAT_LASTS:
        return None
    advice = phrase("No mail leaves and no waiting lead is given out. An operator must start “flask worker”.")
    if seen is None:
        return Problem(phrase("No worker has been seen for ten minutes."), advice)
    return Problem(phrase("No worker has been seen since %(since)s."), advice, {"since": seen})
