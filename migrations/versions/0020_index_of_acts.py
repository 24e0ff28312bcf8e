"""index of audit entries by what was done, in the order of the list"""

from __future__ import annotations

from leadintake.core.db import schema

revision = "0020"
down_revision = "0019"
oldest_code = "0006"
branch_labels = None
depends_on = None

ADDED = ("ix_audit_entries_action_created_at_id", "audit_entries", ["action", "created_at", "id"])


def upgrade() -> None:
    """Add it."""
    schema.create_index(*ADDED)


def downgrade() -> None:
    """Drop it."""
    schema.drop_index(ADDED[0], ADDED[1])
