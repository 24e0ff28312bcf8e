"""gate: what stands between a lead and everybody's lists, said by one column

A process of the version before neither writes nor reads the column: what it puts into quarantine or releases
is recognized by `quarantined_at` until a worker puts the gate right (leads/backfill.py). The index of the
version before stays for that.
"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema

revision = "0016"
down_revision = "0015"
oldest_code = "0006"
branch_labels = None
depends_on = None

INDEX = "ix_leads_gate"


def upgrade() -> None:
    """Add the column, fill it in batches, and add the index that the list and the count walk."""
    schema.add_column("leads", sa.Column("gate", sa.String(length=40), server_default="open", nullable=False))
    held = sa.text("quarantined_at IS NOT NULL AND gate = 'open'")
    schema.update_in_batches("leads", held, gate="quarantine")
    only = sa.text("gate = 'quarantine'")
    schema.create_index(INDEX, "leads", ["gate", "quarantined_at", "id"], only=only)


def downgrade() -> None:
    """Drop what was added."""
    schema.drop_index(INDEX, "leads")
    schema.drop_column("leads", "gate")
