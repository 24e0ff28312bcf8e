"""decisions.absence_id: what an absence moved, and absences.undone_by: what is to be given back

A process of the version before fills neither: what it moved meanwhile is not given back by "Undo".
"""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.db import schema

revision = "0028"
down_revision = "0027"
oldest_code = "0006"
branch_labels = None
depends_on = None

INDEX = "ix_decisions_absence_id"


def upgrade() -> None:
    """Add the columns, and the index while its column is empty."""
    schema.add_column("absences", sa.Column("undone_by", sa.Uuid(), nullable=True))
    schema.add_column("decisions", sa.Column("absence_id", sa.Uuid(), nullable=True))
    schema.create_index(INDEX, "decisions", ["absence_id"], only=sa.text("absence_id IS NOT NULL"))


def downgrade() -> None:
    """Drop what was added."""
    schema.drop_index(INDEX, "decisions")
    schema.drop_column("decisions", "absence_id")
    schema.drop_column("absences", "undone_by")
