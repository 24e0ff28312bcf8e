"""Table of the room: what is wrong now."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.database import Model


class Incident(Model):
    """Something that is wrong, from the first who noticed it until all who were told know that it is over."""

    __tablename__ = "incidents"

    cause: Mapped[str] = mapped_column(sa.String(40), unique=True)
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    severity: Mapped[str] = mapped_column(sa.String(20))
    sentence: Mapped[str] = mapped_column(sa.String(500))
    changes: Mapped[int]
    """How often it opened and resolved: each change is one event, told under an id of its own."""
    told: Mapped[str] = mapped_column(sa.String(500))
    """JSON: for each receiver the change it knows of."""
    leased_until: Mapped[datetime | None]
    """Until when one watchdog tells the receivers, and the others leave it to that one."""
