"""outbox: the request and the trace that a message began with"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema

revision = "0012"
down_revision = "0011"
oldest_code = "0006"
branch_labels = None
depends_on = None

TABLE = "notifications"
LENGTHS = {"request_id": 64, "traceparent": 55}


def upgrade() -> None:
    """Add the columns."""
    for name, length in LENGTHS.items():
        schema.add_column(TABLE, sa.Column(name, sa.String(length=length), nullable=True))


def downgrade() -> None:
    """Drop them."""
    for name in LENGTHS:
        schema.drop_column(TABLE, name)
