"""The table of the room."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.database import Model


class Turn(Model):
    """When somebody last had a lead assigned, counted in assignments: no clock can reorder it."""

    __tablename__ = "turns"

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), unique=True)
    number: Mapped[int] = mapped_column(sa.BigInteger)
