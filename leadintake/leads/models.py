"""Tables of leads, their history, screens and declines."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column, relationship

from leadintake.auth.models import User
from leadintake.core.addresses import normalize_mailbox
from leadintake.core.db.database import Model, SoftDeletes, only
from leadintake.core.db.types import BlankIsNull, NoneIsBlank, TextEnum, new_id
from leadintake.core.i18n.languages import ENGLISH
from leadintake.core.phones import is_as_typed
from leadintake.documents.models import Document
from leadintake.leads.progress import Progress, progress_indexes
from leadintake.leads.reference import LENGTH, LeadKey, Reference, draw_reference
from leadintake.leads.status import (
    FIRST,
    Gate,
    LeadStatus,
    Source,
    is_quarantined,
    where_listed,
    where_open,
    where_quarantined,
)


def fold_email(email: str) -> str:
    """Return the casefolded address, cut to the column's length."""
    return email.casefold()[:254]


def mailbox_of(email: str | None) -> str:
    """Return the mailbox of a lead with this address; without one, a value that no other lead has."""
    return normalize_mailbox(email) if email else str(new_id())


def _folded_email(context: DefaultExecutionContext) -> str:
    row = context.get_current_parameters()  # type: ignore[no-untyped-call] # SQLAlchemy left it untyped
    return fold_email(row["email"] or "")


def _mailbox(context: DefaultExecutionContext) -> str:
    row = context.get_current_parameters()  # type: ignore[no-untyped-call] # SQLAlchemy left it untyped
    return mailbox_of(row["email"])


def _phone_as_typed(context: DefaultExecutionContext) -> bool:
    row = context.get_current_parameters()  # type: ignore[no-untyped-call] # SQLAlchemy left it untyped
    return is_as_typed(row.get("phone") or "")


MANUAL = "manual"
"""Strategy of leads that a person assigned."""
OPEN_OF_OWNER = ("assignee_id", "status", "created_at", "id", "deleted_at", "outcome")


class Lead(Progress, SoftDeletes, Model):
    """A prospect who wrote to the firm, or whom staff entered."""

    __tablename__ = "leads"
    __table_args__ = (
        # One index per sort order of the list; the id breaks ties.
        sa.Index("ix_leads_created_at_id", "created_at", "id"),
        sa.Index("ix_leads_updated_at_id", "updated_at", "id"),
        sa.Index("ix_leads_last_name_id", "last_name", "id"),
        sa.Index("ix_leads_email_id", "email", "id"),
        sa.Index("ix_leads_folded_email", "folded_email"),
        sa.Index("ix_leads_mailbox", "mailbox"),
        sa.Index("ix_leads_status_id", "status", "id"),
        sa.Index("ix_leads_status_created_at_id", "status", "created_at", "id"),
        # Partial where supported: no planner shall use it for open leads, which are nearly all.
        sa.Index("ix_leads_gate", "gate", "quarantined_at", "id", info=only("gate = 'quarantine'")),
        # For backfill.correct_gates, and for processes of the previous version.
        sa.Index("ix_leads_in_quarantine", "assignment_strategy", "quarantined_at", "id"),
        # A unique index, no table constraint: PostgreSQL can build it while leads are inserted.
        sa.Index("uq_leads_reference", "reference", unique=True),
        # For backfill.index_texts. MariaDB indexes one character of each.
        sa.Index("ix_leads_search_text", "search_text", info=only("search_text IS NULL")),
        # The same of one assignee, who may have very many.
        sa.Index("ix_leads_assignee_id_created_at_id", "assignee_id", "created_at", "id"),
        sa.Index("ix_leads_assignee_id_updated_at_id", "assignee_id", "updated_at", "id"),
        sa.Index("ix_leads_assignee_id_last_name_id", "assignee_id", "last_name", "id"),
        sa.Index("ix_leads_assignee_id_email_id", "assignee_id", "email", "id"),
        sa.Index("ix_leads_assignee_id_status_id", "assignee_id", "status", "id"),
        # With `deleted_at` and `outcome`, so that deleted and closed ones are left out in it.
        sa.Index("ix_leads_assignee_id_status_open", *OPEN_OF_OWNER),
        sa.Index("ix_leads_assignee_id_assigned_at", "assignee_id", "assigned_at"),
        # For the oldest lead that waits, or is in quarantine.
        sa.Index(
            "ix_leads_waiting_open",
            "assignee_id",
            "status",
            "gate",
            "deleted_at",
            "quarantined_at",
            "assigned_at",
            "id",
            "outcome",
            info=only("assignee_id IS NULL"),
        ),
        *progress_indexes(),
    )

    reference: Mapped[str] = mapped_column(BlankIsNull(LENGTH), default=draw_reference, nullable=True)
    """See reference.py. Empty in rows of an older process until the backfill."""
    first_name: Mapped[str] = mapped_column(sa.String(100))
    last_name: Mapped[str] = mapped_column(sa.String(100))
    email: Mapped[str | None] = mapped_column(NoneIsBlank(254), nullable=False)
    folded_email: Mapped[str] = mapped_column(sa.String(254), default=_folded_email)
    """For processes of the version before."""
    mailbox: Mapped[str | None] = mapped_column(sa.String(254), default=_mailbox)
    """See mailbox_of. NULL in rows of an older process until the backfill."""
    phone: Mapped[str | None] = mapped_column(sa.String(100))
    """In E.164, or as typed if it could not be parsed."""
    phone_as_typed: Mapped[bool] = mapped_column(default=_phone_as_typed, server_default=sa.false())
    practice_area: Mapped[str | None] = mapped_column(sa.String(100))
    language: Mapped[str | None] = mapped_column(sa.String(100))
    page_language: Mapped[str] = mapped_column("spoken", sa.String(12), server_default=ENGLISH)
    """Language of the form's page. The column is called `spoken`."""
    searchable: Mapped[str] = mapped_column(sa.String(1000))
    """Search text for processes of the version before."""
    search_text: Mapped[str | None] = mapped_column(sa.String(1000))
    """See fields.search_text. NULL in rows of an older process until the backfill."""
    source: Mapped[Source] = mapped_column(TextEnum(Source), default=Source.FORM, server_default=Source.FORM)
    status: Mapped[LeadStatus] = mapped_column(TextEnum(LeadStatus), default=FIRST, active_history=True)
    version: Mapped[int] = mapped_column(default=1)
    """Incremented by every change of a LeadDetail, except `duplicates`, which other submissions change."""

    resume_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("documents.id"), unique=True)
    assignee_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"), active_history=True)
    assignment_strategy: Mapped[str] = mapped_column(sa.String(40), active_history=True)
    assignment_reason: Mapped[str] = mapped_column(sa.String(500))
    assigned_at: Mapped[datetime]
    reached_at: Mapped[datetime | None]
    """Time of the first contact."""

    gate: Mapped[Gate] = mapped_column(
        TextEnum(Gate), default=Gate.OPEN, server_default=Gate.OPEN.value, active_history=True
    )
    quarantined_at: Mapped[datetime | None] = mapped_column(active_history=True)
    """Start of the quarantine."""
    quarantine_reason: Mapped[str | None] = mapped_column(sa.String(500))

    submission_key: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    """SHA-256 of the idempotency key."""
    submission_fingerprint: Mapped[str] = mapped_column(sa.String(64))
    """SHA-256 of the content: one key with two fingerprints is a client's error."""
    disclaimer_version: Mapped[str | None] = mapped_column(sa.String(12))
    """Version of the disclaimer shown. NULL if unknown, as from a firm's own page."""

    resume: Mapped[Document | None] = relationship(lazy="joined")
    assigned_to: Mapped[User | None] = relationship(lazy="joined")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form

    @property
    def in_quarantine(self) -> bool:
        """Whether the lead is in quarantine."""
        return is_quarantined(self.gate, self.quarantined_at)


def has_key(key: LeadKey) -> sa.ColumnElement[bool]:
    """Match a lead by id or reference."""
    return Lead.reference == key if isinstance(key, Reference) else Lead.id == key


def is_from_mailbox(mailbox: Any, folded_email: Any) -> sa.ColumnElement[bool]:
    """Match leads of one prospect, also an older process's, which have no mailbox until the backfill."""
    without_mailbox = sa.and_(Lead.mailbox.is_(None), Lead.folded_email == folded_email)
    return sa.or_(Lead.mailbox == mailbox, without_mailbox)


def is_waiting() -> sa.ColumnElement[bool]:
    """Match open, listed leads without an assignee, unless a person left them so."""
    unassigned = sa.and_(where_open(Lead.status, Lead.outcome), Lead.assignee_id.is_(None))
    return sa.and_(unassigned, Lead.assignment_strategy != MANUAL, is_listed())


def is_listed() -> sa.ColumnElement[bool]:
    """Match leads whose gate is open."""
    return where_listed(Lead.gate, Lead.quarantined_at)


def is_in_quarantine() -> sa.ColumnElement[bool]:
    """Match leads in quarantine."""
    return where_quarantined(Lead.gate, Lead.quarantined_at)


class LeadEvent(SoftDeletes, Model):
    """An entry in a lead's history."""

    __tablename__ = "lead_events"

    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(sa.String(254))
    """E-mail address of the user, or `prospect`, `system` or `operator`."""
    action: Mapped[str] = mapped_column(sa.String(40))
    detail: Mapped[str] = mapped_column(sa.String(500))


class Screen(Model):
    """An ethical wall (ABA Model Rule 1.10): hides a lead from a user."""

    __tablename__ = "screens"
    __table_args__ = (sa.UniqueConstraint("user_id", "lead_id"),)

    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    notice: Mapped[str] = mapped_column(sa.String(500))
    """The reason."""
    set_by: Mapped[str] = mapped_column(sa.String(254))
    """E-mail address of the author, or `operator`."""

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Decline(Model):
    """A user's refusal of a lead, which is never assigned to that user automatically."""

    __tablename__ = "declines"
    __table_args__ = (sa.UniqueConstraint("lead_id", "user_id"),)

    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    reason: Mapped[str] = mapped_column(sa.String(500))
