"""promises: what was found in a document, and who wants no mail"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from leadintake.core.types import UTCDateTime, new_id

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LOCKS = sa.table(
    "locks",
    sa.column("id", sa.Uuid()),
    sa.column("name", sa.String()),
    sa.column("created_at", UTCDateTime()),
    sa.column("updated_at", UTCDateTime()),
)


def upgrade() -> None:
    """Add what is kept since."""
    _add_flags()
    _add_mailboxes()
    _add_readiness()


def _add_flags() -> None:
    # With a default of the database: processes of the version before go on inserting during the upgrade.
    op.add_column("documents", sa.Column("flags", sa.String(length=200), server_default="", nullable=False))


def _add_mailboxes() -> None:
    op.add_column(
        "notifications", sa.Column("mailbox", sa.String(length=254), server_default="", nullable=False)
    )
    op.create_index("ix_notifications_mailbox_created_at", "notifications", ["mailbox", "created_at"])
    op.create_table(
        "suppressions",
        sa.Column("mailbox", sa.String(length=254), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_suppressions"),
        sa.UniqueConstraint("mailbox", name="uq_suppressions_mailbox"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )


def _add_readiness() -> None:
    """Add the row that readiness writes to, so that it waits for nobody's work."""
    now = datetime.now(UTC)
    op.bulk_insert(LOCKS, [{"id": new_id(), "name": "readiness", "created_at": now, "updated_at": now}])


def downgrade() -> None:
    """Drop what was added."""
    op.execute(LOCKS.delete().where(LOCKS.c.name == "readiness"))
    op.drop_table("suppressions")
    op.drop_index("ix_notifications_mailbox_created_at", "notifications")
    op.drop_column("notifications", "mailbox")
    op.drop_column("documents", "flags")
