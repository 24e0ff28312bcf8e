"""Claims of one worker: urgent messages one by one, ordinary messages in reserved batches.

1. An urgent message is claimed first, alone.
2. Without one, up to MAX_RESERVED ordinary messages are reserved for a lease: they stay QUEUED, `claimed_by`
   is set, `due_at` is the end of the lease. No attempt is counted. After a crash other workers take them once
   the lease ends, without a recorded loss.
3. Each reserved message is claimed (the attempt is counted) in the transaction that records the outcome of
   the one before; it is skipped if its reservation ended or it was withdrawn. So a crash leaves at most one
   message claimed without an outcome: it is sent again, with the same Message-ID, once its lease ends.
4. Once a second, urgent messages go before the next reserved one.
5. Reservations are renewed every RENEW_AFTER_SECONDS and released at the end of the batch.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection

import sqlalchemy as sa

from leadintake.core.clock import now
from leadintake.core.db.database import db, execute
from leadintake.core.db.results import affected
from leadintake.notifications.leases import (
    EVERY_PRIORITY,
    LEASE,
    claim,
    due_query,
    handle_lost_worker,
    run_send_checks,
)
from leadintake.notifications.models import OUTBOX, Notification, Priority, Status

MAX_RESERVED = 10
URGENT_CHECK_SECONDS = 1.0
RENEW_AFTER_SECONDS = 5.0
"""With the longest delivery added, shorter than a lease."""


class ClaimQueue:
    """Messages of these priorities for one worker. The caller opens the transactions."""

    def __init__(self, worker: str, priorities: Collection[Priority] = EVERY_PRIORITY) -> None:
        self.worker, self.priorities = worker, priorities
        self._reserved: deque[Notification] = deque()
        self._urgent_checked_at = self._renewed_at = -LEASE.total_seconds()

    def claim_next(self) -> Notification | None:
        """Claim the next message, detached from the session. Commit before the delivery."""
        return self._claim_urgent() or self._claim_reserved()

    def release(self) -> None:
        """Release the reservations: the messages are due as before."""
        if self._reserved:
            execute(self._reservation_update().values(claimed_by=None, due_at=self._reserved[0].due_at))
            self._reserved.clear()

    def _claim_urgent(self) -> Notification | None:
        if self._reserved and time.monotonic() - self._urgent_checked_at < URGENT_CHECK_SECONDS:
            return None
        found = claim(self.worker, [priority for priority in self.priorities if priority is Priority.URGENT])
        if found is None:
            self._urgent_checked_at = time.monotonic()
        return detach(found)

    def _claim_reserved(self) -> Notification | None:
        while self._reserved or self._reserve():
            message = self._reserved.popleft()
            self._renew()
            if self._claim(message) and run_send_checks(message):
                return message
        return None

    def _reserve(self) -> bool:
        """Reserve due messages not locked by other workers; return whether there are any."""
        if Priority.ORDINARY not in self.priorities:
            return False
        due = due_query(Priority.ORDINARY).limit(MAX_RESERVED).with_for_update(skip_locked=True)
        while found := db.session.scalars(due).all():
            for message in found:
                db.session.expunge(message)
                if not handle_lost_worker(message):
                    self._reserved.append(message)
            if self._reserved:
                condition = OUTBOX.c.id.in_([message.id for message in self._reserved])
                values = {"status": Status.QUEUED, "claimed_by": self.worker, "due_at": now() + LEASE}
                execute(sa.update(OUTBOX).where(condition).values(values))
                self._renewed_at = time.monotonic()
                return True
        return False

    def _renew(self) -> None:
        if self._reserved and time.monotonic() - self._renewed_at > RENEW_AFTER_SECONDS:
            execute(self._reservation_update().values(due_at=now() + LEASE))
            self._renewed_at = time.monotonic()

    def _claim(self, message: Notification) -> bool:
        """Claim a reserved message; return False if the reservation ended."""
        row = sa.update(OUTBOX).where(
            OUTBOX.c.id == message.id,
            OUTBOX.c.status == Status.QUEUED,
            OUTBOX.c.claimed_by == self.worker,
            OUTBOX.c.attempts == message.attempts,
            OUTBOX.c.deleted_at.is_(None),
        )
        message.attempts += 1
        values = {"status": Status.SENDING, "attempts": message.attempts, "due_at": now() + LEASE}
        return bool(affected(execute(row.values(values))))

    def _reservation_update(self) -> sa.Update:
        return sa.update(OUTBOX).where(
            OUTBOX.c.id.in_([message.id for message in self._reserved]),
            OUTBOX.c.status == Status.QUEUED,
            OUTBOX.c.claimed_by == self.worker,
        )


def detach(notification: Notification | None) -> Notification | None:
    """Detach a message from the session: it stays loaded after the commit."""
    if notification is not None:
        db.session.flush()
        db.session.expunge(notification)
    return notification
