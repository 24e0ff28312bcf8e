"""Absences: one's own, or with ASSIGN_LEADS all."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.assignment.absences import absences
from leadintake.assignment.api import build_as_reader, get_for_reader, list_for_reader, set_as_reader
from leadintake.assignment.schemas import AbsenceGiven
from leadintake.assignment.types import count_noun
from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.auth.service import auth
from leadintake.core.errors import Conflict, Errors, Forbidden, Refusal, UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.desk.forms import parse_form, parse_query, redirect_with_reasons
from leadintake.desk.words import day
from leadintake.leads.distribution import coverage

bp = Blueprint("absences", __name__, url_prefix="/absences")


@bp.get("")
@allow(Permission.TAKE_LEADS)
def show() -> Response:
    """Show current and future absences; for one in the query, what it would do, and ask."""
    return _ask() if "first_day" in request.args else _page({})


@bp.post("")
@allow(Permission.TAKE_LEADS)
def set_away() -> AnyResponse:
    """Record an absence."""
    try:
        absence = set_as_reader(_require_person(parse_form(AbsenceGiven)))
    except UnprocessableContent as refusal:
        return _page(refusal.errors or {}, 422)
    until = day(absence.last_day) if absence.last_day else absence.until
    notice = [f"{absence.user.name} is away until {until}. New leads go to others meanwhile."]
    moved = coverage.count_moves(absence, reader=current_actor())
    if moved.total:
        rest = "" if moved.is_whole else " The others follow within minutes."
        notice.append(f"{describe_shares(moved, 'went')}.{rest} For an hour this can be undone.")
    flash(" ".join(notice))
    return redirect(url_for(".show"), 303)


@bp.post("/<uuid:absence_id>/undo")
@allow(Permission.TAKE_LEADS)
def undo(absence_id: uuid.UUID) -> AnyResponse:
    """Undo an absence, and return the leads that have no later act."""
    absence = get_for_reader(absence_id)
    number, has_more = coverage.undo(absence, actor=current_actor())
    back = f"{count_noun(number, 'lead')} came back." if number else "No lead came back."
    back += " The others follow." if has_more else ""
    flash(f"{absence.user.name} is not away. {back}")
    return redirect(url_for(".show"), 303)


@bp.post("/<uuid:absence_id>/end")
@allow(Permission.TAKE_LEADS)
def end(absence_id: uuid.UUID) -> AnyResponse:
    """End an absence now, or cancel a future one."""
    absence = get_for_reader(absence_id)
    absences.end(absence, actor=current_actor())
    flash(f"{absence.user.name} is back.")
    return redirect(url_for(".show"), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused."""
    return redirect_with_reasons(refusal, url_for("desk.absences.show"))


def describe_shares(shares: coverage.Forecast, verb: str) -> str:
    """Return `7 leads went to others: 4 to Chiara, 3 to Bruno`, or `7 leads went to Chiara`."""
    if len(shares.shares) == 1:
        return f"{count_noun(shares.total, 'lead')} {verb} to {shares.shares[0][0]}"
    each = ", ".join(f"{number} to {name}" for name, number in shares.shares)
    return f"{count_noun(shares.total, 'lead')} {verb} to others: {each}"


def _ask() -> Response:
    try:
        absence = build_as_reader(_require_person(parse_query(AbsenceGiven)))
    except UnprocessableContent as refusal:
        return _page(refusal.errors or {}, 422)
    begins = absence.first_day <= absences.today()
    found = coverage.forecast(absence, reader=current_actor()) if begins else None
    page = render_template(
        "desk/absence_question.html",
        absence=absence,
        fields=request.args,
        found=found,
        shares=describe_shares(found, "goes" if found.total == 1 else "go") if found else "",
    )
    return make_response(page)


def _require_person(data: AbsenceGiven) -> AbsenceGiven:
    """Return the data. Raises UnprocessableContent if a manager chose no person."""
    if data.user_id is None and current_actor().may(Permission.ASSIGN_LEADS):
        raise UnprocessableContent({"user_id": ["Choose who is away."]})
    return data


def _page(errors: Errors, status: int = 200) -> Response:
    page = render_template(
        "desk/absences.html",
        absences=list_for_reader(),
        today=absences.today(),
        may_undo=coverage.may_undo,
        choices=[(user.id, user.name) for user in auth.everyone() if user.works_on_leads],
        for_others=current_actor().may(Permission.ASSIGN_LEADS),
        errors=errors,
        typed=request.values,
    )
    return make_response(page, status)
