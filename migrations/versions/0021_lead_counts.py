"""lead_counts: counters of leads by assignee, updated with each change of a lead

A process of the version before does not write them: a worker corrects that (leads/counting.py). Also an index
of the unassigned lead that came first.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from leadintake.core.db import schema
from leadintake.core.db.types import UTCDateTime

revision = "0021"
down_revision = "0020"
oldest_code = "0006"
branch_labels = None
depends_on = None

UNASSIGNED = uuid.UUID(int=0)
NUMBERS = ("listed", "pending", "waiting", "quarantined")
INDEX = "ix_leads_waiting"
COUNT = """
INSERT INTO lead_counts (id, listed, pending, waiting, quarantined, corrections, created_at, updated_at)
SELECT COALESCE(assignee_id, :nobody), SUM(listed), SUM(listed * pending),
  SUM(CASE WHEN assignee_id IS NULL AND assignment_strategy <> 'manual' THEN listed * pending ELSE 0 END),
  SUM(CASE WHEN gate = 'quarantine' AND quarantined_at IS NOT NULL THEN 1 ELSE 0 END), 0, :now, :now
FROM (
  SELECT assignee_id, assignment_strategy, gate, quarantined_at,
    CASE WHEN gate = 'open' AND quarantined_at IS NULL THEN 1 ELSE 0 END AS listed,
    CASE WHEN status = 'PENDING' THEN 1 ELSE 0 END AS pending
  FROM leads WHERE deleted_at IS NULL
) AS counted
GROUP BY assignee_id
"""


def upgrade() -> None:
    """Add the index and the table, and count. Run again, it counts again."""
    columns = ["assignee_id", "status", "gate", "deleted_at", "quarantined_at", "assigned_at", "id"]
    schema.create_index(INDEX, "leads", columns, only=sa.text("assignee_id IS NULL"))
    numbers = (sa.Column(name, sa.Integer(), nullable=False) for name in (*NUMBERS, "corrections"))
    schema.create_table("lead_counts", *numbers)
    op.execute("DELETE FROM lead_counts")
    count = sa.text(COUNT).bindparams(
        sa.bindparam("nobody", UNASSIGNED, sa.Uuid()), sa.bindparam("now", datetime.now(UTC), UTCDateTime())
    )
    op.execute(count)
    schema.insert_row("lead_counts", "id", id=UNASSIGNED, **dict.fromkeys((*NUMBERS, "corrections"), 0))


def downgrade() -> None:
    """Drop what was added."""
    schema.drop_table("lead_counts")
    schema.drop_index(INDEX, "leads")
