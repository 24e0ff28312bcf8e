"""Absences over JSON: one's own, or everybody's for managers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from flask import Blueprint, Response

from leadintake.assignment.absences import absences
from leadintake.assignment.models import Absence
from leadintake.assignment.schemas import AbsenceGiven, AbsenceList, AbsenceView
from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.errors import Forbidden, NotFound
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, respond

bp = Blueprint("absences", __name__, url_prefix="/absences")


@bp.get("")
@allow(Permission.TAKE_LEADS)
@api({200: AbsenceList})
def list_absences() -> Response:
    """List absences that are not over: everybody's for managers, else one's own."""
    return respond(AbsenceList([AbsenceView.of(one) for one in list_for_reader()]))


@bp.post("")
@allow(Permission.TAKE_LEADS)
@api({201: AbsenceView}, json=AbsenceGiven)
def set_away(json: AbsenceGiven) -> Response:
    """Record an absence; from the first day on, pending leads are handed over."""
    return respond(AbsenceView.of(set_as_reader(json)), 201)


@bp.delete("/<uuid:absence_id>")
@allow(Permission.TAKE_LEADS)
@api({204: None}, refuses=(404,))
def end(absence_id: uuid.UUID) -> Response:
    """End an absence now, or cancel a future one."""
    absences.end(get_for_reader(absence_id), actor=current_actor())
    return Response(status=204)


def list_for_reader() -> Sequence[Absence]:
    """Return the absences that the reader may see."""
    return absences.coming(None if _may_see_all() else current_actor().id)


def set_as_reader(data: AbsenceGiven) -> Absence:
    """Record an absence, acting as the signed-in user. Raises Forbidden, UnprocessableContent."""
    user_id = _require_may_set(data)
    return absences.set(user_id, data.first_day, data.last_day, data.substitute_id, actor=current_actor())


def build_as_reader(data: AbsenceGiven) -> Absence:
    """Return the absence that `set_as_reader` would record. Raises Forbidden, UnprocessableContent."""
    return absences.build(_require_may_set(data), data.first_day, data.last_day, data.substitute_id)


def get_for_reader(absence_id: uuid.UUID) -> Absence:
    """Return an absence that the reader may end. Raises NotFound."""
    found = absences.get(absence_id)
    if found.user_id != current_actor().id and not _may_see_all():
        raise NotFound("There is no such absence.")
    return found


def _require_may_set(data: AbsenceGiven) -> uuid.UUID:
    user_id = data.user_id or current_actor().id
    if user_id != current_actor().id and not _may_see_all():
        raise Forbidden("You may say when you are away yourself. A manager may say it of others.")
    return user_id


def _may_see_all() -> bool:
    return bool(current_actor().may(Permission.ASSIGN_LEADS))
