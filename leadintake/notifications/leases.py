"""Leases on messages: claim, record the outcome, take over after a crash.

1. `claim` locks a due row (SKIP LOCKED), sets it to SENDING, counts the attempt and moves `due_at` to the end
   of the lease. The caller commits. After a crash before the commit the row is unchanged.
2. The worker delivers outside a transaction. After a crash here the row is due again once its lease ends, and
   the next claim records the outcome "lost". A message that the server had accepted is sent twice, with the
   same Message-ID.
3. A `mark_` function writes the outcome in its caller's transaction. It changes the row only while `attempts`
   is the number of this claim; after a takeover it only adds a row to delivery_attempts.

Wrong clocks delay little: a message without attempt or reservation is due whatever its date, and so is one
dated later than twice MAX_BACKOFF from now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Flask, current_app

from leadintake.core.clock import now
from leadintake.core.db.database import db, execute
from leadintake.core.db.results import affected
from leadintake.notifications import outcomes
from leadintake.notifications.events import MessageFailed, MessageFailing, message_failed, message_failing
from leadintake.notifications.models import (
    ATTEMPTS,
    MAIL,
    OUTBOX,
    WITHDRAWN_VALUES,
    DeliveryAttempt,
    Notification,
    Priority,
    Status,
)

LEASE = timedelta(seconds=60)
"""Longer than a delivery (smtp.DELIVERY_SECONDS)."""
FIRST_BACKOFF, MAX_BACKOFF = timedelta(seconds=30), timedelta(minutes=15)
SHORT_BACKOFF = timedelta(seconds=60)
"""Longest backoff after a lost connection."""
GIVE_UP_AFTER, MIN_ATTEMPTS = timedelta(days=4), 300
"""A message fails after both (RFC 5321, 4.5.4.1: four to five days at least). The attempts protect against a
clock that jumps, and a server that is down for days."""
MAX_TAKEOVERS = 3
"""A message whose workers died more often may be the cause: it is retried with backoff."""
EPOCH = datetime.fromtimestamp(0, UTC)


class SendDecision(Enum):
    """Decision of a send check: send, retry with backoff, or withdraw."""

    SEND = "send"
    LATER = "later"
    NEVER = "never"


BLOCKED = "blocked"
Condition = sa.ColumnElement[bool]
IS_MAIL: Condition = Notification.channel == MAIL
SendCheck = Callable[[Notification], SendDecision]
EVERY_PRIORITY = tuple(Priority)
log = structlog.get_logger()


def add_send_check(app: Flask, check: SendCheck) -> None:
    """Register a check of every message, run in the transaction of its claim."""
    app.extensions.setdefault("leadintake.send_checks", []).append(check)


def due_query(*priorities: Priority, where: Condition = IS_MAIL) -> sa.Select[Any]:
    """Select the messages that may be claimed, earliest `due_at` first. `where`: condition on the channel."""
    time = now()
    due = sa.or_(
        Notification.due_at <= time,
        sa.and_(Notification.attempts == 0, Notification.claimed_by.is_(None)),
        Notification.due_at > time + 2 * MAX_BACKOFF,
    )
    waiting = Notification.due_at > EPOCH  # for the index: settled rows have no date
    single = priorities[0] if len(priorities) == 1 else None
    by_priority = Notification.priority.in_(priorities) if single is None else Notification.priority == single
    return sa.select(Notification).where(by_priority, waiting, due, where).order_by(Notification.due_at)


def claim(
    worker: str, priorities: Collection[Priority] = EVERY_PRIORITY, *, where: Condition = IS_MAIL
) -> Notification | None:
    """Claim the earliest due message of the first priority that has one. Commit before the delivery."""
    claims = (_claim_first(worker, due_query(priority, where=where)) for priority in priorities)
    return next((found for found in claims if found is not None), None)


def claim_for_trial(
    worker: str, priorities: Collection[Priority], *, avoid: Condition | None
) -> Notification | None:
    """Claim one message; one that matches `avoid` only if there is no other."""
    order = () if avoid is None else (avoid,)
    due = due_query(*priorities).order_by(None)
    return _claim_first(worker, due.order_by(*order, Notification.priority, Notification.due_at))


def _claim_first(worker: str, due: sa.Select[Any]) -> Notification | None:
    while found := _lock(due.limit(1)):
        if not handle_lost_worker(found) and run_send_checks(found):
            found.status, found.claimed_by = Status.SENDING, worker
            found.attempts += 1
            found.due_at = now() + LEASE
            return found
        db.session.expunge(found)  # the row was changed, not this object
    return None


def _lock(query: sa.Select[Any]) -> Notification | None:
    found: Notification | None = db.session.scalar(query.with_for_update(skip_locked=True))
    return found


def mark_sent(claimed: Notification, reply: str) -> None:
    """Record that the message was sent."""
    _settle(claimed, "sent", reply, status=Status.SENT, due_at=None, sent_at=now(), last_error=None)


def mark_interrupted(claimed: Notification, error: str) -> None:
    """Record a lost connection; retry within SHORT_BACKOFF."""
    _retry_later(claimed, "interrupted", error, SHORT_BACKOFF)


def mark_deferred(claimed: Notification, error: str) -> None:
    """Record a transient failure; retry within MAX_BACKOFF."""
    _retry_later(claimed, "deferred", error, MAX_BACKOFF)


def mark_blocked(claimed: Notification, error: str) -> None:
    """Record a refusal of the sender: the message stays due, and the attempt is not counted."""
    before = claimed.attempts - 1
    values = {"status": Status.QUEUED, "due_at": now(), "attempts": before, "last_error": error[:500]}
    _settle(claimed, BLOCKED, error, **values)


def mark_failed(claimed: Notification, error: str) -> None:
    """Record a permanent failure, and send message_failing and message_failed."""
    log.error(
        "notification_failed",
        notification=str(claimed.id),
        kind=claimed.kind,
        code=error[:3] if error[:3].isdecimal() else None,  # the reply may repeat addresses
        request_id=claimed.request_id,
    )
    values = {"status": Status.FAILED, "due_at": None, "last_error": error[:500]}
    message_failing.send(MessageFailing(claimed.lead_id))
    if _settle(claimed, "refused", error, **values):
        # Messages of listeners belong to the same request.
        with structlog.contextvars.bound_contextvars(request_id=claimed.request_id):
            message_failed.send(
                MessageFailed(
                    claimed.id, claimed.kind, claimed.subject, claimed.recipient, claimed.lead_id, error
                )
            )


def run_send_checks(message: Notification) -> bool:
    """Run the send checks on a locked message, and do as they decide; return whether to send it now."""
    decisions = {check(message) for check in current_app.extensions.get("leadintake.send_checks", ())}
    row = sa.update(OUTBOX).where(OUTBOX.c.id == message.id)
    if SendDecision.NEVER in decisions:
        execute(row.values(**WITHDRAWN_VALUES, deleted_at=now()))
    elif SendDecision.LATER in decisions:
        reason = "postponed: its attorney is away or left, and the lead is about to be handed on"
        message.attempts += 1
        later = {"due_at": now() + _compute_backoff(message, MAX_BACKOFF), "attempts": message.attempts}
        execute(row.values(status=Status.QUEUED, claimed_by=None, last_error=reason, **later))
        _write_attempt(message, "deferred", reason)
    return not decisions & {SendDecision.NEVER, SendDecision.LATER}


def handle_lost_worker(message: Notification) -> bool:
    """Record the loss if a worker's lease ended; return whether the message waits (MAX_TAKEOVERS)."""
    if message.status is not Status.SENDING:
        return False
    _write_attempt(message, "lost", f"{message.claimed_by} did not come back")
    losses_query = sa.select(sa.func.count()).where(
        DeliveryAttempt.notification_id == message.id, DeliveryAttempt.outcome == "lost"
    )
    losses = db.session.scalar(losses_query) or 0
    log.warning("worker_lost", notification=str(message.id), worker=message.claimed_by, losses=losses)
    if losses <= MAX_TAKEOVERS:
        return False
    row = sa.update(OUTBOX).where(OUTBOX.c.id == message.id)
    later = now() + _compute_backoff(message, MAX_BACKOFF)
    execute(row.values(status=Status.QUEUED, claimed_by=None, due_at=later))
    return True


def _compute_backoff(message: Notification, longest: timedelta) -> timedelta:
    doublings = min(message.attempts - 1, 10)
    return min(FIRST_BACKOFF * (1 << doublings), longest)


def _retry_later(claimed: Notification, outcome: str, error: str, longest: timedelta) -> None:
    if claimed.attempts >= MIN_ATTEMPTS and now() - claimed.owed_since > GIVE_UP_AFTER:
        mark_failed(claimed, f"given up after {GIVE_UP_AFTER.days} days: {error}")
        return
    later = now() + _compute_backoff(claimed, longest)
    _settle(claimed, outcome, error, status=Status.QUEUED, due_at=later, last_error=error[:500])


def _settle(claimed: Notification, outcome: str, reply: str, **values: object) -> bool:
    """Write the outcome; return False, without changing the row, after a takeover."""
    # Hidden rows, too: the lead may have been deleted during the delivery.
    query = sa.update(OUTBOX).where(
        OUTBOX.c.id == claimed.id,
        OUTBOX.c.status == Status.SENDING,
        OUTBOX.c.attempts == claimed.attempts,
    )
    settled = execute(query.values(claimed_by=None, **values))
    _write_attempt(claimed, outcome, reply)
    return bool(affected(settled))


def _write_attempt(message: Notification, outcome: str, reply: str) -> None:
    execute(sa.insert(ATTEMPTS).values(notification_id=message.id, outcome=outcome, reply=reply[:500]))
    outcomes.count(message.kind, outcome)
