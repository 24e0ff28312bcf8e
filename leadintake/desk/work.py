"""Outcome, next step and tags of a lead: forms on its page.

The page never redraws these forms, so they carry no version: what is typed replaces what is stored.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from flask import Blueprint, flash, redirect, request
from werkzeug.wrappers import Response

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.clock import now
from leadintake.core.errors import Conflict, Forbidden, PreconditionFailed, UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.core.http.api import validate
from leadintake.desk.again import show_form_again
from leadintake.desk.forms import parse_form, read_form_version
from leadintake.desk.place import lead_address
from leadintake.desk.words import OUTCOMES, SOON, moment, reader_zone
from leadintake.leads.follow_ups import service as follow_ups
from leadintake.leads.follow_ups.schemas import FollowUpChange
from leadintake.leads.outcomes import service as outcomes
from leadintake.leads.outcomes.schemas import OutcomeChange
from leadintake.leads.reference import LeadKey
from leadintake.leads.service import leads
from leadintake.leads.tags import service as tags
from leadintake.leads.tags.schemas import TagsChange

bp = Blueprint("work", __name__, url_prefix="/leads/<lead:lead_id>")
TAKE_BACK = "take_back"
MORNING = time(9)

REFUSALS = (Conflict, Forbidden, PreconditionFailed, UnprocessableContent)


@bp.post("/outcome")
@allow(Permission.UPDATE_LEADS)
def end(lead_id: LeadKey) -> Response:
    """Set the outcome, or take it back."""
    version = read_form_version()
    try:
        with leads.edit(lead_id, current_actor(), if_version=version, lock_assignment=True) as lead:
            change = OutcomeChange(None) if TAKE_BACK in request.form else parse_form(OutcomeChange)
            outcomes.change(lead, change.outcome, change.note, actor=current_actor())
    except REFUSALS as refusal:
        return show_form_again(lead_id, refusal, "_outcome", "Outcome")
    words = (
        f"Recorded: {OUTCOMES[change.outcome].lower()}." if change.outcome else "The outcome is taken back."
    )
    return _redirect(lead_id, words)


@bp.post("/follow-up")
@allow(Permission.UPDATE_LEADS)
def follow_up(lead_id: LeadKey) -> Response:
    """Set the next step, or take it back. Times are in the reader's time zone."""
    try:
        with leads.edit(lead_id, current_actor(), if_version=read_form_version()) as lead:
            at = None if TAKE_BACK in request.form else _read_time()
            note = request.form.get("note", "").strip() or None
            change = validate(FollowUpChange, {"at": at, "note": note}, strict=False)
            follow_ups.change(lead, change.at, change.note, actor=current_actor())
    except REFUSALS as refusal:
        return show_form_again(lead_id, refusal, "_follow_up", "Next step")
    words = f"The next step is due on {moment(change.at)}." if change.at else "The next step is taken back."
    return _redirect(lead_id, words)


@bp.post("/tags")
@allow(Permission.UPDATE_LEADS)
def tag(lead_id: LeadKey) -> Response:
    """Replace the tags, which are typed with commas between them."""
    try:
        with leads.edit(lead_id, current_actor(), if_version=read_form_version()) as lead:
            typed = [one for one in request.form.get("tags", "").split(",") if one.strip()]
            change = validate(TagsChange, {"tags": typed}, strict=False)
            tags.change(lead, change.tags, actor=current_actor())
    except REFUSALS as refusal:
        return show_form_again(lead_id, refusal, "_tags", "Tags")
    return _redirect(lead_id, "The tags are saved.")


def _read_time() -> datetime:
    """Return the time that was chosen or typed. Raises UnprocessableContent."""
    local = now().astimezone(reader_zone())
    quick = request.form.get("quick")
    if quick in SOON:
        days = {"tomorrow": 1, "three_days": 3, "monday": 7 - local.weekday()}[quick]
        return datetime.combine(local.date() + timedelta(days=days), MORNING, reader_zone())
    try:
        typed = datetime.fromisoformat(request.form.get("at", ""))
    except ValueError:
        raise UnprocessableContent({"at": ["Choose a day and a time."]}) from None
    return typed.replace(tzinfo=reader_zone())


def _redirect(lead_id: LeadKey, sentence: str) -> Response:
    flash(sentence)
    return redirect(lead_address(lead_id), 303)
