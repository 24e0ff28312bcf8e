"""Columns of a lead about its work: outcome, next step and tags."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.db.database import Model, only
from leadintake.core.db.types import CommaList, TextEnum
from leadintake.core.text import TooLong, normalize_text
from leadintake.leads.status import Outcome

MAX_NOTE_LENGTH = 500
MAX_TAGS, MAX_TAG_LENGTH = 10, 40
REMINDER = "follow_up_due"
"""Kind of the mails that remind of a next step."""
ACTS = ("outcome_set", "outcome_removed", "follow_up_set", "follow_up_removed", "tagged")
"""Actions in the history that change these columns."""


def fold_tag(tag: str) -> str:
    """Return the form in which tags are compared: NFC, in lower case, single blanks."""
    try:
        folded = normalize_text(tag, MAX_TAG_LENGTH).casefold()
    except TooLong:
        folded = tag.casefold()
    return " ".join(folded.split())[: 3 * MAX_TAG_LENGTH]


def progress_indexes() -> list[sa.Index]:
    """Return the indexes for filters of the list and for reminders. Partial ones cost a new lead nothing."""
    is_set = only("follow_up_at IS NOT NULL")
    return [
        sa.Index("ix_leads_practice_area", "practice_area", "created_at", "id"),
        sa.Index("ix_leads_language", "language", "created_at", "id"),
        sa.Index("ix_leads_source", "source", "created_at", "id"),
        sa.Index("ix_leads_outcome", "outcome", "created_at", "id", info=only("outcome IS NOT NULL")),
        # The same of one assignee. Partial: no open lead is in it.
        sa.Index(
            "ix_leads_assignee_id_outcome",
            "assignee_id",
            "outcome",
            "created_at",
            "id",
            info=only("outcome IS NOT NULL"),
        ),
        sa.Index("ix_leads_follow_up", "follow_up_reminded_at", "follow_up_at", "id", info=is_set),
        sa.Index("ix_leads_assignee_id_follow_up_at_id", "assignee_id", "follow_up_at", "id", info=is_set),
    ]


class Progress:
    """Columns of `leads`. All are NULL in rows of an older process."""

    outcome: Mapped[Outcome | None] = mapped_column(TextEnum(Outcome), active_history=True)
    """How it ended. An open lead has none."""
    outcome_note: Mapped[str | None] = mapped_column(sa.String(MAX_NOTE_LENGTH))
    outcome_at: Mapped[datetime | None]
    follow_up_at: Mapped[datetime | None]
    """Time of the next step. Until then its attorney's queue leaves the lead out."""
    follow_up_note: Mapped[str | None] = mapped_column(sa.String(MAX_NOTE_LENGTH))
    follow_up_reminded_at: Mapped[datetime | None]
    """When the reminder was enqueued, or found not to be needed by its attorney."""
    tags: Mapped[Any] = mapped_column(CommaList(MAX_TAGS * (MAX_TAG_LENGTH + 1)), nullable=True)
    """Sorted. For lists; filters and suggestions read `lead_tags`."""


class LeadTag(Model):
    """A tag of a lead. Leads and this table are written together (tags/service.py)."""

    __tablename__ = "lead_tags"
    __table_args__ = (
        sa.UniqueConstraint("lead_id", "folded"),
        sa.Index("ix_lead_tags_folded_lead_id", "folded", "lead_id"),
    )

    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"))
    tag: Mapped[str] = mapped_column(sa.String(MAX_TAG_LENGTH))
    folded: Mapped[str] = mapped_column(sa.String(3 * MAX_TAG_LENGTH))
    """Equal in upper and lower case. Folding may make three characters of one."""
