"""reference: what people say on the telephone in place of the id of a lead

The column stays nullable: processes of the version before go on inserting leads during the upgrade, and
workers give those a reference (leads/backfill.py). Every step asks whether it is done, so that a migration
that was killed can be run again.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

from leadintake.leads.backfill import BATCH, LEADS, WITHOUT, give_references

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None

INDEX = "uq_leads_reference"


def upgrade() -> None:
    """Add the column, its unique index while it is empty, then the references in batches."""
    if "reference" not in _columns():
        op.add_column("leads", sa.Column("reference", sa.String(length=9), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        _add_index_concurrently()
    elif INDEX not in _indexes():
        op.create_index(INDEX, "leads", ["reference"], unique=True)
    _fill()


def _columns() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns("leads")}


def _indexes() -> set[str | None]:
    return {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("leads")}


def _add_index_concurrently() -> None:
    """Build it while leads arrive. What a build that was killed leaves is there, but not valid."""
    valid = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    with op.get_context().autocommit_block():
        if op.get_bind().scalar(valid, {"name": INDEX}) is not True:
            op.drop_index(INDEX, "leads", postgresql_concurrently=True, if_exists=True)
            op.create_index(INDEX, "leads", ["reference"], unique=True, postgresql_concurrently=True)


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
    if INDEX in _indexes():
        op.drop_index(INDEX, "leads")
    if "reference" in _columns():
        op.drop_column("leads", "reference")
