"""whose fault a refusal is: why mail does not leave, and since when"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from leadintake.core.types import UTCDateTime

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None

AS_WRITTEN: Any = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
TABLE = "channel_faults"


def upgrade() -> None:
    """Add the table, unless an upgrade that was killed did so already."""
    if sa.inspect(op.get_bind()).has_table(TABLE):
        return
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("tried_at", UTCDateTime(), nullable=False),
        sa.Column("tried_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_channel_faults"),
        sa.UniqueConstraint("scope", name="uq_channel_faults_scope"),
        **AS_WRITTEN,
    )


def downgrade() -> None:
    """Drop what was added: the next refusal is judged as it was before."""
    if sa.inspect(op.get_bind()).has_table(TABLE):
        op.drop_table(TABLE)
