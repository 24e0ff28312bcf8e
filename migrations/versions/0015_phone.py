"""phone: a telephone number of the lead, and whether it stands there as it was typed

What an older process inserts has neither: no number, which was not asked for.
"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema

revision = "0015"
down_revision = "0014"
oldest_code = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    schema.add_column("leads", sa.Column("phone", sa.String(length=100), nullable=True))
    schema.add_column(
        "leads", sa.Column("phone_as_typed", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    """Drop them."""
    schema.drop_column("leads", "phone_as_typed")
    schema.drop_column("leads", "phone")
