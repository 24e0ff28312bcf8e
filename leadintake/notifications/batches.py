"""What a worker takes, message by message: alerts one at a time, confirmations ten at a time.

1. An urgent message is claimed alone, before anything else.
2. Where there is none, up to MOST_RESERVED ordinary ones are reserved: they stay queued, bear the worker's
   name and become due at the end of a lease, so that no other worker takes them. No attempt is counted.
3. Each is claimed, which counts the attempt, in the transaction that settles the one before it, unless its
   reservation ran out or it was withdrawn meanwhile. So one message at most is begun and not settled.
4. Between two of them, urgent ones are looked for again once a second.
5. The reservation of those that wait is renewed as the batch goes on; at its end they are released.

Of a worker that is killed, the message it had begun is sent again under the same Message-ID once its lease
is over, and the reservations run out. They are no losses, and count for nothing against their messages.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection

import sqlalchemy as sa

from leadintake.core.clock import now
from leadintake.core.database import db, execute
from leadintake.notifications.claims import (
    EVERY_PRIORITY,
    LEASE,
    claim,
    due_query,
    is_given_up,
    is_wanted,
)
from leadintake.notifications.models import OUTBOX, Notification, Priority, Status

MOST_RESERVED = 10
LOOK_FOR_URGENT_EVERY_SECONDS = 1.0
RENEW_AFTER_SECONDS = 5.0
"""Together with the longest delivery less than a lease."""


class Hand:
    """What one worker has in hand, of these priorities. Every verb runs in a transaction of its caller."""

    def __init__(self, worker: str, priorities: Collection[Priority] = EVERY_PRIORITY) -> None:
        self.worker, self.priorities = worker, priorities
        self._waiting: deque[Notification] = deque()
        self._looked_at = self._renewed_at = -LEASE.total_seconds()

    def claim_next(self) -> Notification | None:
        """Claim what goes next, detached from the session, or None. Commit before delivering it."""
        return self._claim_urgent() or self._claim_reserved()

    def release(self) -> None:
        """Give back what was reserved and not begun, in its old place."""
        if self._waiting:
            execute(self._reserved().values(claimed_by=None, due_at=self._waiting[0].due_at))
            self._waiting.clear()

    def _claim_urgent(self) -> Notification | None:
        if self._waiting and time.monotonic() - self._looked_at < LOOK_FOR_URGENT_EVERY_SECONDS:
            return None
        found = claim(self.worker, [one for one in self.priorities if one is Priority.URGENT])
        if found is None:
            self._looked_at = time.monotonic()
        return detach(found)

    def _claim_reserved(self) -> Notification | None:
        while self._waiting or self._reserve():
            message = self._waiting.popleft()
            self._renew()
            if self._begin(message) and is_wanted(message):
                return message
        return None

    def _reserve(self) -> bool:
        """Reserve what is due. Those locked by others are theirs."""
        if Priority.ORDINARY not in self.priorities:
            return False
        due = due_query(Priority.ORDINARY).limit(MOST_RESERVED).with_for_update(skip_locked=True)
        while found := db.session.scalars(due).all():
            for message in found:
                db.session.expunge(message)
                if not is_given_up(message):
                    self._waiting.append(message)
            if self._waiting:
                which = OUTBOX.c.id.in_([message.id for message in self._waiting])
                reserved = {"status": Status.QUEUED, "claimed_by": self.worker, "due_at": now() + LEASE}
                execute(sa.update(OUTBOX).where(which).values(reserved))
                self._renewed_at = time.monotonic()
                return True
        return False

    def _renew(self) -> None:
        if self._waiting and time.monotonic() - self._renewed_at > RENEW_AFTER_SECONDS:
            execute(self._reserved().values(due_at=now() + LEASE))
            self._renewed_at = time.monotonic()

    def _begin(self, message: Notification) -> bool:
        """Count an attempt of a message that is reserved still; say no where it is not."""
        row = sa.update(OUTBOX).where(
            OUTBOX.c.id == message.id,
            OUTBOX.c.status == Status.QUEUED,
            OUTBOX.c.claimed_by == self.worker,
            OUTBOX.c.attempts == message.attempts,
            OUTBOX.c.deleted_at.is_(None),
        )
        message.attempts += 1
        values = {"status": Status.SENDING, "attempts": message.attempts, "due_at": now() + LEASE}
        return bool(execute(row.values(values)).rowcount)

    def _reserved(self) -> sa.Update:
        """What waits in this hand, as far as it is this worker's still."""
        return sa.update(OUTBOX).where(
            OUTBOX.c.id.in_([message.id for message in self._waiting]),
            OUTBOX.c.status == Status.QUEUED,
            OUTBOX.c.claimed_by == self.worker,
        )


def detach(found: Notification | None) -> Notification | None:
    """A message that was claimed, out of the session that the commit empties."""
    if found is not None:
        db.session.flush()
        db.session.expunge(found)
    return found
