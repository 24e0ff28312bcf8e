"""replies to prospects, and their templates with those that every firm begins with"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema
from leadintake.core.db.types import UTCDateTime
from leadintake.leads.replies.builtin import BUILT_IN

revision = "0024"
down_revision = "0023"
oldest_code = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables, and the templates."""
    schema.create_table(
        "reply_templates",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(length=150), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
    )
    for template in BUILT_IN:
        schema.insert_row("reply_templates", "name", **template._asdict())
    schema.create_table(
        "replies",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.String(length=254), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.String(length=150), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("send_at", UTCDateTime(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("copy_id", sa.Uuid(), nullable=True),
        sa.Column("marked_reached", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_replies_lead_id"),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_replies_author_id"),
        sa.ForeignKeyConstraint(["template_id"], ["reply_templates.id"], name="fk_replies_template_id"),
        sa.ForeignKeyConstraint(["message_id"], ["notifications.id"], name="fk_replies_message_id"),
        sa.ForeignKeyConstraint(["copy_id"], ["notifications.id"], name="fk_replies_copy_id"),
        sa.UniqueConstraint("message_id", name="uq_replies_message_id"),
    )
    schema.create_index("ix_replies_lead_id", "replies", ["lead_id"])


def downgrade() -> None:
    """Drop both tables."""
    schema.drop_table("replies")
    schema.drop_table("reply_templates")
