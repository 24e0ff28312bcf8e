"""Ethical walls over JSON. Who is barred from a lead finds none here either, nor can lift their own bar."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response
from flask_login import current_user

from leadintake.auth.permissions import Permission
from leadintake.core.access import allow
from leadintake.core.api import respond, speaks
from leadintake.leads.models import Lead
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas import ScreenChange, ScreenList, ScreenView
from leadintake.leads.screens import screens
from leadintake.leads.service import leads

bp = Blueprint("screens", __name__, url_prefix="/leads/<lead:lead_id>/screens")


@bp.get("")
@allow(Permission.SCREEN_LEADS)
@speaks({200: ScreenList}, refuses=(404,))
def read(lead_id: LeadKey) -> Response:
    """Tell who is barred from the lead, and why."""
    lead = leads.get(lead_id, seen_by=current_user)
    return respond(ScreenList([ScreenView.of(one) for one in screens.read(lead, by=current_user)]))


@bp.post("")
@allow(Permission.SCREEN_LEADS)
@speaks({201: ScreenView}, json=ScreenChange, refuses=(404,))
def screen(lead_id: LeadKey, json: ScreenChange) -> Response:
    """Bar somebody from the lead, or replace the notice of who is."""
    lead = _held(lead_id)
    return respond(ScreenView.of(screens.set(lead, json.user_id, json.notice, by=current_user)), 201)


@bp.delete("/<uuid:user_id>")
@allow(Permission.SCREEN_LEADS)
@speaks({204: None}, refuses=(404,))
def unscreen(lead_id: LeadKey, user_id: uuid.UUID) -> Response:
    """Let somebody know of the lead again."""
    screens.lift(_held(lead_id), user_id, by=current_user)
    return Response(status=204)


def _held(lead_id: LeadKey) -> Lead:
    leads.hold_all()
    return leads.get_to_change(lead_id, seen_by=current_user)
