"""The room as JSON."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa

from leadintake.core.db.pagination import Cursor
from leadintake.notifications.models import Notification, Status


class NotificationSummary(msgspec.Struct):
    """A message about a lead."""

    kind: str
    recipient: str
    status: str
    attempts: int
    sent_at: datetime | None

    @classmethod
    def of(cls, notification: Notification) -> NotificationSummary:
        """Convert a message for readers of its lead."""
        return msgspec.convert(notification, cls, from_attributes=True)


class NotificationDetail(msgspec.Struct):
    """A message, as those see it who look after the outbox."""

    id: uuid.UUID
    kind: str
    recipient: str
    lead_id: uuid.UUID | None
    status: str
    attempts: int
    last_error: str | None
    due_at: datetime | None
    sent_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, notification: Notification) -> NotificationDetail:
        """Convert a message without its text."""
        return msgspec.convert(notification, cls, from_attributes=True)


def select_details(messages_query: sa.Select[Any]) -> sa.Select[Any]:
    """Select what a NotificationDetail shows, in its order, and no texts (pagination.Shape)."""
    columns = [getattr(Notification, name) for name in NotificationDetail.__struct_fields__]
    return messages_query.with_only_columns(*columns)


class NotificationQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which messages to list."""

    status: Status | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    cursor: Cursor | None = None


class NotificationPage(msgspec.Struct):
    """Some messages, and the cursor of those that follow."""

    items: list[NotificationDetail]
    next_cursor: str | None
