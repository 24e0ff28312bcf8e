"""lead_reads, saved_views, what users choose and what counts as unread, indexes of next steps and sources

A process of the version before inserts users without them: they get every mail, keys act, and leads count as
unread since they became users. For everybody else the leads of today count as read.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from leadintake.core.db import schema
from leadintake.core.db.types import UTCDateTime

revision = "0027"
down_revision = "0026"
oldest_code = "0006"
branch_labels = None
depends_on = None

INDEX = "ix_leads_assignee_id_follow_up_at_id"


def upgrade() -> None:
    """Add the indexes, the columns and the tables."""
    only = sa.text("follow_up_at IS NOT NULL")
    schema.create_index(INDEX, "leads", ["assignee_id", "follow_up_at", "id"], only=only)
    schema.create_index("ix_leads_source", "leads", ["source", "created_at", "id"])
    schema.add_column("users", sa.Column("muted_mails", sa.String(length=200), nullable=True))
    schema.add_column(
        "users", sa.Column("single_keys", sa.Boolean(), server_default=sa.true(), nullable=False)
    )
    schema.add_column("users", sa.Column("unread_since", UTCDateTime(), nullable=True))
    users = sa.table("users", sa.column("unread_since", UTCDateTime()))
    op.execute(sa.update(users).where(users.c.unread_since.is_(None)).values(unread_since=datetime.now(UTC)))
    schema.create_table(
        "lead_reads",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_lead_reads_user_id", ondelete="CASCADE"),
        sa.UniqueConstraint("user_id", "lead_id", name="uq_lead_reads_user_id_lead_id"),
    )
    schema.create_index("ix_lead_reads_lead_id", "lead_reads", ["lead_id"])
    schema.create_table(
        "saved_views",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.String(length=1000), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_saved_views_user_id", ondelete="CASCADE"),
        sa.UniqueConstraint("user_id", "name", name="uq_saved_views_user_id_name"),
    )


def downgrade() -> None:
    """Drop what was added."""
    schema.drop_table("saved_views")
    schema.drop_table("lead_reads")
    schema.drop_column("users", "unread_since")
    schema.drop_column("users", "single_keys")
    schema.drop_column("users", "muted_mails")
    schema.drop_index("ix_leads_source", "leads")
    schema.drop_index(INDEX, "leads")
