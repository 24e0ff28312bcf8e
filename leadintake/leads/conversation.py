"""Tables of what people of the firm write about a lead: notes, their earlier versions, contacts."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from leadintake.auth.models import User
from leadintake.core.db.database import Model, SoftDeletes
from leadintake.core.db.types import TextEnum

MAX_TEXT_LENGTH = 4_000
"""Characters of a note."""
MAX_SEARCH_LENGTH = 10_000
"""Characters of its search text: folding makes some texts longer, and the text of MariaDB ends at 64 KiB."""


class ContactChannel(StrEnum):
    """How a prospect was contacted."""

    PHONE = "phone"
    EMAIL = "email"
    MEETING = "meeting"
    OTHER = "other"


class ContactOutcome(StrEnum):
    """What came of a contact."""

    SPOKE = "spoke"
    LEFT_MESSAGE = "left_message"
    NO_ANSWER = "no_answer"


class LeadNote(SoftDeletes, Model):
    """A note about a lead."""

    __tablename__ = "lead_notes"
    __table_args__ = (sa.Index("ix_lead_notes_lead_id_created_at_id", "lead_id", "created_at", "id"),)

    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"))
    author_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    text: Mapped[str] = mapped_column(sa.Text)
    search_text: Mapped[str] = mapped_column(sa.Text)
    """The folded words, as in Lead.search_text."""
    edited_at: Mapped[datetime | None]
    editor_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"), index=True)
    """Author of the current text, if it was edited."""
    version: Mapped[int] = mapped_column(default=1)

    author: Mapped[User] = relationship(lazy="joined", innerjoin=True, foreign_keys=[author_id])
    editor: Mapped[User | None] = relationship(lazy="joined", foreign_keys=[editor_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form


class LeadNoteVersion(Model):
    """An earlier text of a note."""

    __tablename__ = "lead_note_versions"

    note_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("lead_notes.id"), index=True)
    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"), index=True)
    text: Mapped[str] = mapped_column(sa.Text)
    author_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    written_at: Mapped[datetime]

    author: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class LeadContact(SoftDeletes, Model):
    """A contact with a prospect, or an attempt."""

    __tablename__ = "lead_contacts"
    __table_args__ = (sa.Index("ix_lead_contacts_lead_id_created_at_id", "lead_id", "created_at", "id"),)

    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"))
    author_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    channel: Mapped[ContactChannel] = mapped_column(TextEnum(ContactChannel))
    outcome: Mapped[ContactOutcome] = mapped_column(TextEnum(ContactOutcome))
    note: Mapped[str | None] = mapped_column(sa.Text)

    author: Mapped[User] = relationship(lazy="joined", innerjoin=True)
