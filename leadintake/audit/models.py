"""Tables of the room: the entries of the trail, and its head."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.database import Model


class AuditEntry(Model):
    """Something somebody did. The database refuses to change or remove it; its hash covers all of it.

    No text that a person typed is in it: a lead can be erased and the chain still holds.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        sa.Index("ix_audit_entries_created_at_id", "created_at", "id"),
        sa.Index("ix_audit_entries_actor_id_created_at", "actor_id", "created_at"),
        sa.Index("ix_audit_entries_subject_id_created_at", "subject_id", "created_at"),
    )

    number: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    """1, 2, 3, … without a gap."""
    actor_kind: Mapped[str] = mapped_column(sa.String(20))
    """`user`, `operator` (at the machine), `system`, or `anybody` (not signed in)."""
    actor_id: Mapped[uuid.UUID | None] = mapped_column()
    action: Mapped[str] = mapped_column(sa.String(60))
    subject_kind: Mapped[str] = mapped_column(sa.String(20))
    subject_id: Mapped[uuid.UUID | None] = mapped_column()
    via: Mapped[str] = mapped_column(sa.String(60))
    """`session:ID`, `token:ID`, `command`, `worker` or `public`."""
    origin: Mapped[str] = mapped_column(sa.String(80))
    """Address the request came from, or `operator:LOGIN` of the machine."""
    detail: Mapped[str] = mapped_column(sa.Text)
    """A JSON object of machine words: roles, counts, names of filters."""
    key_id: Mapped[str] = mapped_column(sa.String(16))
    """Which key of the application the hash was made with."""
    hash: Mapped[str] = mapped_column(sa.String(64))
    """HMAC-SHA-256 of the hash before and of all columns above."""


class AuditHead(Model):
    """The end of the chain: one row, which whoever appends locks."""

    __tablename__ = "audit_heads"

    number: Mapped[int] = mapped_column(sa.BigInteger)
    hash: Mapped[str] = mapped_column(sa.String(64))
    seal: Mapped[str] = mapped_column(sa.String(64))
    """Keyed hash of both: entries cut off at the end are noticed."""
