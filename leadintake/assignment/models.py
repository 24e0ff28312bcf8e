"""Tables of turns, rotations, absences and decisions."""

from __future__ import annotations

import uuid
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from leadintake.assignment.types import UNTIL_FURTHER_NOTICE
from leadintake.auth.models import User
from leadintake.core.db.database import Model, SoftDeletes, only
from leadintake.core.db.types import LongText


class Turn(Model):
    """Number of the user's last assignment, among all of the firm: no clock can reorder turns."""

    __tablename__ = "turns"

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), unique=True)
    number: Mapped[int] = mapped_column(sa.BigInteger)


class LeadCounts(Model):
    """Numbers of leads of a user, whose id this is, or (UNASSIGNED) of those without an assignee.

    Without a foreign key: the row of UNASSIGNED has no user. `counters.py` alone writes it.
    """

    __tablename__ = "lead_counts"

    listed: Mapped[int] = mapped_column(default=0)
    pending: Mapped[int] = mapped_column(default=0)
    """Listed, and the prospect waits for contact."""
    waiting: Mapped[int] = mapped_column(default=0)
    """Pending, and to be assigned."""
    quarantined: Mapped[int] = mapped_column(default=0)
    corrections: Mapped[int] = mapped_column(default=0)
    """In the row of UNASSIGNED: how often numbers were corrected."""


class Rotation(Model):
    """Credits of all users in one rotation: the firm's (no name) or a practice area's."""

    __tablename__ = "rotations"

    name: Mapped[str] = mapped_column(sa.String(100), unique=True)
    credits: Mapped[str] = mapped_column(LongText)
    """JSON: credit by user id. One row: 500 people cost one statement."""


class Absence(SoftDeletes, Model):
    """Days away, first and last included, in the firm's time zone. Soft-deleted if ended early."""

    __tablename__ = "absences"

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    """None: until further notice."""
    substitute_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    undone_by: Mapped[uuid.UUID | None] = mapped_column()
    """User who undid it, so that it gives back the leads it moved. Without a foreign key."""

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True, foreign_keys=[user_id])
    substitute: Mapped[User | None] = relationship(lazy="joined", foreign_keys=[substitute_id])

    @property
    def until(self) -> str:
        """The last day in words."""
        return self.last_day.isoformat() if self.last_day else UNTIL_FURTHER_NOTICE

    @property
    def reason(self) -> str:
        """Why leads go to others."""
        return f"{self.user.name} is away until {self.until}."


class AssignmentDecision(Model):
    """A decision, automatic or manual. Never changed."""

    __tablename__ = "decisions"
    __table_args__ = (
        sa.Index("ix_decisions_user_id_created_at", "user_id", "created_at"),
        sa.Index("ix_decisions_absence_id", "absence_id", info=only("absence_id IS NOT NULL")),
    )

    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"), index=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    cause: Mapped[str] = mapped_column(sa.String(40))
    """`arrival`, `handed_back`, `declined`, `screened`, `waited` or `manual`."""
    strategy: Mapped[str] = mapped_column(sa.String(40))
    reason: Mapped[str] = mapped_column(sa.String(500))
    policy: Mapped[str] = mapped_column(sa.String(16))
    """Hash of the policy; empty for a manual decision."""
    absence_id: Mapped[uuid.UUID | None] = mapped_column()
    """Absence of the former assignee that moved the lead. Without a foreign key."""
    record: Mapped[str] = mapped_column(LongText)
    """JSON (types.Record), enough to repeat it, among 500 people too; empty for a manual decision."""
