"""Tables of the room: entries and head."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.db.database import Model


class AuditEntry(Model):
    """One act. Database triggers refuse changes and deletions; the hash covers all columns.

    It holds no typed text, so that a lead can be erased and the chain still verifies.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        sa.Index("ix_audit_entries_created_at_id", "created_at", "id"),
        sa.Index("ix_audit_entries_action_created_at_id", "action", "created_at", "id"),
        sa.Index("ix_audit_entries_action_number", "action", "number"),
        sa.Index("ix_audit_entries_actor_id_created_at", "actor_id", "created_at"),
        sa.Index("ix_audit_entries_subject_id_created_at", "subject_id", "created_at"),
    )

    number: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    """1, 2, 3, … without a gap."""
    actor_kind: Mapped[str] = mapped_column(sa.String(20))
    """`user`, `operator` (a command), `system`, or `anybody` (not signed in)."""
    actor_id: Mapped[uuid.UUID | None] = mapped_column()
    action: Mapped[str] = mapped_column(sa.String(60))
    subject_kind: Mapped[str] = mapped_column(sa.String(20))
    subject_id: Mapped[uuid.UUID | None] = mapped_column()
    via: Mapped[str] = mapped_column(sa.String(60))
    """`session:ID`, `token:ID`, `command`, `worker` or `public`."""
    origin: Mapped[str] = mapped_column(sa.String(80))
    """Client address, or `operator:LOGIN`."""
    detail: Mapped[str] = mapped_column(sa.Text)
    """JSON object of machine words: roles, counts, filter names."""
    key_id: Mapped[str] = mapped_column(sa.String(16))
    """Key of the hash."""
    hash: Mapped[str] = mapped_column(sa.String(64))
    """HMAC-SHA-256 of the previous hash and all columns above."""


class AuditHead(Model):
    """The end of the chain. Appending locks its one row."""

    __tablename__ = "audit_heads"

    number: Mapped[int] = mapped_column(sa.BigInteger)
    hash: Mapped[str] = mapped_column(sa.String(64))
    seal: Mapped[str] = mapped_column(sa.String(64))
    """Keyed hash of both, which detects a truncated trail."""
