"""Verbs on notes. The caller has read the lead for the actor, or edits it, which locks its row."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from itertools import groupby

import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.auth.permissions import Permission
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.pagination import Order, Page, page_of
from leadintake.core.errors import Forbidden, NotFound, PreconditionFailed
from leadintake.core.text import fold_words
from leadintake.leads import permissions, search_index, work
from leadintake.leads.conversation import MAX_SEARCH_LENGTH, LeadNote, LeadNoteVersion
from leadintake.leads.fields import SEARCH_END
from leadintake.leads.models import Lead
from leadintake.leads.search_index import OF_NOTES
from leadintake.leads.texts import clean_text

NEWEST_FIRST = Order(LeadNote, "created_at", descending=True)
SAME_WITHIN = timedelta(minutes=1)
"""The same text of the same author within this time is the same note: a second click."""


class Notes:
    """Notes about leads."""

    def page(self, lead: Lead, *, limit: int, cursor: str | None) -> Page[LeadNote]:
        """Return a page of a lead's notes, newest first."""
        notes_query = sa.select(LeadNote).where(LeadNote.lead_id == lead.id)
        return page_of(
            notes_query, NEWEST_FIRST, limit=limit, cursor=cursor, bound_to={"notes": str(lead.id)}
        )

    def get(self, lead: Lead, note_id: uuid.UUID) -> LeadNote:
        """Return a note of the lead. Raises NotFound."""
        note_query = sa.select(LeadNote).where(LeadNote.id == note_id, LeadNote.lead_id == lead.id)
        note = db.session.scalar(note_query.execution_options(populate_existing=True))
        if note is None:
            raise NotFound("There is no such note.")
        return note

    def versions_of(self, notes: Sequence[LeadNote]) -> Mapping[uuid.UUID, Sequence[LeadNoteVersion]]:
        """Return the earlier versions of these notes by id, newest first. No statement if none was edited."""
        edited = [note.id for note in notes if note.edited_at is not None]
        if not edited:
            return {}
        versions_query = sa.select(LeadNoteVersion).where(LeadNoteVersion.note_id.in_(edited))
        newest_first = (LeadNoteVersion.written_at.desc(), LeadNoteVersion.id.desc())
        versions = db.session.scalars(versions_query.order_by(LeadNoteVersion.note_id, *newest_first))
        return {key: [*group] for key, group in groupby(versions, lambda version: version.note_id)}

    def may_change(self, note: LeadNote, user: User) -> bool:
        """Return whether `user` may change or delete the note: as author, or with UPDATE_ANY_LEAD."""
        if user.may(Permission.UPDATE_ANY_LEAD):
            return True
        return user.may(Permission.UPDATE_LEADS) and note.author_id == user.id

    def add(self, lead: Lead, text: str, *, actor: User) -> LeadNote:
        """Add a note, or return the one that this repeats. Raises Forbidden and UnprocessableContent."""
        if not permissions.may_note(actor):
            raise Forbidden("Your role does not include writing notes.")
        text = clean_text(text, "text")
        repeated = self._find_repeated(lead, text, actor)
        if repeated is not None:
            return repeated
        note = LeadNote(lead_id=lead.id, author=actor, text=text, search_text=_search_text(text))
        db.session.add(note)
        db.session.flush()
        search_index.add({note.id: note.search_text}, OF_NOTES)
        self._record(lead, "noted", note, actor=actor)
        return note

    def change(
        self,
        lead: Lead,
        note_id: uuid.UUID,
        text: str,
        *,
        actor: User,
        if_version: Collection[str] | None = None,
    ) -> LeadNote:
        """Change the text of a note and store the earlier one; the same text changes nothing.

        Raises NotFound, Forbidden, PreconditionFailed unless its version is in `if_version`, and
        UnprocessableContent.
        """
        note = self._get_own(lead, note_id, actor, if_version)
        text = clean_text(text, "text")
        if text == note.text:
            return note
        db.session.add(
            LeadNoteVersion(
                note_id=note.id,
                lead_id=lead.id,
                text=note.text,
                author=note.editor or note.author,
                written_at=note.edited_at or note.created_at,
            )
        )
        before, note.search_text = note.search_text, _search_text(text)
        note.text, note.editor, note.edited_at = text, actor, now()
        db.session.flush()
        search_index.replace(note.id, before, note.search_text, OF_NOTES)
        self._record(lead, "note_changed", note, actor=actor)
        return note

    def delete(
        self, lead: Lead, note_id: uuid.UUID, *, actor: User, if_version: Collection[str] | None = None
    ) -> None:
        """Soft-delete a note. Raises NotFound, Forbidden and PreconditionFailed, as `change` does."""
        note = self._get_own(lead, note_id, actor, if_version)
        note.deleted_at = now()
        db.session.flush()
        search_index.remove(note.id, note.search_text, OF_NOTES)
        self._record(lead, "note_deleted", note, actor=actor)

    def _get_own(
        self, lead: Lead, note_id: uuid.UUID, actor: User, if_version: Collection[str] | None
    ) -> LeadNote:
        note = self.get(lead, note_id)
        if not self.may_change(note, actor):
            raise Forbidden("This note is somebody else's. Only its author or a manager may change it.")
        if if_version is not None and str(note.version) not in if_version:
            raise PreconditionFailed("Somebody changed this note meanwhile. Please look at it again.")
        return note

    def _find_repeated(self, lead: Lead, text: str, actor: User) -> LeadNote | None:
        recent_query = sa.select(LeadNote).where(
            LeadNote.lead_id == lead.id,
            LeadNote.author_id == actor.id,
            LeadNote.created_at > now() - SAME_WITHIN,
        )
        recent = db.session.scalars(recent_query.order_by(LeadNote.created_at.desc()))
        return next((note for note in recent if note.text == text), None)

    def _record(self, lead: Lead, action: str, note: LeadNote, *, actor: User) -> None:
        work.record(lead, action, "", actor=actor, note=note.id)


def _search_text(text: str) -> str:
    return fold_words(text, MAX_SEARCH_LENGTH - len(SEARCH_END)) + SEARCH_END


notes = Notes()
