"""outbox: by which channel a message leaves, and what it carries where that is no mail

A worker of the version before takes every message for a mail. So connect what enqueues others once the last
such worker is gone.
"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema

revision = "0017"
down_revision = "0016"
oldest_code = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. What older code inserts is mail."""
    channel = sa.Column("channel", sa.String(length=20), server_default="mail", nullable=False)
    schema.add_column("notifications", channel)
    schema.add_column("notifications", sa.Column("payload", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    schema.drop_column("notifications", "payload")
    schema.drop_column("notifications", "channel")
