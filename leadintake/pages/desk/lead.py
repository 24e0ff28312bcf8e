"""One lead: everything about it on a page, and the acts open to who looks at it."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.permissions import Permission
from leadintake.auth.session_interface import current
from leadintake.core.access import allow
from leadintake.core.errors import Conflict, Forbidden, Invalid, Refusal, Stale
from leadintake.leads.handing import handing
from leadintake.leads.models import Lead, LeadStatus
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas import AssigneeChange, Declining
from leadintake.leads.service import leads
from leadintake.notifications.service import notifications
from leadintake.pages.desk.forms import expect_version_seen, said, say_why_not

bp = Blueprint("lead", __name__, url_prefix="/leads/<lead:lead_id>")


@bp.get("")
@allow(Permission.READ_LEADS)
def show(lead_id: LeadKey) -> Response:
    """Show the lead, its file, its history and its messages."""
    lead = leads.read(lead_id, "page", seen_by=current_user, by=current_user)
    detail = leads.detail(lead, seen_by=current_user)
    return make_response(
        render_template(
            "desk/lead.html",
            lead=lead,
            allowed=detail.allowed,
            duplicates=detail.duplicates,
            pulse=detail.entity_tag(),
            history=leads.history(lead),
            messages=notifications.of_lead(lead.id),
            owners=leads.possible_owners(lead) if "assign" in detail.allowed else [],
        )
    )


@bp.get("/pulse")
@allow(Permission.READ_LEADS)
def pulse(lead_id: LeadKey) -> AnyResponse:
    """Tell whether the lead changed since: 304 while it did not."""
    current().unattended = True
    lead = leads.get(lead_id, seen_by=current_user)
    found = leads.detail(lead, seen_by=current_user).entity_tag()
    response = make_response(render_template("desk/lead_pulse.html", lead=lead, pulse=found))
    response.set_etag(found)
    response.headers["HX-Trigger"] = "lead-changed"
    return response.make_conditional(request)


@bp.post("/reached-out")
@allow(Permission.UPDATE_LEADS)
def reach_out(lead_id: LeadKey) -> AnyResponse:
    """Record that the prospect was reached."""
    lead = _to_change(lead_id)
    leads.change_status(lead, LeadStatus.REACHED_OUT, by=current_user)
    return _done(lead_id, "Recorded: you reached out.")


@bp.post("/take")
@allow(Permission.TAKE_LEADS)
def take(lead_id: LeadKey) -> AnyResponse:
    """Take a lead that nobody has."""
    leads.hold_all()
    leads.assign(_to_change(lead_id), current_user.id, by=current_user)
    return _done(lead_id, "It is yours.")


@bp.post("/assign")
@allow(Permission.ASSIGN_LEADS)
def assign(lead_id: LeadKey) -> AnyResponse:
    """Hand the lead to somebody, or leave it to nobody."""
    leads.hold_all()
    lead = _to_change(lead_id)
    somebody = bool(request.form.get("user_id"))
    leads.assign(lead, said(AssigneeChange).user_id if somebody else None, by=current_user)
    to = lead.assigned_to.name if lead.assigned_to else "nobody"
    return _done(lead_id, f"It is with {to} now.")


@bp.post("/decline")
@allow(Permission.UPDATE_LEADS)
def decline(lead_id: LeadKey) -> AnyResponse:
    """Refuse the lead: it goes to the next."""
    leads.hold_all()
    handing.decline(_to_change(lead_id), said(Declining).reason, by=current_user)
    flash("You declined it; it went to the next who can take it.")
    return redirect(url_for("desk.queue.show"), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
@bp.errorhandler(Invalid)
@bp.errorhandler(Stale)
def show_it_as_it_is(refusal: Refusal) -> AnyResponse:
    """Say why an act was refused, on the page of the lead as it is now."""
    return say_why_not(refusal, url_for("desk.lead.show", lead_id=(request.view_args or {})["lead_id"]))


def _to_change(lead_id: LeadKey) -> Lead:
    lead = leads.get_to_change(lead_id, seen_by=current_user)
    expect_version_seen(lead.version)
    return lead


def _done(lead_id: LeadKey, sentence: str) -> AnyResponse:
    flash(sentence)
    return redirect(url_for("desk.lead.show", lead_id=lead_id), 303)
