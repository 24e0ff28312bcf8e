"""The table of the room."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.database import Model, SoftDeletes
from leadintake.documents.inspection.findings import WARNINGS, Flag

THIS = "this"


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
    storage: Mapped[str | None] = mapped_column(sa.String(500))
    """URL of the storage that `flask storage migrate` moved its file to. None: the one STORAGE_URL names."""

    @property
    def warnings(self) -> list[str]:
        """What whoever opens it should know, in sentences."""
        return [WARNINGS[Flag(name)] for name in self.flags.split(",") if name]

    @property
    def may_be_shown(self) -> bool:
        """Whether showing it does no more than that, as far as we know."""
        return not self.flags


class Installation(Model):
    """The one row that says whose database this is, and what workers found at its storage."""

    __tablename__ = "installations"

    name: Mapped[str] = mapped_column(sa.String(20), unique=True)
    """Always THIS, so that there is one row."""
    epoch: Mapped[int] = mapped_column(default=0)
    """Raised every few minutes, then written to the storage: see ownership.py."""
    renewed_at: Mapped[datetime | None] = mapped_column()
    storage_problem: Mapped[str] = mapped_column(sa.String(500), default="")
    """Why nothing may be removed from the storage; empty where it is ours."""
    sweep_refusal: Mapped[str] = mapped_column(sa.String(500), default="")
    """Why the last sweep removed nothing; empty where it did its work."""
    sweep_refused_at: Mapped[datetime | None] = mapped_column()
    sweeps_refused: Mapped[int] = mapped_column(default=0)


class KnownStorage(Model):
    """A storage that this installation uses or used: a file that is out of place is looked for there."""

    __tablename__ = "storages"

    url: Mapped[str] = mapped_column(sa.String(500), unique=True)
