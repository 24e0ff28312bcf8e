"""The ethical wall of a lead: from whom it is hidden."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.auth.service import auth
from leadintake.core.db.transaction import rollback
from leadintake.core.errors import Conflict, Errors, Forbidden, NotFound, Refusal, UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.desk.forms import parse_form, redirect_with_reasons
from leadintake.desk.place import lead_address, list_address
from leadintake.leads.reference import LeadKey
from leadintake.leads.screens.schemas import ScreenChange
from leadintake.leads.screens.service import screens
from leadintake.leads.service import leads

bp = Blueprint("screens", __name__, url_prefix="/leads/<lead:lead_id>/screens")


@bp.get("")
@allow(Permission.SCREEN_LEADS)
def show(lead_id: LeadKey) -> Response:
    """Show from whom the lead is hidden, and why."""
    return _page(lead_id, {})


@bp.post("")
@allow(Permission.SCREEN_LEADS)
def screen(lead_id: LeadKey) -> AnyResponse:
    """Hide the lead from a user."""
    try:
        change = parse_form(ScreenChange)
        with leads.edit(lead_id, current_actor(), lock_assignment=True) as lead:
            created = screens.set(lead, change.user_id, change.notice, actor=current_actor())
    except UnprocessableContent as refusal:
        rollback()
        return _page(lead_id, refusal.errors or {}, 422)
    flash(f"For {created.user.name} this lead does not exist any more.")
    is_self = created.user.id == current_actor().id
    return redirect(list_address() if is_self else _address(lead_id), 303)


@bp.post("/<uuid:user_id>/lift")
@allow(Permission.SCREEN_LEADS)
def lift(lead_id: LeadKey, user_id: uuid.UUID) -> AnyResponse:
    """Let a user know of the lead again."""
    with leads.edit(lead_id, current_actor()) as lead:
        try:
            screens.lift(lead, user_id, actor=current_actor())
        except NotFound as refusal:  # a colleague was faster
            return redirect_with_reasons(refusal, _address(lead_id))
    user = auth.get(user_id)
    flash(f"{user.name if user else 'This person'} may know of this lead again.")
    return redirect(_address(lead_id), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused, on the lead's page."""
    return redirect_with_reasons(refusal, lead_address((request.view_args or {})["lead_id"]))


def _page(lead_id: LeadKey, errors: Errors, status: int = 200) -> Response:
    lead = leads.get(lead_id, reader=current_actor())
    hidden_from = screens.read(lead, actor=current_actor())
    page = render_template(
        "desk/screens.html",
        lead=lead,
        back=lead_address(lead.id),
        list=request.args.get("list"),
        screens=hidden_from,
        choices=[(user.id, user.name) for user in auth.everyone() if user.active],
        errors=errors,
        typed=request.form,
    )
    return make_response(page, status)


def _address(lead_id: LeadKey) -> str:
    return url_for("desk.screens.show", lead_id=lead_id, list=request.args.get("list"))
