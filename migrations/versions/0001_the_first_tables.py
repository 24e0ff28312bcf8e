"""the first tables"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema
from leadintake.core.db.types import UTCDateTime

revision = "0001"
down_revision = None
oldest_code = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    schema.create_table(
        "documents",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
        sa.UniqueConstraint("key", name="uq_documents_key"),
    )
    schema.create_table(
        "locks",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.UniqueConstraint("name", name="uq_locks_name"),
    )
    schema.insert_row("locks", "name", name="assignment")
    schema.create_table(
        "users",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("can_intake", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )
    schema.create_table(
        "worker_beats",
        sa.Column("worker", sa.String(length=80), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.UniqueConstraint("worker", name="uq_worker_beats_worker"),
    )
    schema.create_index("ix_worker_beats_seen_at", "worker_beats", ["seen_at"])

    schema.create_table(
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
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name="fk_leads_assignee_id"),
        sa.ForeignKeyConstraint(["resume_id"], ["documents.id"], name="fk_leads_resume_id"),
        sa.UniqueConstraint("resume_id", name="uq_leads_resume_id"),
        sa.UniqueConstraint("submission_key", name="uq_leads_submission_key"),
    )
    schema.create_index("ix_leads_assignee_id_status", "leads", ["assignee_id", "status", "deleted_at"])
    schema.create_index("ix_leads_created_at_id", "leads", ["created_at", "id"])
    schema.create_index("ix_leads_email_id", "leads", ["email", "id"])
    schema.create_index("ix_leads_last_name_id", "leads", ["last_name", "id"])
    schema.create_index("ix_leads_status_created_at_id", "leads", ["status", "created_at", "id"])
    schema.create_index("ix_leads_status_id", "leads", ["status", "id"])
    schema.create_index("ix_leads_updated_at_id", "leads", ["updated_at", "id"])

    schema.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("last_seen_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id", ondelete="CASCADE"),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
    )
    schema.create_index("ix_sessions_user_id", "sessions", ["user_id"])

    schema.create_table(
        "turns",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_turns_user_id"),
        sa.UniqueConstraint("user_id", name="uq_turns_user_id"),
    )
    schema.create_table(
        "lead_events",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_lead_events_lead_id"),
    )
    schema.create_index("ix_lead_events_lead_id", "lead_events", ["lead_id"])

    schema.create_table(
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
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_notifications_lead_id"),
    )
    schema.create_index("ix_notifications_due_at", "notifications", ["due_at"])
    schema.create_index("ix_notifications_lead_id", "notifications", ["lead_id"])

    schema.create_table(
        "delivery_attempts",
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reply", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["notification_id"], ["notifications.id"], name="fk_delivery_attempts_notification_id"
        ),
    )
    schema.create_index("ix_delivery_attempts_notification_id", "delivery_attempts", ["notification_id"])


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "delivery_attempts", "notifications", "lead_events", "turns", "sessions", "leads",
        "worker_beats", "users", "locks", "documents",
    ):  # fmt: skip
        schema.drop_table(table)
