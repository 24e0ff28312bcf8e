"""outbox: the request and the trace that a message began with"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = "notifications"
LENGTHS = {"request_id": 64, "traceparent": 55}


def upgrade() -> None:
    """Add the columns."""
    there = _columns()
    for name, length in LENGTHS.items():
        if name not in there:
            op.add_column(TABLE, sa.Column(name, sa.String(length=length), nullable=True))


def downgrade() -> None:
    """Drop them."""
    there = _columns()
    for name in LENGTHS:
        if name in there:
            op.drop_column(TABLE, name)


def _columns() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(TABLE)}
