"""JSON API of ethical walls. A screened user cannot see the lead, hence neither read nor lift the screen."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, respond
from leadintake.leads.reference import LeadKey
from leadintake.leads.screens.schemas import ScreenChange, ScreenList, ScreenView
from leadintake.leads.screens.service import screens
from leadintake.leads.service import leads

bp = Blueprint("screens", __name__, url_prefix="/leads/<lead:lead_id>/screens")


@bp.get("")
@allow(Permission.SCREEN_LEADS)
@api({200: ScreenList}, refuses=(404,))
def read(lead_id: LeadKey) -> Response:
    """Tell who is barred from the lead, and why."""
    lead = leads.get(lead_id, reader=current_actor())
    return respond(ScreenList([ScreenView.of(item) for item in screens.read(lead, actor=current_actor())]))


@bp.post("")
@allow(Permission.SCREEN_LEADS)
@api({201: ScreenView}, json=ScreenChange, refuses=(404,))
def screen(lead_id: LeadKey, json: ScreenChange) -> Response:
    """Bar somebody from the lead, or replace the notice of who is."""
    with leads.edit(lead_id, current_actor(), lock_assignment=True) as lead:
        created = screens.set(lead, json.user_id, json.notice, actor=current_actor())
    return respond(ScreenView.of(created), 201)


@bp.delete("/<uuid:user_id>")
@allow(Permission.SCREEN_LEADS)
@api({204: None}, refuses=(404,))
def unscreen(lead_id: LeadKey, user_id: uuid.UUID) -> Response:
    """Let somebody know of the lead again."""
    with leads.edit(lead_id, current_actor()) as lead:
        screens.lift(lead, user_id, actor=current_actor())
    return Response(status=204)
