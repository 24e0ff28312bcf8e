"""users.timezone, and leads.mailbox: one value for all spellings of a prospect's address

A process of the version before fills no mailbox: a worker does (leads/backfill.py).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from leadintake.core.addresses import normalize_mailbox
from leadintake.core.db import schema
from leadintake.leads.backfill import give_mailboxes

revision = "0022"
down_revision = "0021"
oldest_code = "0006"
branch_labels = None
depends_on = None

INDEX = "ix_leads_mailbox"


def upgrade() -> None:
    """Add the columns, the index while its column is empty, then the mailboxes in batches."""
    schema.add_column("users", sa.Column("timezone", sa.String(length=64), nullable=True))
    schema.add_column("leads", sa.Column("mailbox", sa.String(length=254), nullable=True))
    schema.create_index(INDEX, "leads", ["mailbox"])
    for ids in schema.batches_of_ids("leads", sa.text("mailbox IS NULL")):
        give_mailboxes(op.get_bind(), ids)
    _normalize_suppressions()


def downgrade() -> None:
    """Drop what was added. Suppressed mailboxes stay as they are."""
    schema.drop_index(INDEX, "leads")
    schema.drop_column("leads", "mailbox")
    schema.drop_column("users", "timezone")


def _normalize_suppressions() -> None:
    """Apply the rules that are new: more domains and signs of known providers."""
    table = sa.table("suppressions", sa.column("id", sa.Uuid()), sa.column("mailbox", sa.String()))
    rows = op.get_bind().execute(sa.select(table.c.id, table.c.mailbox)).all()
    stored = {row.mailbox for row in rows}
    for row in rows:
        mailbox = normalize_mailbox(row.mailbox)
        if mailbox == row.mailbox:
            continue
        if mailbox in stored:
            op.execute(sa.delete(table).where(table.c.id == row.id))
        else:
            op.execute(sa.update(table).where(table.c.id == row.id).values(mailbox=mailbox))
            stored.add(mailbox)
