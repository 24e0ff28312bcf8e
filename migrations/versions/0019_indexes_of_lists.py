"""indexes of lists: of messages, of somebody's leads, and of audit entries by what was done"""

from __future__ import annotations

from leadintake.core.db import schema

revision = "0019"
down_revision = "0018"
oldest_code = "0006"
branch_labels = None
depends_on = None

ADDED = (
    ("ix_notifications_created_at_id", "notifications", ["created_at", "id"]),
    ("ix_notifications_status_created_at_id", "notifications", ["status", "created_at", "id"]),
    ("ix_leads_assignee_id_created_at_id", "leads", ["assignee_id", "created_at", "id"]),
    (
        "ix_leads_assignee_id_status_created_at_id",
        "leads",
        ["assignee_id", "status", "created_at", "id", "deleted_at"],
    ),
    ("ix_audit_entries_action_number", "audit_entries", ["action", "number"]),
)
REPLACED = ("ix_leads_assignee_id_status", "leads", ["assignee_id", "status", "deleted_at"])


def upgrade() -> None:
    """Add them, then drop the one that they replace."""
    for name, table, columns in ADDED:
        schema.create_index(name, table, columns)
    schema.drop_index(REPLACED[0], REPLACED[1])


def downgrade() -> None:
    """Add the one that was replaced, then drop them."""
    schema.create_index(*REPLACED)
    for name, table, _ in ADDED:
        schema.drop_index(name, table)
