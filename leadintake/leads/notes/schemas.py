"""JSON schemas of notes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from leadintake.auth.schemas import UserSummary
from leadintake.core.db.pagination import Cursor
from leadintake.leads.conversation import LeadNote, LeadNoteVersion
from leadintake.leads.texts import LongText


class NoteChange(msgspec.Struct, forbid_unknown_fields=True):
    """The text of a note, in 1 to 4,000 characters."""

    text: LongText


class NoteVersion(msgspec.Struct):
    """An earlier text of a note: by whom, and since when."""

    text: str
    author: UserSummary
    written_at: datetime

    @classmethod
    def of(cls, version: LeadNoteVersion) -> NoteVersion:
        """Convert a version."""
        return msgspec.convert(version, cls, from_attributes=True)


class Note(msgspec.Struct):
    """A note. `versions`: its earlier texts, newest first."""

    id: uuid.UUID
    text: str
    author: UserSummary
    created_at: datetime
    edited_at: datetime | None
    edited_by: UserSummary | None
    version: int
    versions: list[NoteVersion]

    @classmethod
    def of(cls, note: LeadNote, versions: Sequence[LeadNoteVersion]) -> Note:
        """Convert a note and its earlier versions."""
        editor = note.editor
        edited_by = None if editor is None else msgspec.convert(editor, UserSummary, from_attributes=True)
        return cls(
            id=note.id,
            text=note.text,
            author=msgspec.convert(note.author, UserSummary, from_attributes=True),
            created_at=note.created_at,
            edited_at=note.edited_at,
            edited_by=edited_by,
            version=note.version,
            versions=[NoteVersion.of(version) for version in versions],
        )


class NoteQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which page of notes."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    cursor: Cursor | None = None


class NotePage(msgspec.Struct):
    """Notes, newest first, and the cursor of those that follow."""

    items: list[Note]
    next_cursor: str | None
