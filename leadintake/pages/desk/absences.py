"""Who is away: oneself, and everybody for those who look after the distribution."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from leadintake.assignment.absences import absences
from leadintake.assignment.internal import one_of_mine, set_by_reader, shown_to_reader
from leadintake.assignment.schemas import AbsenceGiven
from leadintake.auth.permissions import Permission
from leadintake.auth.service import auth
from leadintake.core.access import allow
from leadintake.core.errors import Errors, Forbidden, Invalid, Refusal
from leadintake.pages.desk.forms import said, say_why_not

bp = Blueprint("absences", __name__, url_prefix="/absences")


@bp.get("")
@allow(Permission.TAKE_LEADS)
def show() -> Response:
    """Show absences that are not over, and a form for another."""
    return _page({})


@bp.post("")
@allow(Permission.TAKE_LEADS)
def set_away() -> AnyResponse:
    """Say that somebody is away."""
    try:
        absence = set_by_reader(said(AbsenceGiven))
    except Invalid as refusal:
        return _page(refusal.errors or {}, 422)
    flash(f"{absence.user.name} is away until {absence.until}. New leads go to others meanwhile.")
    return redirect(url_for(".show"), 303)


@bp.post("/<uuid:absence_id>/end")
@allow(Permission.TAKE_LEADS)
def end(absence_id: uuid.UUID) -> AnyResponse:
    """Have somebody back from now on, or call an absence to come off."""
    absence = one_of_mine(absence_id)
    absences.end(absence, by=current_user)
    flash(f"{absence.user.name} is back.")
    return redirect(url_for(".show"), 303)


@bp.errorhandler(Forbidden)
def show_them_as_they_are(refusal: Refusal) -> AnyResponse:
    """Say why it was refused."""
    return say_why_not(refusal, url_for("desk.absences.show"))


def _page(errors: Errors, status: int = 200) -> Response:
    page = render_template(
        "desk/absences.html",
        absences=shown_to_reader(),
        today=absences.today(),
        choices=[(one.id, one.name) for one in auth.everyone() if one.works_on_leads],
        for_others=current_user.may(Permission.ASSIGN_LEADS),
        errors=errors,
        typed=request.form,
    )
    return make_response(page, status)
