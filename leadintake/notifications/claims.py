"""A message in the hands of a worker: claimed for the time of a lease, then settled or taken over.

Every verb runs in a transaction of its caller. A clock that is moved delays nothing for long: a message
that was never tried is due whatever its date, and none waits longer than LONGEST_PAUSE, so one that is due
much later than that was dated by a clock gone wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Flask, current_app
from sqlalchemy.exc import OperationalError

from leadintake.core.clock import now
from leadintake.core.database import db, execute
from leadintake.notifications import outcomes
from leadintake.notifications.models import (
    ATTEMPTS,
    OUTBOX,
    WITHDRAWN,
    DeliveryAttempt,
    Notification,
    Priority,
    Status,
)

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
EVERY_PRIORITY = tuple(Priority)
log = structlog.get_logger()


def when_failed(app: Flask, tell: Failure, *, first: Callable[[Notification], None]) -> None:
    """Have `tell` called, in the same transaction, for every message that failed for good.

    `first`: takes what locks that needs, before the message is locked, as everybody else does.
    """
    app.extensions.setdefault("leadintake.failures", []).append((first, tell))


def look_before(app: Flask, look: Look) -> None:
    """Have a last look at every message, in the transaction in which it is taken to be sent."""
    app.extensions.setdefault("leadintake.last_looks", []).append(look)


def due_query(*priorities: Priority) -> sa.Select[Any]:
    """What may be taken, the longest due first.

    It is due by its date, was never tried (whatever its date), or is dated by a clock gone wrong. What a
    worker has reserved waits for its date.
    """
    moment = now()
    due = sa.or_(
        Notification.due_at <= moment,
        sa.and_(Notification.attempts == 0, Notification.claimed_by.is_(None)),
        Notification.due_at > moment + 2 * LONGEST_PAUSE,
    )
    waiting = Notification.due_at > EVER  # for the index: a settled one has no date
    alone = priorities[0] if len(priorities) == 1 else None
    wanted = Notification.priority.in_(priorities) if alone is None else Notification.priority == alone
    return sa.select(Notification).where(wanted, waiting, due).order_by(Notification.due_at)


def claim(worker: str, priorities: Collection[Priority] = EVERY_PRIORITY) -> Notification | None:
    """Take one message for the time of a lease, or None: the longest due of the first priority.

    Commit before delivering it.
    """
    taken = (_claim_first(worker, due_query(priority)) for priority in priorities)
    return next((found for found in taken if found is not None), None)


def claim_for_trial(
    worker: str, priorities: Collection[Priority], *, but_rather: Condition | None
) -> Notification | None:
    """Take one message as `claim` does; one that fulfils the condition only if there is no other."""
    order = () if but_rather is None else (but_rather,)
    due = due_query(*priorities).order_by(None)
    return _claim_first(worker, due.order_by(*order, Notification.priority, Notification.due_at))


def _claim_first(worker: str, due: sa.Select[Any]) -> Notification | None:
    while found := _lock(due.limit(1)):
        if not is_given_up(found) and is_wanted(found):
            found.status, found.claimed_by = Status.SENDING, worker
            found.attempts += 1
            found.due_at = now() + LEASE
            return found
        db.session.expunge(found)  # what it was is not what it is
    return None


def _lock(query: sa.Select[Any]) -> Notification | None:
    found: Notification | None = db.session.scalar(query.with_for_update(skip_locked=True))
    return found


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


def is_wanted(found: Notification) -> bool:
    """Have the last looks at a message that was locked; one not to be sent now is kept back."""
    looks = {look(found) for look in current_app.extensions.get("leadintake.last_looks", ())}
    row = sa.update(OUTBOX).where(OUTBOX.c.id == found.id)
    if Due.NEVER in looks:
        execute(row.values(**WITHDRAWN, deleted_at=now()))
    elif Due.LATER in looks:
        reason = "kept back: whom it is for is not here"
        found.attempts += 1
        later = {"due_at": now() + _pause(found, LONGEST_PAUSE), "attempts": found.attempts}
        execute(row.values(status=Status.QUEUED, claimed_by=None, last_error=reason, **later))
        _write_attempt(found, "deferred", reason)
    return not looks & {Due.NEVER, Due.LATER}


def is_given_up(found: Notification) -> bool:
    """Write down that the worker that had this message never came back; put off what was lost too often."""
    if found.status is not Status.SENDING:
        return False
    _write_attempt(found, "lost", f"{found.claimed_by} did not come back")
    tally = sa.select(sa.func.count()).where(
        DeliveryAttempt.notification_id == found.id, DeliveryAttempt.outcome == "lost"
    )
    losses = db.session.scalar(tally) or 0
    log.warning("worker_lost", notification=str(found.id), worker=found.claimed_by, losses=losses)
    if losses <= MOST_TAKEOVERS:
        return False
    row = sa.update(OUTBOX).where(OUTBOX.c.id == found.id)
    later = now() + _pause(found, LONGEST_PAUSE)
    execute(row.values(status=Status.QUEUED, claimed_by=None, due_at=later))
    return True


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
    # Hidden ones too: its lead may have been deleted while the message was on its way.
    mine = sa.update(OUTBOX).where(
        OUTBOX.c.id == claimed.id,
        OUTBOX.c.status == Status.SENDING,
        OUTBOX.c.attempts == claimed.attempts,
    )
    settled = execute(mine.values(claimed_by=None, **values))
    _write_attempt(claimed, outcome, reply)
    return bool(settled.rowcount)


def _write_attempt(message: Notification, outcome: str, reply: str) -> None:
    execute(sa.insert(ATTEMPTS).values(notification_id=message.id, outcome=outcome, reply=reply[:500]))
    outcomes.count(message.kind, outcome)
