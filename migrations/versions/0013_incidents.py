"""incidents: what is wrong now, one row a cause; indexes of what has not left, and of what never will"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema
from leadintake.core.db.types import UTCDateTime

revision = "0013"
down_revision = "0012"
oldest_code = "0006"
branch_labels = None
depends_on = None

UNSENT, FAILED = "ix_notifications_unsent", "ix_notifications_failed"


def upgrade() -> None:
    """Add the table and the indexes."""
    schema.create_table(
        "incidents",
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("resolved_at", UTCDateTime(), nullable=True),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("sentence", sa.String(length=500), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("told", sa.String(length=500), nullable=False),
        sa.Column("leased_until", UTCDateTime(), nullable=True),
        sa.UniqueConstraint("cause", name="uq_incidents_cause"),
    )
    unsent, failed = sa.text("due_at IS NOT NULL"), sa.text("status = 'failed'")
    schema.create_index(UNSENT, "notifications", ["kind", "due_at"], only=unsent)
    schema.create_index(FAILED, "notifications", ["status", "updated_at"], only=failed)


def downgrade() -> None:
    """Drop what was added."""
    schema.drop_index(FAILED, "notifications")
    schema.drop_index(UNSENT, "notifications")
    schema.drop_table("incidents")
