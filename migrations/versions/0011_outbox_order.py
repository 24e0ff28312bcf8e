"""outbox: what goes first, where answers go, and one index for the claims"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = "notifications"
CLAIMS, BEFORE = "ix_notifications_priority_due_at", "ix_notifications_due_at"


def upgrade() -> None:
    """Add the columns and the index, set what waits in its order, drop the index of before."""
    if "priority" not in _columns():
        op.add_column(TABLE, sa.Column("priority", sa.SmallInteger(), server_default="1", nullable=False))
    if "reply_to" not in _columns():
        op.add_column(TABLE, sa.Column("reply_to", sa.String(length=254), nullable=True))
    rows = sa.table(TABLE, sa.column("priority"), sa.column("kind"))
    # Those that were sent or failed too: one that is sent again by hand is claimed by its priority.
    urgent = sa.update(rows).where(rows.c.kind != "prospect_confirmation", rows.c.priority != 0)
    op.execute(urgent.values(priority=0))
    if CLAIMS not in _indexes():
        op.create_index(CLAIMS, TABLE, ["priority", "due_at"])
    if BEFORE in _indexes():
        op.drop_index(BEFORE, table_name=TABLE)


def downgrade() -> None:
    """Drop what was added; everything waits in one row again."""
    if BEFORE not in _indexes():
        op.create_index(BEFORE, TABLE, ["due_at"])
    if CLAIMS in _indexes():
        op.drop_index(CLAIMS, table_name=TABLE)
    for name in ("reply_to", "priority"):
        if name in _columns():
            op.drop_column(TABLE, name)


def _columns() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(TABLE)}


def _indexes() -> set[str | None]:
    return {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(TABLE)}
