"""storage identity: the installation's id and epoch, the storages it used, where a document's file lies"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema
from leadintake.core.db.types import UTCDateTime

revision = "0007"
down_revision = "0006"
oldest_code = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two tables and the column."""
    schema.create_table(
        "installations",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("renewed_at", UTCDateTime(), nullable=True),
        sa.Column("storage_problem", sa.String(length=500), nullable=False),
        sa.Column("sweep_refusal", sa.String(length=500), nullable=False),
        sa.Column("sweep_refused_at", UTCDateTime(), nullable=True),
        sa.Column("sweeps_refused", sa.Integer(), nullable=False),
        sa.UniqueConstraint("name", name="uq_installations_name"),
    )
    schema.create_table(
        "storages",
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.UniqueConstraint("url", name="uq_storages_url"),
    )
    schema.add_column("documents", sa.Column("storage", sa.String(length=500), nullable=True))


def downgrade() -> None:
    """Drop what was added. Files that were moved to another storage have to be moved back before."""
    schema.drop_column("documents", "storage")
    schema.drop_table("storages")
    schema.drop_table("installations")
