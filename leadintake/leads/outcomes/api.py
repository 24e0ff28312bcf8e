"""JSON API of outcomes."""

from __future__ import annotations

from flask import Blueprint, Response

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, if_match
from leadintake.leads.api import detail_of
from leadintake.leads.outcomes import service
from leadintake.leads.outcomes.schemas import OutcomeChange
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas import LeadDetail
from leadintake.leads.service import leads

bp = Blueprint("outcomes", __name__, url_prefix="/leads/<lead:lead_id>/outcome")


@bp.put("")
@allow(Permission.UPDATE_LEADS)
@api({200: LeadDetail}, json=OutcomeChange, headers=("If-Match",), refuses=(404, 412))
def change(lead_id: LeadKey, json: OutcomeChange) -> Response:
    """Record how the lead ended, or take that back: its attorney, or a manager."""
    with leads.edit(lead_id, current_actor(), if_version=if_match(), lock_assignment=True) as lead:
        service.change(lead, json.outcome, json.note, actor=current_actor())
    return detail_of(lead)
