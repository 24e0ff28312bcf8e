"""Tables of the outbox: messages, attempts, suppressions, workers, closed scopes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.clock import now
from leadintake.core.db.database import Model, SoftDeletes, only
from leadintake.core.db.types import TextEnum


class Status(StrEnum):
    """Where a message is on its way."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Priority(IntEnum):
    """Order of delivery, before age."""

    URGENT = 0
    """Alerts to people of the firm and mails about their accounts."""
    ORDINARY = 1
    """Mails to prospects."""


ORDINARY_KINDS = {"prospect_confirmation", "reply"}
"""Kinds to addresses that prospects typed. All others are urgent."""
MAX_SUBJECT_LENGTH = 200
MAIL = "mail"
"""Name of the mail channel."""


def _priority_of_kind(context: Any) -> Priority:
    return (
        Priority.ORDINARY if context.get_current_parameters()["kind"] in ORDINARY_KINDS else Priority.URGENT
    )


RESERVED = "reserved"
"""Holder of a message that its author may still replace, until `due_at`. No worker has claimed it."""
UNDO = "undo"
"""Holder of the reservation of a message that may be taken back (personal.py)."""
WITHDRAWN_VALUES: Mapping[str, object] = {"status": Status.QUEUED, "due_at": None, "claimed_by": None}
"""Of a withdrawn message, besides `deleted_at`."""


class Notification(SoftDeletes, Model):
    """A message in the outbox, committed with its cause."""

    __tablename__ = "notifications"
    __table_args__ = (
        sa.Index("ix_notifications_created_at_id", "created_at", "id"),
        sa.Index("ix_notifications_status_created_at_id", "status", "created_at", "id"),
        sa.Index("ix_notifications_mailbox_created_at", "mailbox", "created_at"),
        sa.Index("ix_notifications_priority_due_at", "priority", "due_at"),  # serves the claims
        # Partial where supported: without sent messages, which are most.
        sa.Index("ix_notifications_unsent", "kind", "due_at", info=only("due_at IS NOT NULL")),
        sa.Index("ix_notifications_failed", "status", "updated_at", info=only("status = 'failed'")),
    )

    channel: Mapped[str] = mapped_column(sa.String(20), default=MAIL, server_default=MAIL)
    """Name in channels/interface.py."""
    kind: Mapped[str] = mapped_column(sa.String(40))
    priority: Mapped[int] = mapped_column(
        sa.SmallInteger, default=_priority_of_kind, server_default=str(Priority.ORDINARY.value)
    )
    """The server default is for older processes during an upgrade."""
    recipient: Mapped[str] = mapped_column(sa.String(254))
    reply_to: Mapped[str | None] = mapped_column(sa.String(254))
    """Reply-To address; MAIL_REPLY_TO without one."""
    mailbox: Mapped[str] = mapped_column(sa.String(254))
    """Recipient, by addresses.normalize_mailbox."""
    lead_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("leads.id"), index=True)
    subject: Mapped[str] = mapped_column(sa.String(MAX_SUBJECT_LENGTH))
    text: Mapped[str] = mapped_column(sa.Text)
    html: Mapped[str] = mapped_column(sa.Text)
    payload: Mapped[str | None] = mapped_column(sa.Text)
    """JSON of a message other than mail, of a copy (personal.py), or for the send check of a kind of mail."""
    status: Mapped[Status] = mapped_column(TextEnum(Status), default=Status.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column()
    """Next attempt, or end of the lease or reservation. None when sent, failed or withdrawn."""
    owed_since: Mapped[datetime] = mapped_column(default=now)
    """Start of leases.GIVE_UP_AFTER; a retry by hand resets it."""
    claimed_by: Mapped[str | None] = mapped_column(sa.String(80))
    """Worker that delivers it (SENDING), or reserved it until `due_at` (QUEUED)."""
    last_error: Mapped[str | None] = mapped_column(sa.String(500))
    sent_at: Mapped[datetime | None] = mapped_column()
    request_id: Mapped[str | None] = mapped_column(sa.String(64))
    """Request that caused it, for the log; of a notice about a failure, that of the failed message. None from
    a worker or command."""
    traceparent: Mapped[str | None] = mapped_column(sa.String(55))
    """Parent span of its delivery (W3C Trace Context)."""

    @property
    def is_held(self) -> bool:
        """Whether it is reserved so that it may be taken back, and leaves by itself later."""
        is_reserved = self.status is Status.QUEUED and self.claimed_by == UNDO
        return is_reserved and self.due_at is not None and self.due_at > now()


class DeliveryAttempt(Model):
    """An attempt to deliver a message."""

    __tablename__ = "delivery_attempts"

    notification_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("notifications.id"), index=True)
    outcome: Mapped[str] = mapped_column(sa.String(20))
    reply: Mapped[str] = mapped_column(sa.String(500))


class Suppression(Model):
    """A mailbox that unsubscribed from confirmations."""

    __tablename__ = "suppressions"

    mailbox: Mapped[str] = mapped_column(sa.String(254), unique=True)


class WorkerBeat(Model):
    """A worker, alive at `seen_at`."""

    __tablename__ = "worker_beats"

    worker: Mapped[str] = mapped_column(sa.String(80), unique=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)


class ChannelFault(Model):
    """A closed scope of the mail channel (channel_state.py)."""

    __tablename__ = "channel_faults"

    scope: Mapped[str] = mapped_column(sa.String(20), unique=True)
    since: Mapped[datetime] = mapped_column()
    step: Mapped[str] = mapped_column(sa.String(20))
    words: Mapped[str] = mapped_column(sa.String(500))
    tried_at: Mapped[datetime] = mapped_column()
    tried_id: Mapped[uuid.UUID | None] = mapped_column()
    """Message of the last trial, deleted perhaps."""


OUTBOX = cast(sa.Table, Notification.__table__)
ATTEMPTS = cast(sa.Table, DeliveryAttempt.__table__)
"""Without the ORM, for statements that run for every message."""
