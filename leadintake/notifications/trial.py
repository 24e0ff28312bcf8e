"""A test message through outbox and mail channel."""

from __future__ import annotations

from flask import current_app

from leadintake.core.actor import OPERATOR
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Conflict
from leadintake.notifications import leases, refusals, rehearsal
from leadintake.notifications.models import WITHDRAWN_VALUES, Notification, Status
from leadintake.notifications.service import notifications

KIND = "test_message"


def send_test_message(address: str) -> str:
    """Send a test message now; return the server's reply. Raises DeliveryError, and Conflict with MAIL_HOLD.

    It is enqueued with a lease, so that no worker claims it. After a failure it is withdrawn, without notice.
    """
    if current_app.config["MAIL_HOLD"]:
        raise Conflict(rehearsal.explain())
    with transaction():
        message = notifications.get(notifications.enqueue(KIND, address), reader=OPERATOR)
        message.status, message.claimed_by, message.attempts = Status.SENDING, "flask outbox test", 1
        message.due_at = now() + leases.LEASE
        db.session.flush()
        db.session.refresh(message)
        db.session.expunge(message)
    try:
        with refusals.open_channel(notifications.channel) as sender:
            reply = sender.deliver(message)
    except BaseException:
        with transaction():
            _withdraw(message)
        raise
    with transaction():
        leases.mark_sent(message, reply)
    refusals.record_success(message)
    return reply


def _withdraw(message: Notification) -> None:
    stored = db.session.get(Notification, message.id)
    if stored is not None:
        for name, value in WITHDRAWN_VALUES.items():
            setattr(stored, name, value)
        stored.deleted_at = now()
