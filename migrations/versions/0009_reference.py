"""reference: what people say on the telephone in place of the id of a lead

The column stays nullable: processes of the version before go on inserting leads during the upgrade, and
workers give those a reference (leads/backfill.py).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from leadintake.core.db import schema
from leadintake.leads.backfill import give_references

revision = "0009"
down_revision = "0008"
oldest_code = "0006"
branch_labels = None
depends_on = None

INDEX = "uq_leads_reference"


def upgrade() -> None:
    """Add the column, its unique index while it is empty, then the references in batches."""
    schema.add_column("leads", sa.Column("reference", sa.String(length=9), nullable=True))
    schema.create_index(INDEX, "leads", ["reference"], unique=True)
    for ids in schema.batches_of_ids("leads", sa.text("reference IS NULL")):
        give_references(op.get_bind(), ids)


def downgrade() -> None:
    """Drop what was added."""
    schema.drop_index(INDEX, "leads")
    schema.drop_column("leads", "reference")
