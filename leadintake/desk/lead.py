"""Page of a lead, and its actions."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.auth.sessions.interface import current
from leadintake.core.errors import Conflict, Forbidden, PreconditionFailed, Refusal, UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.desk.again import explain_conflict, show_form_again
from leadintake.desk.forms import parse_form, read_form_version, redirect_with_reasons
from leadintake.desk.place import find_place, lead_address, list_address
from leadintake.desk.polling import mark_unattended, respond_to_poll
from leadintake.leads.distribution.handover import handover
from leadintake.leads.fields import FIELDS, Kind
from leadintake.leads.models import Lead
from leadintake.leads.notes.service import notes
from leadintake.leads.proof.service import may_read_proof
from leadintake.leads.reference import LeadKey
from leadintake.leads.replies.service import replies
from leadintake.leads.schemas import AssigneeChange, Declining, LeadDetail
from leadintake.leads.service import leads
from leadintake.leads.status import FIRST, LeadStatus
from leadintake.leads.timeline.service import SOURCES, Key, last_event, read_timeline
from leadintake.leads.views.reads import mark_read

bp = Blueprint("lead", __name__, url_prefix="/leads/<lead:lead_id>")


@bp.get("")
@allow(Permission.READ_LEADS)
def show(lead_id: LeadKey) -> Response:
    """Show the lead."""
    mark_unattended("lead", "held")
    lead = leads.read(lead_id, "page", reader=current_actor(), actor=current_actor())
    detail = leads.detail(lead, reader=current_actor())
    kind = request.args.get("show", "")
    if not current().unattended:
        mark_read(lead, current_actor())
    return make_response(
        render_template(
            "desk/lead.html",
            lead=lead,
            place=find_place(lead, current_actor()),
            fields=[field for field in FIELDS if field.kind is not Kind.NAME],
            allowed=detail.allowed,
            email_refused=detail.email_refused,
            duplicates=detail.duplicates,
            pulse=_pulse_of(lead, detail),
            show=kind if kind in SOURCES else "",
            reason=detail.assignment.reason,
            timeline=read_timeline(
                lead, kind, Key.parse(request.args.get("entry", "")), reader=current_actor()
            ),
            may_change_note=lambda note: "note" in detail.allowed and notes.may_change(note, current_actor()),
            may_read_proof=may_read_proof(current_actor(), lead),
            replies=replies.list_for(lead),
            owners=leads.possible_owners(lead) if "assign" in detail.allowed else [],
        )
    )


@bp.get("/pulse")
@allow(Permission.READ_LEADS)
def pulse(lead_id: LeadKey) -> Response:
    """Respond 304 while the lead has not changed."""
    mark_unattended()
    lead = leads.get(lead_id, reader=current_actor())
    tag = _pulse_of(lead, leads.detail(lead, reader=current_actor()))
    return respond_to_poll("desk/lead_pulse.html", tag, "lead-changed", lead=lead)


@bp.post("/reached-out")
@allow(Permission.UPDATE_LEADS)
def reach_out(lead_id: LeadKey) -> AnyResponse:
    """Record the contact."""
    with leads.edit(lead_id, current_actor(), if_version=read_form_version()) as lead:
        leads.change_status(lead, LeadStatus.REACHED_OUT, actor=current_actor())
    owner = lead.assigned_to
    words = "you reached out"
    if owner and owner.id != current_actor().id:
        words = f"reached out for {owner.name}"
    return _redirect_with_message(lead_id, f"Recorded: {words}.")


@bp.post("/reopen")
@allow(Permission.UPDATE_LEADS)
def reopen(lead_id: LeadKey) -> AnyResponse:
    """Take back that the prospect was reached."""
    with leads.edit(lead_id, current_actor(), if_version=read_form_version(), lock_assignment=True) as lead:
        leads.change_status(lead, FIRST, actor=current_actor())
    return _redirect_with_message(lead_id, "Taken back: this prospect waits again.")


@bp.post("/take")
@allow(Permission.TAKE_LEADS)
def take(lead_id: LeadKey) -> AnyResponse:
    """Take an unassigned lead."""
    with leads.edit(lead_id, current_actor(), if_version=read_form_version(), lock_assignment=True) as lead:
        leads.assign(lead, current_actor().id, actor=current_actor())
    return _redirect_with_message(lead_id, "It is yours.")


@bp.post("/assign")
@allow(Permission.ASSIGN_LEADS)
def assign(lead_id: LeadKey) -> AnyResponse:
    """Assign the lead to a user, or to none."""
    has_owner = bool(request.form.get("user_id"))
    with leads.edit(lead_id, current_actor(), if_version=read_form_version(), lock_assignment=True) as lead:
        leads.assign(lead, parse_form(AssigneeChange).user_id if has_owner else None, actor=current_actor())
    to = lead.assigned_to.name if lead.assigned_to else "nobody"
    return _redirect_with_message(lead_id, f"It is with {to} now.")


@bp.post("/decline")
@allow(Permission.UPDATE_LEADS)
def decline(lead_id: LeadKey) -> AnyResponse:
    """Decline the lead; a refusal shows the form again, with the reason that was typed."""
    version = read_form_version()
    try:
        with leads.edit(lead_id, current_actor(), if_version=version, lock_assignment=True) as lead:
            handover.decline(lead, parse_form(Declining).reason, actor=current_actor())
    except (Conflict, Forbidden, PreconditionFailed, UnprocessableContent) as refusal:
        return show_form_again(lead_id, refusal, "_decline", "Decline")
    flash("You declined it; it went to the next who can take it.")
    return redirect(list_address(), 303)


@bp.post("/delete")
@allow(Permission.DELETE_LEADS)
def delete(lead_id: LeadKey) -> AnyResponse:
    """Delete the lead."""
    with leads.edit(lead_id, current_actor(), if_version=read_form_version(), lock_assignment=True) as lead:
        leads.delete(lead, actor=current_actor())
    flash("It is deleted. Below the list, “Deleted leads” has it, and a way back.")
    return redirect(list_address(), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
@bp.errorhandler(UnprocessableContent)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused, on the lead's page."""
    return redirect_with_reasons(refusal, lead_address((request.view_args or {})["lead_id"]))


@bp.errorhandler(PreconditionFailed)
def show_conflict(_refusal: Refusal) -> AnyResponse:
    """Show that the page was outdated, on the lead's page."""
    lead = leads.get((request.view_args or {})["lead_id"], reader=current_actor())
    return show_refusal(PreconditionFailed(f"{explain_conflict(lead)} Here is how it is now."))


def _pulse_of(lead: Lead, detail: LeadDetail) -> str:
    """Return the tag of the page: of the lead, and of its history, which has each note and contact."""
    last = last_event(lead)
    return f"{detail.entity_tag()}.{last.hex[-12:]}" if last else detail.entity_tag()


def _redirect_with_message(lead_id: LeadKey, sentence: str) -> AnyResponse:
    flash(sentence)
    return redirect(lead_address(lead_id), 303)
