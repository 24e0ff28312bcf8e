"""Verbs on the outbox: the only way to owe, claim and settle a message."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Flask, current_app

from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.errors import Conflict, NotFound
from leadintake.core.pages import Order, Page, page_of
from leadintake.core.transaction import on_commit
from leadintake.notifications import embedded
from leadintake.notifications.channels import Channel, channel_of
from leadintake.notifications.messages import render
from leadintake.notifications.models import DeliveryAttempt, Notification, Status, WorkerBeat

LEASE = timedelta(seconds=60)
"""Longer than one message can take: five steps of at most MAIL_TIMEOUT (10 s) each."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(days=4)
"""RFC 5321, 4.5.4.1: at least four to five days."""
BEAT_EVERY, BEAT_LASTS = timedelta(seconds=10), timedelta(seconds=60)
DELETED_TOO = {"include_deleted": True, "synchronize_session": False}
log = structlog.get_logger()


class Notifications:
    """What we owe people."""

    def init_app(self, app: Flask) -> None:
        """Choose the channel."""
        app.extensions["leadintake.channel"] = channel_of(app)

    @property
    def channel(self) -> Channel:
        """The way messages leave the running application."""
        found: Channel = current_app.extensions["leadintake.channel"]
        return found

    def owe(
        self, kind: str, recipient: str, *, lead_id: uuid.UUID | None = None, **words: object
    ) -> Notification:
        """Owe a message, in the transaction of its cause. A worker is woken once that is durable."""
        said = render(kind, firm=current_app.config["FIRM_NAME"], **words)
        owed = Notification(
            kind=kind,
            recipient=recipient,
            lead_id=lead_id,
            subject=said.subject,
            text=said.text,
            html=said.html,
            due_at=now(),
        )
        db.session.add(owed)
        on_commit(embedded.wake)
        return owed

    def anything_due(self) -> bool:
        """Whether a worker has something to do."""
        due = sa.select(Notification.id).where(Notification.due_at <= now()).limit(1)
        return db.session.scalar(due) is not None

    def claim(self, worker: str) -> Notification | None:
        """Take the longest due message for the time of a lease, or None. Commit before delivering it."""
        due = (
            sa.select(Notification).where(Notification.due_at <= now()).order_by(Notification.due_at).limit(1)
        )
        found = db.session.scalar(due.with_for_update(skip_locked=True))
        if found is not None:
            found.status, found.claimed_by = Status.SENDING, worker
            found.attempts += 1
            found.due_at = now() + LEASE
        return found

    def sent(self, claimed: Notification, worker: str, reply: str) -> None:
        """Record that the message left."""
        self._settle(
            claimed, worker, "sent", reply, status=Status.SENT, due_at=None, sent_at=now(), last_error=None
        )

    def deferred(self, claimed: Notification, worker: str, error: str) -> None:
        """Record a failed attempt; try again later, for days."""
        if now() - claimed.owed_since > GIVE_UP_AFTER:
            self.refused(claimed, worker, f"given up after {GIVE_UP_AFTER.days} days: {error}")
            return
        pause = min(FIRST_PAUSE * 2 ** min(claimed.attempts - 1, 10), LONGEST_PAUSE)
        later = now() + pause
        self._settle(
            claimed, worker, "deferred", error, status=Status.QUEUED, due_at=later, last_error=error[:500]
        )

    def refused(self, claimed: Notification, worker: str, error: str) -> None:
        """Record that the message will never leave as it is."""
        log.error("notification_failed", notification=str(claimed.id), kind=claimed.kind, error=error)
        self._settle(
            claimed, worker, "refused", error, status=Status.FAILED, due_at=None, last_error=error[:500]
        )

    def _settle(self, claimed: Notification, worker: str, outcome: str, reply: str, **values: object) -> None:
        """Write the outcome, unless the lease ran out and somebody else has the message now."""
        mine = sa.update(Notification).where(
            Notification.id == claimed.id,
            Notification.claimed_by == worker,
            Notification.status == Status.SENDING,
            Notification.attempts == claimed.attempts,
        )
        # Its lead may have been deleted while the message was on its way.
        db.session.execute(mine.values(claimed_by=None, **values), execution_options=DELETED_TOO)
        db.session.add(DeliveryAttempt(notification_id=claimed.id, outcome=outcome, reply=reply[:500]))

    def get(self, notification_id: uuid.UUID, *, locked: bool = False) -> Notification:
        """One message; `locked`, so that no worker takes it meanwhile. Raises NotFound."""
        wanted = sa.select(Notification).where(Notification.id == notification_id)
        found = db.session.scalar(wanted.with_for_update() if locked else wanted)
        if found is None:
            raise NotFound("There is no such message.")
        return found

    def retry(self, notification_id: uuid.UUID) -> Notification:
        """Send a message that failed or waits, now. Raises Conflict for one sent or on its way."""
        found = self.get(notification_id, locked=True)
        if found.status in (Status.SENT, Status.SENDING):
            raise Conflict(f"This message is {found.status} already.")
        found.status, found.due_at, found.owed_since = Status.QUEUED, now(), now()
        on_commit(embedded.wake)
        return found

    def put_away(self, lead_id: uuid.UUID) -> None:
        """Hide the messages about a lead that was deleted; those not sent yet are not sent."""
        self._mark_deleted(lead_id, now())

    def bring_back(self, lead_id: uuid.UUID) -> None:
        """Show the messages about a restored lead again; those not sent yet go out."""
        self._mark_deleted(lead_id, None)
        on_commit(embedded.wake)

    def _mark_deleted(self, lead_id: uuid.UUID, at: datetime | None) -> None:
        about = sa.update(Notification).where(Notification.lead_id == lead_id).values(deleted_at=at)
        db.session.execute(about, execution_options=DELETED_TOO)

    def of_lead(self, lead_id: uuid.UUID) -> Sequence[Notification]:
        """Every message about a lead, oldest first."""
        about = sa.select(Notification).where(Notification.lead_id == lead_id)
        return db.session.scalars(about.order_by(Notification.id)).all()

    def page(self, status: Status | None, *, limit: int, cursor: str | None) -> Page[Notification]:
        """Messages, newest first."""
        wanted: sa.Select[Any] = sa.select(Notification)
        if status is not None:
            wanted = wanted.where(Notification.status == status)
        order = Order(Notification, "created_at", descending=True)
        return page_of(wanted, order, limit=limit, cursor=cursor, bound_to={"status": status})

    def attempts(self, notification_id: uuid.UUID) -> Sequence[DeliveryAttempt]:
        """Every try of a message, oldest first."""
        tries = sa.select(DeliveryAttempt).where(DeliveryAttempt.notification_id == notification_id)
        return db.session.scalars(tries.order_by(DeliveryAttempt.id)).all()

    def counts(self) -> dict[str, int]:
        """How many messages there are of each status."""
        tally = sa.select(Notification.status, sa.func.count()).group_by(Notification.status)
        found = {str(status): number for status, number in db.session.execute(tally)}
        return {status.value: found.get(status.value, 0) for status in Status}

    def beat(self, worker: str) -> None:
        """Note that a worker lives; forget those that do not."""
        row = db.session.scalar(sa.select(WorkerBeat).where(WorkerBeat.worker == worker))
        if row is None:
            db.session.add(WorkerBeat(worker=worker, seen_at=now()))
        else:
            row.seen_at = now()
        db.session.execute(sa.delete(WorkerBeat).where(WorkerBeat.seen_at < now() - 10 * BEAT_LASTS))

    def last_beat(self) -> datetime | None:
        """When a worker was last seen alive."""
        return db.session.scalar(sa.select(sa.func.max(WorkerBeat.seen_at)))

    def check_worker(self) -> None:
        """Raise unless a worker is alive."""
        seen = self.last_beat()
        if seen is None or now() - seen > BEAT_LASTS:
            raise RuntimeError("No worker has been seen for a minute. Start one with `flask worker`.")

    def check_mail(self) -> None:
        """Raise unless the mail channel opens."""
        with self.channel.opened():
            return


notifications = Notifications()
