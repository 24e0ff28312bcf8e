"""quarantine: since when a lead is in it, and why; the language its prospect is thanked in afterwards"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema
from leadintake.core.db.types import UTCDateTime

revision = "0006"
down_revision = "0005"
oldest_code = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and the index that the list and the count walk."""
    schema.add_column("leads", sa.Column("quarantined_at", UTCDateTime(), nullable=True))
    schema.add_column("leads", sa.Column("quarantine_reason", sa.String(length=500), nullable=True))
    schema.add_column("leads", sa.Column("spoken", sa.String(length=12), server_default="en", nullable=False))
    schema.create_index("ix_leads_in_quarantine", "leads", ["assignment_strategy", "quarantined_at", "id"])


def downgrade() -> None:
    """Drop what was added."""
    schema.drop_index("ix_leads_in_quarantine", "leads")
    schema.drop_column("leads", "spoken")
    schema.drop_column("leads", "quarantine_reason")
    schema.drop_column("leads", "quarantined_at")
