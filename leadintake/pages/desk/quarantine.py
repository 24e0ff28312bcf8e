"""Submissions that looked like spam: let in, or put away."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.permissions import Permission
from leadintake.core.access import allow
from leadintake.core.errors import Conflict, Forbidden, Refusal
from leadintake.leads.internal_quarantine import held
from leadintake.leads.quarantine import quarantine
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas_quarantine import QuarantineQuery
from leadintake.pages.desk.forms import asked, say_why_not

bp = Blueprint("quarantine", __name__, url_prefix="/quarantine")
PAGE = 25


@bp.get("")
@allow(Permission.REVIEW_QUARANTINE)
def show() -> Response:
    """Show what is in quarantine, newest first."""
    page = quarantine.page(seen_by=current_user, limit=PAGE, cursor=asked(QuarantineQuery).cursor)
    return make_response(render_template("desk/quarantine.html", page=page))


@bp.post("/<lead:lead_id>/release")
@allow(Permission.REVIEW_QUARANTINE)
def release(lead_id: LeadKey) -> AnyResponse:
    """Let a submission in after all."""
    lead = held(lead_id)
    quarantine.release(lead, by=current_user)
    whose = lead.assigned_to.name if lead.assigned_to else "nobody yet"
    flash(f"It is a lead now, with {whose}.")
    return redirect(url_for("desk.lead.show", lead_id=lead_id), 303)


@bp.post("/<lead:lead_id>/discard")
@allow(Permission.REVIEW_QUARANTINE)
def discard(lead_id: LeadKey) -> AnyResponse:
    """Put a submission away."""
    quarantine.discard(held(lead_id), by=current_user)
    flash("It is put away.")
    return redirect(url_for(".show"), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_them_as_they_are(refusal: Refusal) -> AnyResponse:
    """Say why it was refused."""
    return say_why_not(refusal, url_for("desk.quarantine.show"))
