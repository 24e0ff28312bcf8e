"""Absences over JSON: one's own, and everybody's for those who look after the distribution."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from flask import Blueprint, Response
from flask_login import current_user

from leadintake.assignment.absences import absences
from leadintake.assignment.models import Absence
from leadintake.assignment.schemas import AbsenceGiven, AbsenceList, AbsenceView
from leadintake.auth.permissions import Permission
from leadintake.core.access import allow
from leadintake.core.api import respond, speaks
from leadintake.core.errors import Forbidden, NotFound

bp = Blueprint("absences", __name__, url_prefix="/absences")


@bp.get("")
@allow(Permission.TAKE_LEADS)
@speaks({200: AbsenceList})
def list_absences() -> Response:
    """List absences that are not over: everybody's for managers, else one's own."""
    return respond(AbsenceList([AbsenceView.of(one) for one in shown_to_reader()]))


@bp.post("")
@allow(Permission.TAKE_LEADS)
@speaks({201: AbsenceView}, json=AbsenceGiven)
def set_away(json: AbsenceGiven) -> Response:
    """Say that somebody is away; from the first day on their pending leads go on to others."""
    return respond(AbsenceView.of(set_by_reader(json)), 201)


@bp.delete("/<uuid:absence_id>")
@allow(Permission.TAKE_LEADS)
@speaks({204: None}, refuses=(404,))
def end(absence_id: uuid.UUID) -> Response:
    """Have somebody back from now on, or call an absence to come off."""
    absences.end(one_of_mine(absence_id), by=current_user)
    return Response(status=204)


def shown_to_reader() -> Sequence[Absence]:
    """The absences that the reader may know of."""
    return absences.coming(None if _everybodys() else current_user.id)


def set_by_reader(given: AbsenceGiven) -> Absence:
    """Set somebody away as the reader wants. Raises Forbidden, Invalid."""
    user_id = given.user_id or current_user.id
    if user_id != current_user.id and not _everybodys():
        raise Forbidden("You may say when you are away yourself. A manager may say it of others.")
    return absences.set(user_id, given.first_day, given.last_day, given.substitute_id, by=current_user)


def one_of_mine(absence_id: uuid.UUID) -> Absence:
    """An absence that the reader may end. Raises NotFound."""
    found = absences.get(absence_id)
    if found.user_id != current_user.id and not _everybodys():
        raise NotFound("There is no such absence.")
    return found


def _everybodys() -> bool:
    return bool(current_user.may(Permission.ASSIGN_LEADS))
