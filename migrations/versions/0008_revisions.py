"""revisions: for each migration, the oldest code that may still run"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema

revision = "0008"
down_revision = "0007"
oldest_code = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. `write_oldest_code` fills it, for the migrations before this one too."""
    schema.create_table(
        "schema_revisions",
        sa.Column("revision", sa.String(length=32), nullable=False),
        sa.Column("oldest_code", sa.String(length=32), nullable=False),
        sa.UniqueConstraint("revision", name="uq_schema_revisions_revision"),
    )


def downgrade() -> None:
    """Drop it."""
    schema.drop_table("schema_revisions")
