"""Tables of the room: leads and what happened to them."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column, relationship

from leadintake.assignment.models import LongText
from leadintake.auth.models import User
from leadintake.core.database import Model, SoftDeletes
from leadintake.core.languages import ENGLISH
from leadintake.core.types import BlankIsNull, TextEnum
from leadintake.documents.models import Document
from leadintake.leads.reference import LENGTH, LeadKey, Reference, draw_reference


def folded(email: str) -> str:
    """An address in small letters: a prospect is the same, whatever capitals they write theirs with."""
    return email.casefold()[:254]


def _folded_email(context: DefaultExecutionContext) -> str:
    """What the row being written has as its address, folded."""
    row = context.get_current_parameters()  # type: ignore[no-untyped-call] # SQLAlchemy left it untyped
    return folded(str(row["email"]))


QUARANTINE = "quarantine"
"""The strategy of leads that are, or begin, in quarantine."""
MANUAL = "manual"
"""The strategy of leads that a person assigned."""


class LeadStatus(StrEnum):
    """How far a lead is."""

    PENDING = "PENDING"
    REACHED_OUT = "REACHED_OUT"


class Lead(SoftDeletes, Model):
    """A prospect who wrote to the firm."""

    __tablename__ = "leads"
    __table_args__ = (
        # One index a sort order of the list; each ends in the id, which settles ties.
        sa.Index("ix_leads_created_at_id", "created_at", "id"),
        sa.Index("ix_leads_updated_at_id", "updated_at", "id"),
        sa.Index("ix_leads_last_name_id", "last_name", "id"),
        sa.Index("ix_leads_email_id", "email", "id"),
        sa.Index("ix_leads_folded_email", "folded_email"),
        sa.Index("ix_leads_status_id", "status", "id"),
        sa.Index("ix_leads_status_created_at_id", "status", "created_at", "id"),
        # Begins with the strategy: no engine can take it for finding those that are not in quarantine,
        # nearly all, which it would then have to sort.
        sa.Index("ix_leads_in_quarantine", "assignment_strategy", "quarantined_at", "id"),
        # Unique, and not a constraint of the table: PostgreSQL builds an index while leads arrive.
        sa.Index("uq_leads_reference", "reference", unique=True),
        sa.Index("ix_leads_assignee_id_status", "assignee_id", "status", "deleted_at"),
        sa.Index("ix_leads_assignee_id_assigned_at", "assignee_id", "assigned_at"),
    )

    reference: Mapped[str] = mapped_column(BlankIsNull(LENGTH), default=draw_reference, nullable=True)
    """What people say on the telephone in place of the id. Nothing of a lead that an older process wrote."""
    first_name: Mapped[str] = mapped_column(sa.String(100))
    last_name: Mapped[str] = mapped_column(sa.String(100))
    email: Mapped[str] = mapped_column(sa.String(254))
    folded_email: Mapped[str] = mapped_column(sa.String(254), default=_folded_email)
    practice_area: Mapped[str | None] = mapped_column(sa.String(100))
    language: Mapped[str | None] = mapped_column(sa.String(100))
    spoken: Mapped[str] = mapped_column(sa.String(12), server_default=ENGLISH)
    """The language of the page it was sent from."""
    searchable: Mapped[str] = mapped_column(sa.String(1000))
    """Names and address, folded for search: SQLite folds only ASCII by itself."""
    status: Mapped[LeadStatus] = mapped_column(TextEnum(LeadStatus), default=LeadStatus.PENDING)
    version: Mapped[int] = mapped_column(default=1)
    """Rises with every change of what a LeadDetail shows but for its `duplicates`, which strangers change."""

    resume_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("documents.id"), unique=True)
    assignee_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    assignment_strategy: Mapped[str] = mapped_column(sa.String(40))
    assignment_reason: Mapped[str] = mapped_column(sa.String(500))
    assigned_at: Mapped[datetime]
    reached_at: Mapped[datetime | None]
    """When the prospect was reached out to."""

    quarantined_at: Mapped[datetime | None]
    """Since when it is taken for spam: until it is released it exists for those alone who look after that."""
    quarantine_reason: Mapped[str | None] = mapped_column(sa.String(500))

    submission_key: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    """SHA-256 of the idempotency key the submission came with."""
    submission_fingerprint: Mapped[str] = mapped_column(sa.String(64))
    """SHA-256 of all that was submitted: the same key with another one is a mistake of the client."""
    disclaimer_version: Mapped[str | None] = mapped_column(sa.String(12))
    """The disclaimer beside the button. None where it was none of ours, as on a page of the firm's own."""

    resume: Mapped[Document] = relationship(lazy="joined", innerjoin=True)
    assigned_to: Mapped[User | None] = relationship(lazy="joined")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form


def has_key(key: LeadKey) -> sa.ColumnElement[bool]:
    """The lead with this id or reference."""
    return Lead.reference == key if isinstance(key, Reference) else Lead.id == key


def waiting() -> sa.ColumnElement[bool]:
    """Leads that somebody is looked for: pending, with nobody, not left so by a person, not in quarantine."""
    nobodys = sa.and_(Lead.status == LeadStatus.PENDING, Lead.assignee_id.is_(None))
    return sa.and_(nobodys, Lead.assignment_strategy != MANUAL, Lead.quarantined_at.is_(None))


def held() -> sa.ColumnElement[bool]:
    """Leads in quarantine."""
    return sa.and_(Lead.assignment_strategy == QUARANTINE, Lead.quarantined_at.is_not(None))


class LeadEvent(SoftDeletes, Model):
    """Something that happened to a lead: who did what, when."""

    __tablename__ = "lead_events"

    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(sa.String(254))
    """Address of the user, or `prospect`, `system` or `operator`."""
    action: Mapped[str] = mapped_column(sa.String(40))
    detail: Mapped[str] = mapped_column(sa.String(500))


class Disclaimer(Model):
    """A disclaimer as prospects were shown it, once a version."""

    __tablename__ = "disclaimers"

    version: Mapped[str] = mapped_column(sa.String(12), unique=True)
    language: Mapped[str] = mapped_column(sa.String(10))
    text: Mapped[str] = mapped_column(LongText)


class Screen(Model):
    """A wall between one person and one lead (ABA Model Rule 1.10): to them the lead does not exist."""

    __tablename__ = "screens"
    __table_args__ = (sa.UniqueConstraint("user_id", "lead_id"),)

    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    notice: Mapped[str] = mapped_column(sa.String(500))
    """Why, in the words of whoever set it."""
    set_by: Mapped[str] = mapped_column(sa.String(254))
    """Address of the user who set it, or `operator`."""

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Decline(Model):
    """Somebody who refused a lead: it never comes back to them by itself."""

    __tablename__ = "declines"
    __table_args__ = (sa.UniqueConstraint("lead_id", "user_id"),)

    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    reason: Mapped[str] = mapped_column(sa.String(500))
