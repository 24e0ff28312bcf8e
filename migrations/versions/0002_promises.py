"""promises: what was found in a document, and who wants no mail"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from leadintake.core.db import schema

revision = "0002"
down_revision = "0001"
oldest_code = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is kept since."""
    _add_flags()
    _add_mailboxes()
    _add_readiness()


def _add_flags() -> None:
    # With a default of the database: processes of the version before go on inserting during the upgrade.
    schema.add_column(
        "documents", sa.Column("flags", sa.String(length=200), server_default="", nullable=False)
    )


def _add_mailboxes() -> None:
    schema.add_column(
        "notifications", sa.Column("mailbox", sa.String(length=254), server_default="", nullable=False)
    )
    schema.create_index("ix_notifications_mailbox_created_at", "notifications", ["mailbox", "created_at"])
    schema.create_table(
        "suppressions",
        sa.Column("mailbox", sa.String(length=254), nullable=False),
        sa.UniqueConstraint("mailbox", name="uq_suppressions_mailbox"),
    )


def _add_readiness() -> None:
    """Add the row that readiness writes to, so that it waits for nobody's work."""
    schema.insert_row("locks", "name", name="readiness")


def downgrade() -> None:
    """Drop what was added."""
    op.execute("DELETE FROM locks WHERE name = 'readiness'")
    schema.drop_table("suppressions")
    schema.drop_index("ix_notifications_mailbox_created_at", "notifications")
    schema.drop_column("notifications", "mailbox")
    schema.drop_column("documents", "flags")
