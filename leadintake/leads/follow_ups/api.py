"""JSON API of next steps."""

from __future__ import annotations

from flask import Blueprint, Response

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, if_match
from leadintake.leads.api import detail_of
from leadintake.leads.follow_ups import service
from leadintake.leads.follow_ups.schemas import FollowUpChange
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas import LeadDetail
from leadintake.leads.service import leads

bp = Blueprint("follow_ups", __name__, url_prefix="/leads/<lead:lead_id>/follow_up")


@bp.put("")
@allow(Permission.UPDATE_LEADS)
@api({200: LeadDetail}, json=FollowUpChange, headers=("If-Match",), refuses=(404, 412))
def change(lead_id: LeadKey, json: FollowUpChange) -> Response:
    """Set when the next step is due, or take it back: its attorney, or a manager."""
    with leads.edit(lead_id, current_actor(), if_version=if_match()) as lead:
        service.change(lead, json.at, json.note, actor=current_actor())
    return detail_of(lead)
