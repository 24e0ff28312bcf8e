"""Deleted leads and discarded submissions, and the way back."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.db.pagination import PageQuery
from leadintake.core.errors import Forbidden, Refusal
from leadintake.core.http.access import allow
from leadintake.desk.forms import parse_query, redirect_with_reasons
from leadintake.leads.deletions import page_deleted
from leadintake.leads.reference import LeadKey
from leadintake.leads.service import leads

bp = Blueprint("deleted", __name__, url_prefix="/deleted")
PAGE = 25


@bp.get("")
@allow(Permission.DELETE_LEADS)
def show() -> Response:
    """Show what is deleted or discarded, the last first."""
    page = page_deleted(actor=current_actor(), limit=PAGE, cursor=parse_query(PageQuery).cursor)
    return make_response(render_template("desk/deleted.html", page=page))


@bp.post("/<lead:lead_id>/restore")
@allow(Permission.DELETE_LEADS)
def restore(lead_id: LeadKey) -> AnyResponse:
    """Restore a lead; what was discarded, into quarantine."""
    with leads.edit(lead_id, current_actor(), lock_assignment=True, deleted=True) as lead:
        leads.restore(lead, actor=current_actor())
    flash("It is in quarantine again." if lead.in_quarantine else "It is restored.")
    return redirect(url_for("desk.lead.show", lead_id=lead_id), 303)


@bp.errorhandler(Forbidden)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused."""
    return redirect_with_reasons(refusal, url_for("desk.deleted.show"))
