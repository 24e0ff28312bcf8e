"""Mails that a person of the firm writes: replies to prospects, and a copy of each for the archive.

1. A reply is enqueued as reserved until `send_at`: no worker claims it before, not even an older version's.
2. Until it left, `take_back` withdraws it. It locks the row that a worker locks to claim it.
3. The copy is a message of its own, so its delivery is proven by itself, and a refusal of the archive's
   address concerns nothing else. It has the headers of the reply; only its envelope names the archive.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from flask import current_app

from leadintake.core import tracing
from leadintake.core.addresses import normalize_mailbox
from leadintake.core.clock import now
from leadintake.core.db.database import db, execute
from leadintake.core.db.types import new_id
from leadintake.core.logs import current_request_id
from leadintake.notifications.copies import describe_original
from leadintake.notifications.letterhead import get_letterhead
from leadintake.notifications.messages import render
from leadintake.notifications.models import (
    OUTBOX,
    UNDO,
    WITHDRAWN_VALUES,
    DeliveryAttempt,
    Notification,
    Status,
)

REPLY, COPY = "reply", "reply_copy"
COPY_AFTER = timedelta(seconds=2)
"""So that the copy of a reply that was taken back at the last moment does not leave."""
UNSURE = ("interrupted", "lost")
"""Outcomes after which the server may have accepted the message."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A reply to enqueue. `language`: of its frame; `reply_to`: its author's address."""

    lead_id: uuid.UUID
    recipient: str
    language: str
    reply_to: str
    subject: str
    body: str
    send_at: datetime


def enqueue_reply(reply: Reply) -> tuple[uuid.UUID, uuid.UUID | None]:
    """Enqueue a reply, and a copy if there is an archive. Return their ids.

    Workers look for due messages every second, so nothing wakes them.
    """
    message_id, archive = new_id(), current_app.config["BCC_ARCHIVE"]
    copy_id = new_id() if archive else None
    _insert(REPLY, reply, id=message_id, recipient=reply.recipient, due_at=reply.send_at)
    if copy_id:
        payload = describe_original(message_id, reply.recipient)
        due_at = reply.send_at + COPY_AFTER
        _insert(COPY, reply, id=copy_id, recipient=archive, due_at=due_at, payload=payload)
    db.session.flush()
    return message_id, copy_id


def take_back(message_id: uuid.UUID, copy_id: uuid.UUID | None) -> bool:
    """Withdraw a reply and its copy for good. Return False if it left or may have, is leaving or failed."""
    query = sa.select(Notification.status).where(Notification.id == message_id)
    if db.session.scalar(query.with_for_update()) is not Status.QUEUED or _may_have_left(message_id):
        return False
    unsent = sa.and_(OUTBOX.c.id.in_([message_id, copy_id]), OUTBOX.c.status == Status.QUEUED)
    execute(sa.update(OUTBOX).where(unsent).values(**WITHDRAWN_VALUES, deleted_at=now()))
    return True


def _may_have_left(message_id: uuid.UUID) -> bool:
    unsure = DeliveryAttempt.notification_id == message_id, DeliveryAttempt.outcome.in_(UNSURE)
    return db.session.scalar(sa.select(DeliveryAttempt.id).where(*unsure).limit(1)) is not None


def _insert(kind: str, reply: Reply, **values: object) -> None:
    span = tracing.begin("producer")
    rendered = render(
        kind,
        letterhead=get_letterhead(),
        language=reply.language,
        subject=reply.subject,
        body=reply.body,
    )
    message = Notification(
        kind=kind,
        reply_to=reply.reply_to,
        mailbox=normalize_mailbox(str(values["recipient"])),
        lead_id=reply.lead_id,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        claimed_by=UNDO,
        request_id=current_request_id(),
        traceparent=span.traceparent(),
        **values,
    )
    db.session.add(message)
    span.end(f"enqueue {kind}", message=str(values["id"]), kind=kind)
