"""Absences: one's own, or with ASSIGN_LEADS all."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.assignment.absences import absences
from leadintake.assignment.api import get_for_reader, list_for_reader, set_as_reader
from leadintake.assignment.schemas import AbsenceGiven
from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.auth.service import auth
from leadintake.core.errors import Errors, Forbidden, Refusal, UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.desk.forms import parse_form, redirect_with_reasons

bp = Blueprint("absences", __name__, url_prefix="/absences")


@bp.get("")
@allow(Permission.TAKE_LEADS)
def show() -> Response:
    """Show current and future absences."""
    return _page({})


@bp.post("")
@allow(Permission.TAKE_LEADS)
def set_away() -> AnyResponse:
    """Record an absence."""
    try:
        absence = set_as_reader(parse_form(AbsenceGiven))
    except UnprocessableContent as refusal:
        return _page(refusal.errors or {}, 422)
    flash(f"{absence.user.name} is away until {absence.until}. New leads go to others meanwhile.")
    return redirect(url_for(".show"), 303)


@bp.post("/<uuid:absence_id>/end")
@allow(Permission.TAKE_LEADS)
def end(absence_id: uuid.UUID) -> AnyResponse:
    """End an absence now, or cancel a future one."""
    absence = get_for_reader(absence_id)
    absences.end(absence, actor=current_actor())
    flash(f"{absence.user.name} is back.")
    return redirect(url_for(".show"), 303)


@bp.errorhandler(Forbidden)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused."""
    return redirect_with_reasons(refusal, url_for("desk.absences.show"))


def _page(errors: Errors, status: int = 200) -> Response:
    page = render_template(
        "desk/absences.html",
        absences=list_for_reader(),
        today=absences.today(),
        choices=[(user.id, user.name) for user in auth.everyone() if user.works_on_leads],
        for_others=current_actor().may(Permission.ASSIGN_LEADS),
        errors=errors,
        typed=request.form,
    )
    return make_response(page, status)
