"""A message in the hands of a worker: claimed for the time of a lease, then settled or taken over.

Every verb runs in a transaction of its caller. A clock that is moved delays nothing for long: a message
that was never tried is due whatever its date, and none waits longer than LONGEST_PAUSE, so one that is due
much later than that was dated by a clock gone wrong.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum

import sqlalchemy as sa
import structlog
from flask import Flask, current_app
from sqlalchemy.exc import OperationalError

from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.notifications.models import WITHDRAWN, DeliveryAttempt, Notification, Status

LEASE = timedelta(seconds=60)
"""Longer than the delivery of one message can take (channels.DELIVERY_SECONDS)."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)
SHORT_PAUSE = timedelta(seconds=60)
"""The longest while a server breaks off: it says nothing of the message, and may be back at any moment."""
GIVE_UP_AFTER, FEWEST_ATTEMPTS = timedelta(days=4), 300
"""RFC 5321, 4.5.4.1: at least four to five days. And so many attempts: neither a clock that jumped nor a
server that was away for a week uses a message's days up."""
MOST_TAKEOVERS = 3
"""A message lost with its worker more often than that may be what ends the workers: it waits its turn."""
EVER = datetime.fromtimestamp(0, UTC)
Failure = Callable[[Notification, str], None]


class Due(Enum):
    """What a last look at a message says: send it, ask again later, or never send it."""

    NOW = "now"
    LATER = "later"
    NEVER = "never"


BLOCKED = "blocked"
Condition = sa.ColumnElement[bool]
Look = Callable[[Notification], Due]
SETTLED = {"include_deleted": True, "synchronize_session": False}
log = structlog.get_logger()


def when_failed(app: Flask, tell: Failure, *, first: Callable[[Notification], None]) -> None:
    """Have `tell` called, in the same transaction, for every message that failed for good.

    `first`: takes what locks that needs, before the message is locked, as everybody else does.
    """
    app.extensions.setdefault("leadintake.failures", []).append((first, tell))


def look_before(app: Flask, look: Look) -> None:
    """Have a last look at every message, in the transaction in which it is taken to be sent."""
    app.extensions.setdefault("leadintake.last_looks", []).append(look)


def anything_due(*which: Condition) -> bool:
    """Whether a worker has something to do, among the messages that fulfil every condition."""
    return db.session.scalar(sa.select(Notification.id).where(_due(), *which).limit(1)) is not None


def anything_owed(*which: Condition) -> bool:
    """Whether a message waits, due or not."""
    waits = sa.select(Notification.id).where(Notification.due_at > EVER, *which)
    return db.session.scalar(waits.limit(1)) is not None


def claim(worker: str, *which: Condition, first: Sequence[Condition] = ()) -> Notification | None:
    """Take the longest due message for the time of a lease, or None. Commit before delivering it.

    `which`: conditions that it fulfils; `first`: those that do not fulfil these come first.
    """
    order = (*first, Notification.due_at)
    longest_due = sa.select(Notification).where(_due(), *which).order_by(*order).limit(1)
    while found := db.session.scalar(longest_due.with_for_update(skip_locked=True)):
        if found.status is Status.SENDING and not _may_take_over(found):
            found.status, found.claimed_by = Status.QUEUED, None
            found.due_at = now() + _pause(found, LONGEST_PAUSE)
            db.session.flush()
            continue
        if (due := _last_look(found)) is not Due.NOW:
            _keep_back(found, due)
            continue
        found.status, found.claimed_by = Status.SENDING, worker
        found.attempts += 1
        found.due_at = now() + LEASE
        return found
    return None


def sent(claimed: Notification, reply: str) -> None:
    """Record that the message left."""
    _settle(claimed, "sent", reply, status=Status.SENT, due_at=None, sent_at=now(), last_error=None)


def interrupted(claimed: Notification, error: str) -> None:
    """Record that the way broke off under the message; try again soon, for days."""
    _put_off(claimed, "interrupted", error, SHORT_PAUSE)


def deferred(claimed: Notification, error: str) -> None:
    """Record that the message was not taken for now; try again later, for days."""
    _put_off(claimed, "deferred", error, LONGEST_PAUSE)


def blocked(claimed: Notification, error: str) -> None:
    """Record that the message was refused through our fault: it is owed as if it had not been tried."""
    before = claimed.attempts - 1
    values = {"status": Status.QUEUED, "due_at": now(), "attempts": before, "last_error": error[:500]}
    _settle(claimed, BLOCKED, error, **values)


def blocked_at(message_id: uuid.UUID) -> datetime | None:
    """When a message was refused through our fault last."""
    tries = sa.select(sa.func.max(DeliveryAttempt.created_at))
    theirs = DeliveryAttempt.notification_id == message_id, DeliveryAttempt.outcome == BLOCKED
    return db.session.scalar(tries.where(*theirs))


def refused(claimed: Notification, error: str) -> None:
    """Record that the message will never leave as it is, and tell those who asked to know."""
    log.error(
        "notification_failed",
        notification=str(claimed.id),
        kind=claimed.kind,
        code=error[:3] if error[:3].isdecimal() else None,  # no more: the words repeat addresses
        request_id=claimed.request_id,
    )
    values = {"status": Status.FAILED, "due_at": None, "last_error": error[:500]}
    asked = current_app.extensions.get("leadintake.failures", ())
    for first, _ in asked:
        first(claimed)
    if _settle(claimed, "refused", error, **values):
        for _, tell in asked:
            try:
                with db.session.begin_nested():
                    tell(claimed, error)
            except OperationalError:
                raise  # a deadlock undid all of the transaction: the lease runs out, and it is tried again
            except Exception:
                # The failure itself must be on record: else the message would be tried for ever.
                log.exception("failure_not_told", notification=str(claimed.id))


def _due() -> sa.ColumnElement[bool]:
    """What is due by its date, was never tried (whatever its date), or is dated by a clock gone wrong."""
    moment = now()
    return sa.and_(
        Notification.due_at > EVER,  # for the index: a settled one has no date
        sa.or_(
            Notification.due_at <= moment,
            Notification.attempts == 0,
            Notification.due_at > moment + 2 * LONGEST_PAUSE,
        ),
    )


def _last_look(found: Notification) -> Due:
    said = {look(found) for look in current_app.extensions.get("leadintake.last_looks", ())}
    return next((due for due in (Due.NEVER, Due.LATER) if due in said), Due.NOW)


def _keep_back(found: Notification, due: Due) -> None:
    """Do not send a message that was taken: never, or not before a first pause is over."""
    if due is Due.NEVER:
        mine = sa.update(Notification).where(Notification.id == found.id)
        never = mine.values(**WITHDRAWN, deleted_at=now())
        db.session.execute(never, execution_options=SETTLED)
        return
    said = "kept back: whom it is for is not here"
    db.session.add(DeliveryAttempt(notification_id=found.id, outcome="deferred", reply=said))
    found.status, found.claimed_by = Status.QUEUED, None
    found.attempts += 1
    found.due_at, found.last_error = now() + _pause(found, LONGEST_PAUSE), said
    db.session.flush()


def _may_take_over(found: Notification) -> bool:
    """Write down that its worker never came back; say no when that happened too often."""
    said = f"{found.claimed_by} did not come back"
    db.session.add(DeliveryAttempt(notification_id=found.id, outcome="lost", reply=said))
    db.session.flush()
    tally = sa.select(sa.func.count()).where(
        DeliveryAttempt.notification_id == found.id, DeliveryAttempt.outcome == "lost"
    )
    losses = db.session.scalar(tally) or 0
    log.warning("worker_lost", notification=str(found.id), worker=found.claimed_by, losses=losses)
    return losses <= MOST_TAKEOVERS


def _pause(owed: Notification, longest: timedelta) -> timedelta:
    doublings = min(owed.attempts - 1, 10)
    return min(FIRST_PAUSE * (1 << doublings), longest)


def _put_off(claimed: Notification, outcome: str, error: str, longest: timedelta) -> None:
    if claimed.attempts >= FEWEST_ATTEMPTS and now() - claimed.owed_since > GIVE_UP_AFTER:
        refused(claimed, f"given up after {GIVE_UP_AFTER.days} days: {error}")
        return
    later = now() + _pause(claimed, longest)
    _settle(claimed, outcome, error, status=Status.QUEUED, due_at=later, last_error=error[:500])


def _settle(claimed: Notification, outcome: str, reply: str, **values: object) -> bool:
    """Write the outcome, unless the lease ran out and the message was claimed anew since."""
    mine = sa.update(Notification).where(
        Notification.id == claimed.id,
        Notification.status == Status.SENDING,
        Notification.attempts == claimed.attempts,
    )
    # Its lead may have been deleted while the message was on its way.
    settled = db.session.execute(mine.values(claimed_by=None, **values), execution_options=SETTLED)
    db.session.add(DeliveryAttempt(notification_id=claimed.id, outcome=outcome, reply=reply[:500]))
    return bool(settled.rowcount)  # type: ignore[attr-defined] # of a CursorResult, which an UPDATE gives
