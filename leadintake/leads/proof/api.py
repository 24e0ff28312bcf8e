"""JSON API of the proof sheet."""

from __future__ import annotations

from flask import Blueprint, Response

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, respond
from leadintake.leads.proof.schemas import LeadProof
from leadintake.leads.proof.service import read_proof
from leadintake.leads.reference import LeadKey

bp = Blueprint("proof", __name__, url_prefix="/leads/<lead:lead_id>/proof")


@bp.get("")
@allow(Permission.UPDATE_LEADS)
@api({200: LeadProof}, refuses=(404,))
def read(lead_id: LeadKey) -> Response:
    """Tell all that is on record about the lead, for its attorney and for managers."""
    return respond(read_proof(lead_id, actor=current_actor()))
