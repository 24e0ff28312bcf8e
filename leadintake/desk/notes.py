"""Notes about a lead: write, change, delete; a page of one note with its earlier versions."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.db.transaction import rollback
from leadintake.core.errors import Conflict, Forbidden, PreconditionFailed, Refusal, UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.desk.forms import parse_form, read_form_version, redirect_with_reasons
from leadintake.desk.place import lead_address
from leadintake.leads.notes.schemas import NoteChange
from leadintake.leads.notes.service import notes
from leadintake.leads.reference import LeadKey
from leadintake.leads.service import leads
from leadintake.leads.timeline.service import anchor_of

bp = Blueprint("notes", __name__, url_prefix="/leads/<lead:lead_id>/notes")
CHANGED = "A colleague changed this note meanwhile. What you typed is below; saving it replaces the new text."


@bp.post("")
@allow(Permission.UPDATE_LEADS)
def add(lead_id: LeadKey) -> AnyResponse:
    """Write a note."""
    try:
        text = parse_form(NoteChange).text
        with leads.edit(lead_id, current_actor()) as lead:
            note = notes.add(lead, text, actor=current_actor())
    except (Conflict, UnprocessableContent) as refusal:
        return _show_refusal(lead_id, None, refusal)
    flash("Your note is there.")
    return redirect(f"{lead_address(lead_id)}#{anchor_of(note.id)}", 303)


@bp.get("/<uuid:note_id>")
@allow(Permission.READ_LEADS)
def show(lead_id: LeadKey, note_id: uuid.UUID) -> Response:
    """Show a note with its earlier versions; its author and managers may change it here."""
    leads.read(lead_id, "notes", reader=current_actor(), actor=current_actor())
    return _page(lead_id, note_id)


@bp.post("/<uuid:note_id>")
@allow(Permission.UPDATE_LEADS)
def change(lead_id: LeadKey, note_id: uuid.UUID) -> AnyResponse:
    """Change a note."""
    try:
        text = parse_form(NoteChange).text
        with leads.edit(lead_id, current_actor()) as lead:
            notes.change(lead, note_id, text, actor=current_actor(), if_version=read_form_version())
    except (Conflict, PreconditionFailed, UnprocessableContent) as refusal:
        return _show_refusal(lead_id, note_id, refusal)
    flash("Your change of the note is there.")
    return redirect(f"{lead_address(lead_id)}#{anchor_of(note_id)}", 303)


@bp.post("/<uuid:note_id>/delete")
@allow(Permission.UPDATE_LEADS)
def delete(lead_id: LeadKey, note_id: uuid.UUID) -> AnyResponse:
    """Delete a note."""
    try:
        with leads.edit(lead_id, current_actor()) as lead:
            notes.delete(lead, note_id, actor=current_actor(), if_version=read_form_version())
    except PreconditionFailed as refusal:
        return _show_refusal(lead_id, note_id, refusal)
    flash("The note is deleted.")
    return redirect(lead_address(lead_id), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused, on the lead's page."""
    return redirect_with_reasons(refusal, lead_address((request.view_args or {})["lead_id"]))


def _show_refusal(lead_id: LeadKey, note_id: uuid.UUID | None, refusal: Refusal) -> Response:
    """Show the form again with what was typed, and why it was refused."""
    rollback()
    problems = [reason for reasons in (refusal.errors or {}).values() for reason in reasons]
    is_outdated = isinstance(refusal, PreconditionFailed)
    problems = problems or [CHANGED if is_outdated and "text" in request.form else refusal.detail]
    return _page(lead_id, note_id, problems, refusal.status, is_outdated=is_outdated)


def _page(
    lead_id: LeadKey,
    note_id: uuid.UUID | None,
    problems: list[str] | None = None,
    status: int = 200,
    *,
    is_outdated: bool = False,
) -> Response:
    lead = leads.get(lead_id, reader=current_actor())
    note = None if note_id is None else notes.get(lead, note_id)
    page = render_template(
        "desk/note.html",
        lead=lead,
        note=note,
        versions=notes.versions_of([note]).get(note.id, ()) if note else (),
        may_change=note is None or (notes.may_change(note, current_actor()) and not lead.in_quarantine),
        problems=problems or [],
        is_outdated=is_outdated,
        typed=request.form.get("text", note.text if note else ""),
        back=lead_address(lead.id),
        list=request.args.get("list"),
    )
    return make_response(page, status)
