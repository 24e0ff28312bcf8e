"""Tables of replies and their templates."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.db.database import Model, SoftDeletes
from leadintake.leads.replies.wording import MAX_NAME_LENGTH, MAX_SUBJECT_LENGTH


class ReplyTemplate(SoftDeletes, Model):
    """A text to begin a reply with."""

    __tablename__ = "reply_templates"

    name: Mapped[str] = mapped_column(sa.String(MAX_NAME_LENGTH))
    language: Mapped[str] = mapped_column(sa.String(12))
    subject: Mapped[str] = mapped_column(sa.String(MAX_SUBJECT_LENGTH))
    body: Mapped[str] = mapped_column(sa.Text)


class Reply(SoftDeletes, Model):
    """A mail that a person of the firm wrote to a prospect. `deleted_at`: when it was taken back."""

    __tablename__ = "replies"

    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"), index=True)
    author_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    author: Mapped[str] = mapped_column(sa.String(254))
    """E-mail address of the author when it was written."""
    template_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("reply_templates.id"))
    subject: Mapped[str] = mapped_column(sa.String(MAX_SUBJECT_LENGTH))
    body: Mapped[str] = mapped_column(sa.Text)
    send_at: Mapped[datetime]
    message_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("notifications.id"), unique=True)
    copy_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("notifications.id"))
    """Message to the archive."""
    marked_reached: Mapped[bool]
    """Whether this reply changed the status of the lead."""
