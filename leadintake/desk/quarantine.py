"""Submissions in quarantine."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.db.pagination import PageQuery
from leadintake.core.errors import Conflict, Forbidden, Refusal
from leadintake.core.http.access import allow
from leadintake.desk.forms import parse_query, redirect_with_reasons
from leadintake.leads.quarantine.service import quarantine
from leadintake.leads.reference import LeadKey
from leadintake.leads.service import leads

bp = Blueprint("quarantine", __name__, url_prefix="/quarantine")
PAGE = 25


@bp.get("")
@allow(Permission.REVIEW_QUARANTINE)
def show() -> Response:
    """Show the quarantine, newest first."""
    page = quarantine.page(actor=current_actor(), limit=PAGE, cursor=parse_query(PageQuery).cursor)
    return make_response(render_template("desk/quarantine.html", page=page))


@bp.post("/<lead:lead_id>/release")
@allow(Permission.REVIEW_QUARANTINE)
def release(lead_id: LeadKey) -> AnyResponse:
    """Release a submission."""
    with leads.edit(lead_id, current_actor(), lock_assignment=True, quarantined=True) as lead:
        quarantine.release(lead, actor=current_actor())
    owner = lead.assigned_to.name if lead.assigned_to else "nobody yet"
    flash(f"It is a lead now, with {owner}.")
    return redirect(url_for("desk.lead.show", lead_id=lead_id), 303)


@bp.post("/<lead:lead_id>/discard")
@allow(Permission.REVIEW_QUARANTINE)
def discard(lead_id: LeadKey) -> AnyResponse:
    """Discard a submission."""
    with leads.edit(lead_id, current_actor(), quarantined=True) as lead:
        quarantine.discard(lead, actor=current_actor())
    flash("It is discarded. “Deleted leads”, below the list of leads, has it, and a way back.")
    return redirect(url_for(".show"), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused."""
    return redirect_with_reasons(refusal, url_for("desk.quarantine.show"))
