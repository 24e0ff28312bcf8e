"""A form for a lead that did not come by the public form: a call, a visit."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.db.transaction import rollback
from leadintake.core.db.types import new_id
from leadintake.core.errors import Refusal, UnprocessableContent
from leadintake.core.http.access import allow, allow_files
from leadintake.leads.entry.api import submit
from leadintake.leads.entry.form import ENTRY_FIELDS, WAYS, EntryForm
from leadintake.leads.entry.service import entry
from leadintake.leads.intake.lead_form import FileTooLarge

bp = Blueprint("new_lead", __name__, url_prefix="/leads/new")
CHANGED = "You entered this already, with other words. Look at the list before you enter it again."


@bp.get("")
@allow(Permission.UPDATE_LEADS)
def show() -> Response:
    """Show the empty form."""
    return _page(EntryForm(MultiDict({"submission_id": str(new_id())})))


@bp.post("")
@allow(Permission.UPDATE_LEADS)
@allow_files
def enter() -> AnyResponse:
    """Enter the lead; show the form again with what was typed where something is wrong."""
    form = EntryForm()
    try:
        lead, _ = submit(form)
    except (FileTooLarge, UnprocessableContent) as refusal:
        rollback()
        return _page(form, refusal)
    if entry.find(lead.id, reader=current_actor()) is None:
        flash(f"It is entered as {lead.reference}. A colleague has it, so you do not see it.")
        return redirect(url_for("desk.queue.show"), 303)
    flash("It is entered.")
    return redirect(url_for("desk.lead.show", lead_id=lead.reference), 303)


def _page(form: EntryForm, refusal: Refusal | None = None) -> Response:
    errors = dict(refusal.errors or {}) if refusal else {}
    if "submission_id" in errors:
        errors["submission_id"] = [CHANGED]
        form.submission_id.data = str(new_id())
    page = render_template(
        "desk/new_lead.html",
        form=form,
        fields=ENTRY_FIELDS,
        errors=errors,
        ways=WAYS,
    )
    return make_response(page, refusal.status if refusal else 200)
