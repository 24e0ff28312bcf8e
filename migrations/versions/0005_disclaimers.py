"""disclaimers: each text that was shown, once, and the version each prospect saw"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from leadintake.core.db import schema

revision = "0005"
down_revision = "0004"
oldest_code = "0004"
branch_labels = None
depends_on = None

LONG = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    """Add the texts and the version beside each lead."""
    schema.create_table(
        "disclaimers",
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("text", LONG, nullable=False),
        sa.UniqueConstraint("version", name="uq_disclaimers_version"),
    )
    schema.add_column("leads", sa.Column("disclaimer_version", sa.String(length=12), nullable=True))


def downgrade() -> None:
    """Drop what was added."""
    schema.drop_column("leads", "disclaimer_version")
    schema.drop_table("disclaimers")
