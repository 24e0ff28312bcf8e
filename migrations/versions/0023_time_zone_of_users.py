"""users.timezone: the time zone that a user chose for the desk; NULL is the firm's"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema

revision = "0023"
down_revision = "0021"
oldest_code = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    schema.add_column("users", sa.Column("timezone", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Drop it."""
    schema.drop_column("users", "timezone")
