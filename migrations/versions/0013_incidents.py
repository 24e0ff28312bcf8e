"""incidents: what is wrong now, one row a cause; indexes of what has not left, and of what never will"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from leadintake.core.types import UTCDateTime

revision = "0013"
down_revision = "0006"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_notifications_unsent": (["kind", "due_at"], "due_at IS NOT NULL"),
    "ix_notifications_failed": (["status", "updated_at"], "status = 'failed'"),
}


def upgrade() -> None:
    """Add the table and the indexes, each unless it is there."""
    if not _inspector().has_table("incidents"):
        op.create_table(
            "incidents",
            sa.Column("cause", sa.String(length=40), nullable=False),
            sa.Column("opened_at", UTCDateTime(), nullable=False),
            sa.Column("resolved_at", UTCDateTime(), nullable=True),
            sa.Column("severity", sa.String(length=20), nullable=False),
            sa.Column("sentence", sa.String(length=500), nullable=False),
            sa.Column("changes", sa.Integer(), nullable=False),
            sa.Column("told", sa.String(length=500), nullable=False),
            sa.Column("leased_until", UTCDateTime(), nullable=True),
            sa.Column("id", sa.Uuid(), nullable=False),
            sa.Column("created_at", UTCDateTime(), nullable=False),
            sa.Column("updated_at", UTCDateTime(), nullable=False),
            sa.PrimaryKeyConstraint("id", name="pk_incidents"),
            sa.UniqueConstraint("cause", name="uq_incidents_cause"),
            mysql_charset="utf8mb4",
            mysql_collate="utf8mb4_bin",
        )
    for name, (columns, which) in INDEXES.items():
        if name not in _indexes():
            some: dict[str, Any] = {"postgresql_where": sa.text(which), "sqlite_where": sa.text(which)}
            op.create_index(name, "notifications", columns, **some)


def downgrade() -> None:
    """Drop what was added, each unless it is gone."""
    for name in INDEXES:
        if name in _indexes():
            op.drop_index(name, table_name="notifications")
    if _inspector().has_table("incidents"):
        op.drop_table("incidents")


def _inspector() -> sa.Inspector:
    return sa.inspect(op.get_bind())


def _indexes() -> set[str | None]:
    return {index["name"] for index in _inspector().get_indexes("notifications")}
