"""The table of the room."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.database import Model, SoftDeletes
from leadintake.documents.inspection.findings import WARNINGS, Flag


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
    flags: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")
    """What its inspection found: values of Flag, sorted, with commas between them."""

    @property
    def warnings(self) -> list[str]:
        """What whoever opens it should know, in sentences."""
        return [WARNINGS[Flag(name)] for name in self.flags.split(",") if name]

    @property
    def may_be_shown(self) -> bool:
        """Whether showing it does no more than that, as far as we know."""
        return not self.flags
