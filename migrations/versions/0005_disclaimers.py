"""disclaimers: each text that was shown, once, and the version each prospect saw"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from leadintake.core.types import UTCDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AS_WRITTEN: Any = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
LONG = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    """Add the texts and the version beside each lead."""
    op.create_table(
        "disclaimers",
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("text", LONG, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_disclaimers"),
        sa.UniqueConstraint("version", name="uq_disclaimers_version"),
        **AS_WRITTEN,
    )
    op.add_column("leads", sa.Column("disclaimer_version", sa.String(length=12), nullable=True))


def downgrade() -> None:
    """Drop what was added."""
    op.drop_column("leads", "disclaimer_version")
    op.drop_table("disclaimers")
