"""JSON API of notes. Readers of a lead may read them."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, url_for
from werkzeug.http import quote_etag

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, if_match, respond
from leadintake.leads.conversation import LeadNote
from leadintake.leads.notes.schemas import Note, NoteChange, NotePage, NoteQuery
from leadintake.leads.notes.service import notes
from leadintake.leads.reference import LeadKey
from leadintake.leads.service import leads

bp = Blueprint("notes", __name__, url_prefix="/leads/<lead:lead_id>/notes")


@bp.get("")
@allow(Permission.READ_LEADS)
@api({200: NotePage}, query=NoteQuery, refuses=(404,))
def read(lead_id: LeadKey, query: NoteQuery) -> Response:
    """List the notes about the lead, newest first, with their earlier versions."""
    lead = leads.read(lead_id, "notes", reader=current_actor(), actor=current_actor())
    page = notes.page(lead, limit=query.limit, cursor=query.cursor)
    versions = notes.versions_of(page.items)
    items = [Note.of(note, versions.get(note.id, ())) for note in page.items]
    return respond(NotePage(items, page.next_cursor))


@bp.post("")
@allow(Permission.UPDATE_LEADS)
@api({201: Note}, json=NoteChange, refuses=(404, 409))
def add(lead_id: LeadKey, json: NoteChange) -> Response:
    """Write a note. The same text again within a minute is the same note."""
    with leads.edit(lead_id, current_actor()) as lead:
        note = notes.add(lead, json.text, actor=current_actor())
    address = url_for(".change", lead_id=lead.id, note_id=note.id)
    return _respond(note, 201, {"Location": address})


@bp.patch("/<uuid:note_id>")
@allow(Permission.UPDATE_LEADS)
@api({200: Note}, json=NoteChange, headers=("If-Match",), refuses=(404, 409, 412))
def change(lead_id: LeadKey, note_id: uuid.UUID, json: NoteChange) -> Response:
    """Change a note: its author, or a manager. If-Match compares the version of the note."""
    with leads.edit(lead_id, current_actor()) as lead:
        note = notes.change(lead, note_id, json.text, actor=current_actor(), if_version=if_match())
    return _respond(note)


@bp.delete("/<uuid:note_id>")
@allow(Permission.UPDATE_LEADS)
@api({204: None}, headers=("If-Match",), refuses=(404, 409, 412))
def delete(lead_id: LeadKey, note_id: uuid.UUID) -> Response:
    """Delete a note: its author, or a manager. If-Match compares the version of the note."""
    with leads.edit(lead_id, current_actor()) as lead:
        notes.delete(lead, note_id, actor=current_actor(), if_version=if_match())
    return Response(status=204)


def _respond(note: LeadNote, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    versions = notes.versions_of([note]).get(note.id, ())
    tag = quote_etag(str(note.version))
    return respond(Note.of(note, versions), status, {**(headers or {}), "ETag": tag})
