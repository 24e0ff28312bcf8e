"""indexes of lists: of audit entries by what was done, and of somebody's leads in the other orders"""

from __future__ import annotations

from leadintake.core.db import schema

revision = "0020"
down_revision = "0019"
oldest_code = "0006"
branch_labels = None
depends_on = None

ADDED = (
    ("ix_audit_entries_action_created_at_id", "audit_entries", ["action", "created_at", "id"]),
    ("ix_leads_assignee_id_updated_at_id", "leads", ["assignee_id", "updated_at", "id"]),
    ("ix_leads_assignee_id_last_name_id", "leads", ["assignee_id", "last_name", "id"]),
    ("ix_leads_assignee_id_email_id", "leads", ["assignee_id", "email", "id"]),
    ("ix_leads_assignee_id_status_id", "leads", ["assignee_id", "status", "id"]),
)


def upgrade() -> None:
    """Add them."""
    for name, table, columns in ADDED:
        schema.create_index(name, table, columns)


def downgrade() -> None:
    """Drop them."""
    for name, table, _ in ADDED:
        schema.drop_index(name, table)
