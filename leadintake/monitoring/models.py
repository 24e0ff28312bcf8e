"""The table of incidents."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.db.database import Model


class Incident(Model):
    """An incident, until all receivers know that it is resolved."""

    __tablename__ = "incidents"

    cause: Mapped[str] = mapped_column(sa.String(40), unique=True)
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    severity: Mapped[str] = mapped_column(sa.String(20))
    sentence: Mapped[str] = mapped_column(sa.String(500))
    changes: Mapped[int]
    """Number of openings, escalations and resolutions; each is one event with its own id."""
    told: Mapped[str] = mapped_column(sa.String(500))
    """JSON: the last change that each receiver accepted."""
    wrong_by: Mapped[str | None] = mapped_column(sa.Text)
    """JSON: time of the last problem found by each watchdog, in seconds since 1970."""
    leased_until: Mapped[datetime | None]
    """End of the lease of the watchdog that informs the receivers."""
