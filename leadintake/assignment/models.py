"""Tables of the room: whose turn it was, who is away, and every decision."""

from __future__ import annotations

import uuid
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from leadintake.assignment.facts import UNTIL_FURTHER_NOTICE
from leadintake.auth.models import User
from leadintake.core.database import Model, SoftDeletes

LongText = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
"""MySQL's TEXT ends at 64 KiB: less than a decision among five hundred people."""


class Turn(Model):
    """When somebody last had a lead assigned, counted in assignments: no clock can reorder it."""

    __tablename__ = "turns"

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), unique=True)
    number: Mapped[int] = mapped_column(sa.BigInteger)


class Rotation(Model):
    """How far behind their share everybody is, in the firm's rotation or in that of a practice area."""

    __tablename__ = "rotations"

    name: Mapped[str] = mapped_column(sa.String(100), unique=True)
    credits: Mapped[str] = mapped_column(LongText)
    """JSON: credit by user id. In one row, so that five hundred people cost one statement."""


class Absence(SoftDeletes, Model):
    """Days on which somebody is away, the first and the last included, in the firm's clock.

    One that was ended early is deleted; the audit trail says when.
    """

    __tablename__ = "absences"

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    """None: until further notice."""
    substitute_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True, foreign_keys=[user_id])
    substitute: Mapped[User | None] = relationship(lazy="joined", foreign_keys=[substitute_id])

    @property
    def until(self) -> str:
        """The last day away, in a sentence."""
        return self.last_day.isoformat() if self.last_day else UNTIL_FURTHER_NOTICE


class AssignmentDecision(Model):
    """Who got a lead, by whatever way, when and why. Nothing of it is ever changed."""

    __tablename__ = "decisions"
    __table_args__ = (sa.Index("ix_decisions_user_id_created_at", "user_id", "created_at"),)

    lead_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("leads.id"), index=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    cause: Mapped[str] = mapped_column(sa.String(40))
    """What made it necessary: `arrival`, `handed_back`, `declined`, `screened`, `waited` or `manual`."""
    strategy: Mapped[str] = mapped_column(sa.String(40))
    reason: Mapped[str] = mapped_column(sa.String(500))
    policy: Mapped[str] = mapped_column(sa.String(16))
    """The hash of the rules; empty where a person decided."""
    record: Mapped[str] = mapped_column(LongText)
    """JSON (facts.Record): enough to decide again. Empty where a person decided."""
