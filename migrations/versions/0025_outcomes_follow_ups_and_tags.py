"""outcome, next step and tags of a lead, and the indexes of open leads with the outcome

A process of the version before fills none of the columns and counts leads with an outcome as open: the chore
`lead_counts` corrects that.
"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema
from leadintake.core.db.types import UTCDateTime

revision = "0025"
down_revision = "0024"
oldest_code = "0006"
branch_labels = None
depends_on = None

COLUMNS = (
    ("outcome", sa.String(length=40)),
    ("outcome_note", sa.String(length=500)),
    ("outcome_at", UTCDateTime()),
    ("follow_up_at", UTCDateTime()),
    ("follow_up_note", sa.String(length=500)),
    ("follow_up_reminded_at", UTCDateTime()),
    ("tags", sa.String(length=410)),
)
OWN = ["assignee_id", "status", "created_at", "id", "deleted_at"]
WAITING = ["assignee_id", "status", "gate", "deleted_at", "quarantined_at", "assigned_at", "id"]
UNASSIGNED = "assignee_id IS NULL"
ADDED = (
    ("ix_leads_assignee_id_status_open", [*OWN, "outcome"], None),
    ("ix_leads_waiting_open", [*WAITING, "outcome"], UNASSIGNED),
    ("ix_leads_practice_area", ["practice_area", "created_at", "id"], None),
    ("ix_leads_language", ["language", "created_at", "id"], None),
    ("ix_leads_outcome", ["outcome", "created_at", "id"], "outcome IS NOT NULL"),
    ("ix_leads_assignee_id_outcome", ["assignee_id", "outcome", "created_at", "id"], "outcome IS NOT NULL"),
    ("ix_leads_follow_up", ["follow_up_reminded_at", "follow_up_at", "id"], "follow_up_at IS NOT NULL"),
)
REPLACED = (
    ("ix_leads_assignee_id_status_created_at_id", OWN, None),
    ("ix_leads_waiting", WAITING, UNASSIGNED),
)


def upgrade() -> None:
    """Add the columns and the table, and the new indexes before the old ones are dropped."""
    for name, kind in COLUMNS:
        schema.add_column("leads", sa.Column(name, kind, nullable=True))
    schema.create_table(
        "lead_tags",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.Column("folded", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_lead_tags_lead_id"),
        sa.UniqueConstraint("lead_id", "folded", name="uq_lead_tags_lead_id_folded"),
    )
    schema.create_index("ix_lead_tags_folded_lead_id", "lead_tags", ["folded", "lead_id"])
    for name, columns, only in ADDED:
        schema.create_index(name, "leads", columns, only=sa.text(only) if only else None)
    for name, _, _ in REPLACED:
        schema.drop_index(name, "leads")


def downgrade() -> None:
    """Drop what was added, and build the old indexes first."""
    for name, columns, only in REPLACED:
        schema.create_index(name, "leads", columns, only=sa.text(only) if only else None)
    for name, _, _ in ADDED:
        schema.drop_index(name, "leads")
    schema.drop_table("lead_tags")
    for name, _ in COLUMNS:
        schema.drop_column("leads", name)
