"""Tables of documents and storages."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.db.database import Model, SoftDeletes
from leadintake.documents.inspection import PHOTO_TYPES, VIEWABLE_TYPES
from leadintake.documents.inspection.findings import WARNINGS, Flag

THIS = "this"


class Document(SoftDeletes, Model):
    """Uploaded file, unchanged."""

    __tablename__ = "documents"

    key: Mapped[str] = mapped_column(sa.String(80), unique=True)
    """Name in the storage, made from the id."""
    filename: Mapped[str] = mapped_column(sa.String(255))
    """Name given by the sender: text to show, never a path."""
    content_type: Mapped[str] = mapped_column(sa.String(100))
    size: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    flags: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")
    """Findings of the inspection: values of Flag, sorted, joined by commas."""
    storage: Mapped[str | None] = mapped_column(sa.String(500))
    """URL of the storage to which `flask storage migrate` moved the file; None: STORAGE_URL."""

    @property
    def warnings(self) -> list[str]:
        """Warnings for the reader."""
        return list_warnings(self.flags)

    @property
    def may_be_shown(self) -> bool:
        """Whether there is no warning."""
        return not self.flags

    @property
    def is_photo(self) -> bool:
        """Whether it is a photograph."""
        return self.content_type in PHOTO_TYPES

    @property
    def is_viewable(self) -> bool:
        """Whether browsers show this kind of file themselves."""
        return self.content_type in VIEWABLE_TYPES


def list_warnings(flags: str) -> list[str]:
    """Return the warnings of a document with these flags."""
    return [WARNINGS[Flag(name)] for name in flags.split(",") if name]


class Installation(Model):
    """Identity of this database (one row), and what workers found about its storage."""

    __tablename__ = "installations"

    name: Mapped[str] = mapped_column(sa.String(20), unique=True)
    """Always THIS: unique, so there is one row."""
    epoch: Mapped[int] = mapped_column(default=0)
    """Raised every few minutes and then written to the storage (ownership.py)."""
    renewed_at: Mapped[datetime | None] = mapped_column()
    storage_problem: Mapped[str] = mapped_column(sa.String(500), default="")
    """Why nothing may be removed from the storage, or empty."""
    sweep_refusal: Mapped[str] = mapped_column(sa.String(500), default="")
    """Why the last sweep was refused; empty after success."""
    sweep_refused_at: Mapped[datetime | None] = mapped_column()
    sweeps_refused: Mapped[int] = mapped_column(default=0)


class KnownStorage(Model):
    """Storage in use now or earlier, searched for misplaced files."""

    __tablename__ = "storages"

    url: Mapped[str] = mapped_column(sa.String(500), unique=True)
