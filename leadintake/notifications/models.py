"""Tables of the room: the outbox, what was tried, and who is at work."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.clock import now
from leadintake.core.database import Model, SoftDeletes
from leadintake.core.types import TextEnum


class Status(StrEnum):
    """Where a message is on its way."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Priority(IntEnum):
    """What goes first, whatever waited longer."""

    URGENT = 0
    """Alerts to the firm's people and mails about their accounts: somebody is waiting."""
    ORDINARY = 1
    """Confirmations."""


ORDINARY = {"prospect_confirmation"}
"""Kinds that nobody waits for."""
LONGEST_SUBJECT = 200


def _priority_of_kind(context: Any) -> Priority:
    return Priority.ORDINARY if context.get_current_parameters()["kind"] in ORDINARY else Priority.URGENT


WITHDRAWN: Mapping[str, object] = {"status": Status.QUEUED, "due_at": None, "claimed_by": None}
"""How a message stands that is never sent; it is deleted besides."""


def _only(which: sa.TextClause) -> dict[str, Any]:
    """An index of some rows alone. MariaDB, which has none, indexes all."""
    return {"postgresql_where": which, "sqlite_where": which}


class Notification(SoftDeletes, Model):
    """A message we owe somebody. It exists if and only if its cause does: both are one transaction."""

    __tablename__ = "notifications"
    __table_args__ = (
        sa.Index("ix_notifications_mailbox_created_at", "mailbox", "created_at"),
        sa.Index("ix_notifications_priority_due_at", "priority", "due_at"),  # serves the claims
        # Small where an engine can: of what was sent, nearly all, they hold nothing.
        sa.Index("ix_notifications_unsent", "kind", "due_at", **_only(sa.text("due_at IS NOT NULL"))),
        sa.Index("ix_notifications_failed", "status", "updated_at", **_only(sa.text("status = 'failed'"))),
    )

    kind: Mapped[str] = mapped_column(sa.String(40))
    priority: Mapped[int] = mapped_column(
        sa.SmallInteger, default=_priority_of_kind, server_default=str(Priority.ORDINARY.value)
    )
    """The server's default is for processes of an earlier version while a new one takes over."""
    recipient: Mapped[str] = mapped_column(sa.String(254))
    reply_to: Mapped[str | None] = mapped_column(sa.String(254))
    """Where answers go, if not where those to all mails go."""
    mailbox: Mapped[str] = mapped_column(sa.String(254))
    """The recipient whatever the spelling, as mailboxes.py counts them."""
    lead_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("leads.id"), index=True)
    subject: Mapped[str] = mapped_column(sa.String(LONGEST_SUBJECT))
    text: Mapped[str] = mapped_column(sa.Text)
    html: Mapped[str] = mapped_column(sa.Text)
    status: Mapped[Status] = mapped_column(TextEnum(Status), default=Status.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column()
    """When a worker may take it: the next attempt, or the end of the lease of the worker that has it.
    None once there is nothing left to do."""
    owed_since: Mapped[datetime] = mapped_column(default=now)
    """From when the days are counted after which it is given up; a retry by hand begins anew."""
    claimed_by: Mapped[str | None] = mapped_column(sa.String(80))
    """The worker that sends it, or, of one that is queued, has reserved it until `due_at`."""
    last_error: Mapped[str | None] = mapped_column(sa.String(500))
    sent_at: Mapped[datetime | None] = mapped_column()
    request_id: Mapped[str | None] = mapped_column(sa.String(64))
    """The request it was owed by, for the log; None where a worker or a command began it."""
    traceparent: Mapped[str | None] = mapped_column(sa.String(55))
    """The span that its delivery continues (W3C Trace Context)."""


class DeliveryAttempt(Model):
    """One try to deliver a message, and what the other side said."""

    __tablename__ = "delivery_attempts"

    notification_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("notifications.id"), index=True)
    outcome: Mapped[str] = mapped_column(sa.String(20))
    reply: Mapped[str] = mapped_column(sa.String(500))


class Suppression(Model):
    """A mailbox that asked for no confirmations."""

    __tablename__ = "suppressions"

    mailbox: Mapped[str] = mapped_column(sa.String(254), unique=True)


class WorkerBeat(Model):
    """A worker that was alive at `seen_at`."""

    __tablename__ = "worker_beats"

    worker: Mapped[str] = mapped_column(sa.String(80), unique=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)


class ChannelFault(Model):
    """Why mail does not leave, while it does not: a row a scope (channel_state.py)."""

    __tablename__ = "channel_faults"

    scope: Mapped[str] = mapped_column(sa.String(20), unique=True)
    since: Mapped[datetime] = mapped_column()
    step: Mapped[str] = mapped_column(sa.String(20))
    words: Mapped[str] = mapped_column(sa.String(500))
    tried_at: Mapped[datetime] = mapped_column()
    tried_id: Mapped[uuid.UUID | None] = mapped_column()
    """The message tried last; it may be gone."""


OUTBOX = cast(sa.Table, Notification.__table__)
ATTEMPTS = cast(sa.Table, DeliveryAttempt.__table__)
"""The bare tables, for what a worker runs for every message."""
