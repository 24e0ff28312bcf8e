"""Tables of saved views and of opened leads. Both are of one user, and for that user alone."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.db.database import Model


class LeadRead(Model):
    """When a user opened a lead last, as far as that changed anything."""

    __tablename__ = "lead_reads"
    __table_args__ = (sa.UniqueConstraint("user_id", "lead_id"),)

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    lead_id: Mapped[uuid.UUID] = mapped_column(index=True)
    """No foreign key: whoever opens a lead must not wait for who changes it."""
    seen_at: Mapped[datetime]


class SavedView(Model):
    """A filter of the list, with a name."""

    __tablename__ = "saved_views"
    __table_args__ = (sa.UniqueConstraint("user_id", "name"),)

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(sa.String(60))
    query: Mapped[str] = mapped_column(sa.String(1000))
    """Query string of the list."""
