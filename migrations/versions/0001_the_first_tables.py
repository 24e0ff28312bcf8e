"""the first tables"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from leadintake.core.types import UTCDateTime, new_id

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


AS_WRITTEN: Any = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
"""MariaDB and MySQL would otherwise take josé for jose."""


def _key_and_times() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
    ]


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "documents",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
        *_key_and_times(),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.UniqueConstraint("key", name="uq_documents_key"),
        **AS_WRITTEN,
    )
    op.create_table(
        "locks",
        sa.Column("name", sa.String(length=40), nullable=False),
        *_key_and_times(),
        sa.PrimaryKeyConstraint("id", name="pk_locks"),
        sa.UniqueConstraint("name", name="uq_locks_name"),
        **AS_WRITTEN,
    )
    _make_locks()
    op.create_table(
        "users",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("can_intake", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
        *_key_and_times(),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        **AS_WRITTEN,
    )
    op.create_table(
        "worker_beats",
        sa.Column("worker", sa.String(length=80), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        *_key_and_times(),
        sa.PrimaryKeyConstraint("id", name="pk_worker_beats"),
        sa.UniqueConstraint("worker", name="uq_worker_beats_worker"),
        **AS_WRITTEN,
    )
    op.create_index("ix_worker_beats_seen_at", "worker_beats", ["seen_at"])

    op.create_table(
        "leads",
        sa.Column("first_name", sa.String(length=100), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("practice_area", sa.String(length=100), nullable=True),
        sa.Column("language", sa.String(length=100), nullable=True),
        sa.Column("searchable", sa.String(length=1000), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("resume_id", sa.Uuid(), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("assignment_strategy", sa.String(length=40), nullable=False),
        sa.Column("assignment_reason", sa.String(length=500), nullable=False),
        sa.Column("assigned_at", UTCDateTime(), nullable=False),
        sa.Column("submission_key", sa.String(length=64), nullable=True),
        sa.Column("submission_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
        *_key_and_times(),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name="fk_leads_assignee_id"),
        sa.ForeignKeyConstraint(["resume_id"], ["documents.id"], name="fk_leads_resume_id"),
        sa.PrimaryKeyConstraint("id", name="pk_leads"),
        sa.UniqueConstraint("resume_id", name="uq_leads_resume_id"),
        sa.UniqueConstraint("submission_key", name="uq_leads_submission_key"),
        **AS_WRITTEN,
    )
    op.create_index("ix_leads_assignee_id_status", "leads", ["assignee_id", "status", "deleted_at"])
    op.create_index("ix_leads_created_at_id", "leads", ["created_at", "id"])
    op.create_index("ix_leads_email_id", "leads", ["email", "id"])
    op.create_index("ix_leads_last_name_id", "leads", ["last_name", "id"])
    op.create_index("ix_leads_status_created_at_id", "leads", ["status", "created_at", "id"])
    op.create_index("ix_leads_status_id", "leads", ["status", "id"])
    op.create_index("ix_leads_updated_at_id", "leads", ["updated_at", "id"])

    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("last_seen_at", UTCDateTime(), nullable=False),
        *_key_and_times(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
        **AS_WRITTEN,
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])

    op.create_table(
        "turns",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        *_key_and_times(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_turns_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_turns"),
        sa.UniqueConstraint("user_id", name="uq_turns_user_id"),
        **AS_WRITTEN,
    )
    op.create_table(
        "lead_events",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
        *_key_and_times(),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_lead_events_lead_id"),
        sa.PrimaryKeyConstraint("id", name="pk_lead_events"),
        **AS_WRITTEN,
    )
    op.create_index("ix_lead_events_lead_id", "lead_events", ["lead_id"])

    op.create_table(
        "notifications",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.Column("owed_since", UTCDateTime(), nullable=False),
        sa.Column("claimed_by", sa.String(length=80), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
        *_key_and_times(),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_notifications_lead_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
        **AS_WRITTEN,
    )
    op.create_index("ix_notifications_due_at", "notifications", ["due_at"])
    op.create_index("ix_notifications_lead_id", "notifications", ["lead_id"])

    op.create_table(
        "delivery_attempts",
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reply", sa.String(length=500), nullable=False),
        *_key_and_times(),
        sa.ForeignKeyConstraint(
            ["notification_id"], ["notifications.id"], name="fk_delivery_attempts_notification_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_attempts"),
        **AS_WRITTEN,
    )
    op.create_index("ix_delivery_attempts_notification_id", "delivery_attempts", ["notification_id"])


def _make_locks() -> None:
    now = datetime.now(UTC)
    locks = sa.table(
        "locks",
        sa.column("id", sa.Uuid()),
        sa.column("name", sa.String()),
        sa.column("created_at", UTCDateTime()),
        sa.column("updated_at", UTCDateTime()),
    )
    row = {"id": new_id(), "name": "assignment", "created_at": now, "updated_at": now}
    op.bulk_insert(locks, [row])


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "delivery_attempts", "notifications", "lead_events", "turns", "sessions", "leads",
        "worker_beats", "users", "locks", "documents",
    ):  # fmt: skip
        op.drop_table(table)
