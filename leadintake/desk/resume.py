"""Text of a resume, for kinds that no browser shows."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.errors import NotFound, Unavailable
from leadintake.core.http.access import allow
from leadintake.desk.place import lead_address
from leadintake.desk.polling import mark_unattended
from leadintake.documents.service import documents
from leadintake.leads.reference import LeadKey
from leadintake.leads.service import leads

bp = Blueprint("resume", __name__, url_prefix="/leads/<lead:lead_id>/resume")
MAX_LINES = 3_000


@bp.get("/text")
@allow(Permission.READ_LEADS)
def show_text(lead_id: LeadKey) -> Response:
    """Show the text of the resume; the page of the lead loads it, too. On record like the file itself."""
    mark_unattended("resume-text")
    actor = current_actor()
    lead = leads.get(lead_id, reader=actor)
    try:
        if lead.resume is None:
            raise NotFound("This lead has no resume.")
        text, problem = documents.extract_text(lead.resume, sender=f"user {actor.id}"), ""
    except Unavailable:
        text, problem = "", "It cannot be shown right now. Try again in a moment, or download it."
    else:
        leads.note_download(lead, inline=True, actor=actor)
    lines = text.split("\n")
    page = render_template(
        "desk/resume_text.html",
        lead=lead,
        back=lead_address(lead.id),
        lines=lines[:MAX_LINES] if text else [],
        is_cut=len(lines) > MAX_LINES,
        problem=problem,
    )
    return make_response(page)
