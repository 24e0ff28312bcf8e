"""The table of the room."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.database import Model, SoftDeletes


class Document(SoftDeletes, Model):
    """A file somebody sent, as it was sent."""

    __tablename__ = "documents"

    key: Mapped[str] = mapped_column(sa.String(80), unique=True)
    """Its name in the storage: made by us, from the id."""
    filename: Mapped[str] = mapped_column(sa.String(255))
    """The name its sender gave it: text to show, never a path."""
    content_type: Mapped[str] = mapped_column(sa.String(100))
    size: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[str] = mapped_column(sa.String(64))
