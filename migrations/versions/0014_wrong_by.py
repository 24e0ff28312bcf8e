"""incidents: which watchdogs find the cause wrong, and when each did last"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema

revision = "0014"
down_revision = "0013"
oldest_code = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. What older code inserts has none, and is resolved by whoever finds the cause right."""
    schema.add_column("incidents", sa.Column("wrong_by", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    schema.drop_column("incidents", "wrong_by")
