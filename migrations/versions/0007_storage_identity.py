"""storage identity: the installation's id and epoch, the storages it used, where a document's file lies"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from leadintake.core.types import UTCDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AS_WRITTEN: Any = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Add the two tables and the column. Each step asks first whether it is done: MariaDB commits each."""
    if not _has_table("installations"):
        op.create_table(
            "installations",
            sa.Column("name", sa.String(length=20), nullable=False),
            sa.Column("epoch", sa.Integer(), nullable=False),
            sa.Column("renewed_at", UTCDateTime(), nullable=True),
            sa.Column("storage_problem", sa.String(length=500), nullable=False),
            sa.Column("sweep_refusal", sa.String(length=500), nullable=False),
            sa.Column("sweep_refused_at", UTCDateTime(), nullable=True),
            sa.Column("sweeps_refused", sa.Integer(), nullable=False),
            *_usual("installations"),
            sa.UniqueConstraint("name", name="uq_installations_name"),
            **AS_WRITTEN,
        )
    if not _has_table("storages"):
        op.create_table(
            "storages",
            sa.Column("url", sa.String(length=500), nullable=False),
            *_usual("storages"),
            sa.UniqueConstraint("url", name="uq_storages_url"),
            **AS_WRITTEN,
        )
    if not _has_column("documents", "storage"):
        op.add_column("documents", sa.Column("storage", sa.String(length=500), nullable=True))


def downgrade() -> None:
    """Drop what was added. Files that were moved to another storage have to be moved back before."""
    if _has_column("documents", "storage"):
        op.drop_column("documents", "storage")
    for table in ("storages", "installations"):
        if _has_table(table):
            op.drop_table(table)


def _usual(table: str) -> list[Any]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    ]


def _has_table(name: str) -> bool:
    return sa.inspect(op.get_bind()).has_table(name)


def _has_column(table: str, name: str) -> bool:
    return name in {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
