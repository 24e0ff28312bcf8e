"""A test message that goes the whole way: into the outbox, and out through the channel."""

from __future__ import annotations

from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.transaction import transaction
from leadintake.notifications import claims, refusals
from leadintake.notifications.models import WITHDRAWN, Notification, Status
from leadintake.notifications.service import notifications

KIND = "test_message"


def send_test_message(address: str) -> str:
    """Send one to this address now, and return what the mail server said.

    It is taken from the workers by a lease, as any message is. One that is not sent is withdrawn: it is of no
    use later, and nobody is told of it. Raises ChannelDown, Blocked, Deferred, Interrupted or Refused.
    """
    with transaction():
        owed = notifications.owe(KIND, address)
        owed.status, owed.claimed_by, owed.attempts = Status.SENDING, "flask outbox test", 1
        owed.due_at = now() + claims.LEASE
        db.session.flush()
        db.session.refresh(owed)
        db.session.expunge(owed)
    try:
        with refusals.opened(notifications.channel) as sender:
            reply = sender.deliver(owed)
    except BaseException:
        with transaction():
            _withdraw(owed)
        raise
    with transaction():
        claims.sent(owed, reply)
    refusals.record_success(owed)
    return reply


def _withdraw(owed: Notification) -> None:
    kept = db.session.get(Notification, owed.id)
    if kept is not None:
        for name, value in WITHDRAWN.items():
            setattr(kept, name, value)
        kept.deleted_at = now()
