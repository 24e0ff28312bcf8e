"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from leadintake.core.db import schema
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
oldest_code = ${repr(down_revision)}  # up_revision where code of before would fail on the new tables
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
