"""outbox: what goes first, where answers go, and one index for the claims"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema

revision = "0011"
down_revision = "0010"
oldest_code = "0006"
branch_labels = None
depends_on = None

TABLE = "notifications"
CLAIMS, BEFORE = "ix_notifications_priority_due_at", "ix_notifications_due_at"


def upgrade() -> None:
    """Add the columns and the index, set what waits in its order, drop the index of before."""
    schema.add_column(TABLE, sa.Column("priority", sa.SmallInteger(), server_default="1", nullable=False))
    schema.add_column(TABLE, sa.Column("reply_to", sa.String(length=254), nullable=True))
    # Those that were sent or failed too: one that is sent again by hand is claimed by its priority.
    urgent = sa.text("kind <> 'prospect_confirmation' AND priority <> 0")
    schema.update_in_batches(TABLE, urgent, priority=0)
    schema.create_index(CLAIMS, TABLE, ["priority", "due_at"])
    schema.drop_index(BEFORE, TABLE)


def downgrade() -> None:
    """Drop what was added; everything waits in one row again."""
    schema.create_index(BEFORE, TABLE, ["due_at"])
    schema.drop_index(CLAIMS, TABLE)
    for name in ("reply_to", "priority"):
        schema.drop_column(TABLE, name)
