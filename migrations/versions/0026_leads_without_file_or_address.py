"""leads.source, and leads without resume or e-mail address

Such leads are entered by staff. A process of the version before does not list them (it joins the resume),
and its worker sends no alert of them: enter the first one when all processes are new.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from leadintake.core.db import schema

revision = "0026"
down_revision = "0025"
oldest_code = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the source, and let a lead be without a resume. A missing address is an empty text."""
    schema.add_column("leads", sa.Column("source", sa.String(40), server_default="form", nullable=False))
    schema.set_nullable("leads", "resume_id")


def downgrade() -> None:
    """Forbid it again. Refuses while a lead has no resume or no address: the version before needs both."""
    leads = sa.table("leads", sa.column("id"), sa.column("resume_id"), sa.column("email"))
    incomplete = (
        sa.select(leads.c.id).where(sa.or_(leads.c.resume_id.is_(None), leads.c.email == "")).limit(1)
    )
    if op.get_bind().execute(incomplete).first() is not None:
        raise RuntimeError("Some leads have no resume or no e-mail address, which the version before needs.")
    schema.set_nullable("leads", "resume_id", nullable=False)
    schema.drop_column("leads", "source")
