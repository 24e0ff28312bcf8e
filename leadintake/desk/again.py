"""Forms of a lead that were refused, shown again with what was typed."""

from __future__ import annotations

from flask import Response, make_response, render_template, request

from leadintake.auth.actor import current_actor
from leadintake.core.db.transaction import rollback
from leadintake.core.errors import PreconditionFailed, Refusal
from leadintake.desk.place import find_place, lead_address
from leadintake.leads.models import Lead
from leadintake.leads.reference import LeadKey
from leadintake.leads.reopening import REMARKS
from leadintake.leads.service import leads


def show_form_again(lead_id: LeadKey, refusal: Refusal, form: str, title: str) -> Response:
    """Show a form of the lead's page with what was typed, and why it was refused. `form`: its template."""
    rollback()
    lead = leads.get(lead_id, reader=current_actor())
    errors = refusal.errors or {}
    problem = explain_conflict(lead) if isinstance(refusal, PreconditionFailed) else refusal.detail
    page = render_template(
        "desk/again.html",
        lead=lead,
        form=f"desk/{form}.html",
        title=title,
        problem="" if errors else problem,
        errors=errors,
        again=request.form,
        place=find_place(lead, current_actor()),
        back=lead_address(lead.id),
    )
    return make_response(page, refusal.status)


def explain_conflict(lead: Lead) -> str:
    """Return the sentence about a page that was outdated."""
    last = next((event for event in leads.history(lead) if event.action not in REMARKS), None)
    is_own = last is not None and last.actor == current_actor().email  # such as a second click
    return "You changed this lead already." if is_own else "A colleague changed this lead meanwhile."
