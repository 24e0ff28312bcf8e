"""whose fault a refusal is: why mail does not leave, and since when"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema
from leadintake.core.db.types import UTCDateTime

revision = "0010"
down_revision = "0009"
oldest_code = "0006"
branch_labels = None
depends_on = None

TABLE = "channel_faults"


def upgrade() -> None:
    """Add the table."""
    schema.create_table(
        TABLE,
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("tried_at", UTCDateTime(), nullable=False),
        sa.Column("tried_id", sa.Uuid(), nullable=True),
        sa.UniqueConstraint("scope", name="uq_channel_faults_scope"),
    )


def downgrade() -> None:
    """Drop it: the next refusal is judged as it was before."""
    schema.drop_table(TABLE)
