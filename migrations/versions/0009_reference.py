"""reference: what people say on the telephone in place of the id of a lead

The column stays nullable: processes of the version before go on inserting leads during the upgrade, and
workers give those a reference (leads/backfill.py).
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

from leadintake.core import schema
from leadintake.leads.backfill import BATCH, LEADS, WITHOUT, give_references

revision = "0009"
down_revision = "0008"
oldest_code = "0006"
branch_labels = None
depends_on = None

INDEX = "uq_leads_reference"


def upgrade() -> None:
    """Add the column, its unique index while it is empty, then the references in batches."""
    schema.add_column("leads", sa.Column("reference", sa.String(length=9), nullable=True))
    schema.create_index(INDEX, "leads", ["reference"], unique=True)
    _fill()


def _fill() -> None:
    """Walk the leads by id, a batch a transaction: no lead is locked for longer than one takes."""
    connection = op.get_bind()
    last = uuid.UUID(int=0)
    while True:
        following = WITHOUT.where(LEADS.c.id > last).order_by(LEADS.c.id).limit(BATCH)
        ids = connection.scalars(following).all()
        if not ids:
            return
        give_references(connection, ids)
        _commit(connection)
        last = ids[-1]


def _commit(connection: sa.Connection) -> None:
    """Commit below Alembic, whose transaction is open until the migration ends."""
    connection.exec_driver_sql("COMMIT")
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def downgrade() -> None:
    """Drop what was added."""
    schema.drop_index(INDEX, "leads")
    schema.drop_column("leads", "reference")
