"""JSON API of leads that staff enter."""

from __future__ import annotations

from flask import Blueprint, Response, url_for

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, respond
from leadintake.leads.api import detail_of
from leadintake.leads.entry.form import EntryForm, describe_entry, read_json
from leadintake.leads.entry.schemas import EntryReceipt, LeadEntry
from leadintake.leads.entry.service import entry
from leadintake.leads.models import Lead
from leadintake.leads.schemas import LeadDetail

bp = Blueprint("entry", __name__, url_prefix="/leads")


@bp.post("")
@allow(Permission.UPDATE_LEADS)
@api(
    {201: (LeadDetail, EntryReceipt)},
    json=LeadEntry,
    form=describe_entry,
    headers=("Idempotency-Key",),
    refuses=(409, 413),
)
def enter(json: LeadEntry | None) -> Response:
    """Enter a lead in place of the prospect, as after a call: names, and one of `phone` or `email`.

    With a resume as a form, else as JSON. Who may not open it, since it is a colleague's or behind a wall,
    is told its `id`, `reference` and names alone.
    """
    form = EntryForm() if json is None else read_json(json)
    lead, replayed = submit(form)
    found = entry.find(lead.id, reader=current_actor())
    response = respond(EntryReceipt.of(lead)) if found is None else detail_of(found)
    response.status_code = 201
    response.headers["Location"] = url_for("internal.leads.read", lead_id=lead.id)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def submit(form: EntryForm) -> tuple[Lead, bool]:
    """Store the lead of a form. Raises FileTooLarge, and UnprocessableContent."""
    if not form.validate_all():
        raise form.build_refusal()
    file = form.resume_file.data.stream if form.verdict else None
    key = form.submission_id.data or ""
    return entry.enter(form.values(), form.verdict, file, key=key, actor=current_actor())
