"""Verbs on the outbox. Workers use leases.py."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app
from flask_mail import Mail

from leadintake.audit.events import HeadPublished
from leadintake.audit.service import audit
from leadintake.core import places, tracing
from leadintake.core.actor import Operator, Person
from leadintake.core.addresses import normalize_mailbox
from leadintake.core.clock import format_local, now
from leadintake.core.crypto import seal
from leadintake.core.db import rows
from leadintake.core.db.database import db
from leadintake.core.db.pagination import Order, Page, page_of
from leadintake.core.db.results import affected
from leadintake.core.db.transaction import on_commit
from leadintake.core.db.types import new_id
from leadintake.core.errors import Conflict, NotFound
from leadintake.core.i18n.languages import ENGLISH
from leadintake.core.logs import current_request_id
from leadintake.core.names import has_name
from leadintake.core.visibility import not_hidden_from
from leadintake.notifications import embedded, schemas
from leadintake.notifications.channels.folder import FolderChannel
from leadintake.notifications.channels.interface import SEAL_PURPOSE, Channel, get_channels, register_channel
from leadintake.notifications.channels.smtp import SmtpChannel
from leadintake.notifications.deliveries import ObservedChannel
from leadintake.notifications.letterhead import get_letterhead
from leadintake.notifications.messages import OPTIONAL_KINDS, SECRET_KINDS, build_unsubscribe_link, render
from leadintake.notifications.models import (
    MAIL,
    RESERVED,
    WITHDRAWN_VALUES,
    DeliveryAttempt,
    Notification,
    Status,
    WorkerBeat,
)

AUDIT_HEAD = "audit_head"
HOUR = timedelta(hours=1)
BEAT_EVERY, BEAT_LASTS = timedelta(seconds=10), timedelta(seconds=60)
INCLUDE_DELETED = {"include_deleted": True, "synchronize_session": False}


class Notifications:
    """The outbox."""

    def init_app(self, app: Flask) -> None:
        """Register the mail channel: SMTP if MAIL_SERVER is set, else a folder."""
        app.config.setdefault("MAIL_SUPPRESS_SEND", False)
        mail = Mail(app)
        if app.config["MAIL_SERVER"]:
            register_channel(app, MAIL, SmtpChannel(mail))
        else:
            folder = Path(app.config["MAIL_FOLDER"] or Path(app.config["INSTANCE_PATH"], "mail"))
            register_channel(app, MAIL, FolderChannel(folder))
            places.register(app, "mails", folder)

    @property
    def channel(self) -> Channel:
        """The application's mail channel."""
        return ObservedChannel(get_channels()[MAIL])

    def enqueue(
        self,
        kind: str,
        recipient: str,
        *,
        lead_id: uuid.UUID | None = None,
        language: str = ENGLISH,
        about: str = "",
        reply_to: str | None = None,
        payload: str | None = None,
        reserved_until: datetime | None = None,
        **words: object,
    ) -> uuid.UUID:
        """Enqueue a mail in the transaction of its cause, and return its id; wake a worker after the commit.

        `about`: end of the subject, never text of a prospect. `payload`: for the kind's send check. No worker
        claims it before `reserved_until` (RESERVED).
        """
        message_id, span = new_id(), tracing.begin("producer")
        words["unsubscribe"] = build_unsubscribe_link(message_id, language) if kind in OPTIONAL_KINDS else ""
        rendered = render(kind, letterhead=get_letterhead(), language=language, about=about, **words)
        seal_words = functools.partial(seal, SEAL_PURPOSE) if kind in SECRET_KINDS else str
        rows.insert(
            Notification,
            id=message_id,
            kind=kind,
            recipient=recipient,
            reply_to=reply_to,
            mailbox=normalize_mailbox(recipient),
            lead_id=lead_id,
            subject=rendered.subject,
            text=seal_words(rendered.text),
            html=seal_words(rendered.html),
            payload=payload,
            due_at=reserved_until or now(),
            claimed_by=RESERVED if reserved_until else None,
            request_id=current_request_id(),
            traceparent=span.traceparent(),
        )
        span.end(f"enqueue {kind}", message=str(message_id), kind=kind)
        on_commit(embedded.wake)
        return message_id

    def enqueue_audit_head(self, event: HeadPublished) -> None:
        """Mail a head of the audit trail to AUDIT_HEAD_MAIL, once."""
        recipient, head = current_app.config["AUDIT_HEAD_MAIL"], str(event.head)
        sent_heads = sa.select(Notification.id).where(
            Notification.kind == AUDIT_HEAD, Notification.mailbox == normalize_mailbox(recipient)
        )
        same_head = sent_heads.where(Notification.text.contains(head)).limit(1)
        if recipient and db.session.scalar(same_head) is None:
            self.enqueue(AUDIT_HEAD, recipient, head=head, moment=format_local(event.moment))

    def get(
        self, notification_id: uuid.UUID, *, reader: Person | Operator, lock: bool = False
    ) -> Notification:
        """Return a message visible to `reader`. `lock`: its row, against workers. Raises NotFound."""
        query = _visible_query(reader).where(Notification.id == notification_id)
        found: Notification | None = db.session.scalar(query.with_for_update() if lock else query)
        if found is None:
            raise NotFound("There is no such message.")
        return found

    def retry(self, notification_id: uuid.UUID, *, actor: Person | Operator) -> Notification:
        """Make a failed or queued message due now. Raises Conflict if SENT or SENDING."""
        found = self.get(notification_id, reader=actor, lock=True)
        if found.status in (Status.SENT, Status.SENDING):
            raise Conflict(f"This message is {found.status} already.")
        if found.is_held:
            raise Conflict("This reply leaves in a few seconds by itself. Until then it can be taken back.")
        found.status, found.due_at, found.owed_since = Status.QUEUED, now(), now()
        # About the lead, if any: the entry is hidden like the lead.
        about = ("lead", found.lead_id) if found.lead_id else ("message", found.id)
        audit.record("message.retried", actor=actor, about=about, message=str(found.id))
        on_commit(embedded.wake)
        return found

    def retry_all_failed(self, *, actor: Person | Operator) -> int:
        """Make all failed messages visible to `actor` due now; return their number."""
        query = sa.update(Notification).where(Notification.status == Status.FAILED)
        query = query.where(not_hidden_from(Notification.lead_id, actor))
        values = {"status": Status.QUEUED, "due_at": now(), "owed_since": now()}
        changed = db.session.execute(query.values(**values), execution_options={"synchronize_session": False})
        if number := affected(changed):
            audit.record("messages.retried", actor=actor, number=number)
            on_commit(embedded.wake)
        return number

    def hide_for_lead(self, lead_id: uuid.UUID) -> None:
        """Hide the messages about a lead: they are not sent."""
        self._change(Notification.lead_id == lead_id, deleted_at=now())

    def show_for_lead(self, lead_id: uuid.UUID) -> None:
        """Show the messages about a lead again, except withdrawn ones. Unsent ones are sent."""
        withdrawn = sa.and_(Notification.status == Status.QUEUED, Notification.due_at.is_(None))
        self._change(Notification.lead_id == lead_id, ~withdrawn, deleted_at=None)
        on_commit(embedded.wake)

    def withdraw(self, lead_id: uuid.UUID | None, recipient: str, *, kinds: Collection[str] = ()) -> None:
        """Withdraw unsent messages to `recipient` about a lead, for good. `kinds`: empty for all.

        `lead_id`: None for messages about none. One in delivery may still be sent; its attempt is recorded.
        """
        condition = sa.and_(Notification.lead_id == lead_id, Notification.recipient == recipient)
        if kinds:
            condition = sa.and_(condition, Notification.kind.in_(kinds))
        self._change(condition, Notification.status != Status.SENT, **WITHDRAWN_VALUES, deleted_at=now())

    def _change(self, *conditions: sa.ColumnElement[bool], **values: object) -> None:
        """Update messages, including hidden ones."""
        db.session.execute(
            sa.update(Notification).where(*conditions).values(**values), execution_options=INCLUDE_DELETED
        )

    def below_hourly_limit(self, kind: str, recipient: str, *, most_an_hour: int) -> bool:
        """Return whether `recipient` has no unsent message of this kind, and is below its hourly limit."""
        query = sa.select(Notification.due_at).where(
            Notification.mailbox == normalize_mailbox(recipient),
            Notification.kind == kind,
            sa.or_(Notification.created_at > now() - HOUR, Notification.due_at.is_not(None)),
        )
        due = db.session.scalars(query).all()
        return len(due) < most_an_hour and not any(due)

    def list_for_lead(self, lead: uuid.UUID | str) -> Sequence[Notification]:
        """Return the messages about a lead, oldest first. `lead`: its id, or its reference."""
        query = sa.select(Notification).where(has_name(Notification.lead_id, str(lead)))
        return db.session.scalars(query.order_by(Notification.id)).all()

    def page(
        self, status: Status | None, *, reader: Person | Operator, limit: int, cursor: str | None
    ) -> Page[Any]:
        """Return a page of rows of the messages visible to `reader`, newest first."""
        query = _visible_query(reader)
        if status is not None:
            query = query.where(Notification.status == status)
        order = Order(Notification, "created_at", descending=True)
        bound_to, shape = {"status": status}, schemas.select_details
        return page_of(query, order, limit=limit, cursor=cursor, bound_to=bound_to, shape=shape)

    def list_attempts(self, notification_id: uuid.UUID) -> Sequence[DeliveryAttempt]:
        """Return the attempts of a message, oldest first."""
        query = sa.select(DeliveryAttempt).where(DeliveryAttempt.notification_id == notification_id)
        return db.session.scalars(query.order_by(DeliveryAttempt.id)).all()

    def record_beat(self, worker: str) -> None:
        """Record that a worker is alive; delete old and future beats."""
        row = db.session.scalar(sa.select(WorkerBeat).where(WorkerBeat.worker == worker))
        if row is None:
            db.session.add(WorkerBeat(worker=worker, seen_at=now()))
        else:
            row.seen_at = now()
        is_old = WorkerBeat.seen_at < now() - 10 * BEAT_LASTS
        # Select first: on MariaDB a DELETE that finds nothing blocks inserts of other workers.
        wrong = db.session.scalars(sa.select(WorkerBeat.id).where(sa.or_(is_old, _is_in_future()))).all()
        if wrong:
            db.session.execute(sa.delete(WorkerBeat).where(WorkerBeat.id.in_(wrong)))

    def find_last_beat(self) -> datetime | None:
        """Return the time of the latest beat, future ones excluded."""
        return db.session.scalar(sa.select(sa.func.max(WorkerBeat.seen_at)).where(~_is_in_future()))


def _is_in_future() -> sa.ColumnElement[bool]:
    """Match beats of a worker whose clock was ahead."""
    return WorkerBeat.seen_at > now() + BEAT_LASTS


def _visible_query(reader: Person | Operator) -> sa.Select[Any]:
    return sa.select(Notification).where(not_hidden_from(Notification.lead_id, reader))


notifications = Notifications()
