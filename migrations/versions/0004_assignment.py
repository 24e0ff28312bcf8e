"""assignment: absences, rotations, every decision, who declined what, when prospects were reached"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from leadintake.core.db import schema
from leadintake.core.db.types import UTCDateTime

revision = "0004"
down_revision = "0003"
oldest_code = "0003"
branch_labels = None
depends_on = None

LONG = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
NEW = ("declines", "decisions", "absences", "rotations")


def upgrade() -> None:
    """Add what is kept since."""
    schema.create_table(
        "rotations",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("credits", LONG, nullable=False),
        sa.UniqueConstraint("name", name="uq_rotations_name"),
    )
    schema.create_table(
        "absences",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("substitute_id", sa.Uuid(), nullable=True),
        sa.Column("deleted_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_absences_user_id"),
        sa.ForeignKeyConstraint(["substitute_id"], ["users.id"], name="fk_absences_substitute_id"),
    )
    schema.create_index("ix_absences_user_id", "absences", ["user_id"])
    schema.create_table(
        "decisions",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("strategy", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("policy", sa.String(length=16), nullable=False),
        sa.Column("record", LONG, nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_decisions_lead_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_decisions_user_id"),
    )
    schema.create_index("ix_decisions_lead_id", "decisions", ["lead_id"])
    schema.create_index("ix_decisions_user_id_created_at", "decisions", ["user_id", "created_at"])
    schema.create_table(
        "declines",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_declines_lead_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_declines_user_id"),
        sa.UniqueConstraint("lead_id", "user_id", name="uq_declines_lead_id_user_id"),
    )
    schema.create_index("ix_declines_user_id", "declines", ["user_id"])
    schema.add_column("leads", sa.Column("reached_at", UTCDateTime(), nullable=True))
    when = sa.text(
        "(SELECT MAX(lead_events.at) FROM lead_events "
        "WHERE lead_events.lead_id = leads.id AND lead_events.action = 'reached_out')"
    )
    schema.update_in_batches("leads", sa.text("status = 'REACHED_OUT'"), reached_at=when)
    schema.create_index("ix_leads_assignee_id_assigned_at", "leads", ["assignee_id", "assigned_at"])


def downgrade() -> None:
    """Drop what was added."""
    # MySQL needs an index that begins with the assignee for its foreign key; another one stays.
    schema.drop_index("ix_leads_assignee_id_assigned_at", "leads")
    schema.drop_column("leads", "reached_at")
    for table in NEW:
        schema.drop_table(table)
