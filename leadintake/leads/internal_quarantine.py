"""The quarantine over JSON, for those who look after it."""

from __future__ import annotations

from flask import Blueprint, Response
from flask_login import current_user

from leadintake.auth.permissions import Permission
from leadintake.core.access import allow
from leadintake.core.api import respond, speaks
from leadintake.leads.internal import detail_of
from leadintake.leads.models import Lead
from leadintake.leads.quarantine import quarantine
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas import LeadDetail
from leadintake.leads.schemas_quarantine import QuarantinedLead, QuarantinePage, QuarantineQuery
from leadintake.leads.service import leads

bp = Blueprint("quarantine", __name__, url_prefix="/quarantine")


@bp.get("")
@allow(Permission.REVIEW_QUARANTINE)
@speaks({200: QuarantinePage}, query=QuarantineQuery)
def read(query: QuarantineQuery) -> Response:
    """List the submissions that looked like spam, newest first."""
    page = quarantine.page(seen_by=current_user, limit=query.limit, cursor=query.cursor)
    return respond(QuarantinePage([QuarantinedLead.of(lead) for lead in page.items], page.next_cursor))


@bp.post("/<lead:lead_id>/release")
@allow(Permission.REVIEW_QUARANTINE)
@speaks({200: LeadDetail}, refuses=(404, 409))
def release(lead_id: LeadKey) -> Response:
    """Let a submission in after all: it is assigned, and everybody is told, as if it arrived now."""
    lead = held(lead_id)
    quarantine.release(lead, by=current_user)
    return detail_of(lead)


@bp.post("/<lead:lead_id>/discard")
@allow(Permission.REVIEW_QUARANTINE)
@speaks({204: None}, refuses=(404, 409))
def discard(lead_id: LeadKey) -> Response:
    """Put a submission away; it can be restored into quarantine."""
    quarantine.discard(held(lead_id), by=current_user)
    return Response(status=204)


def held(lead_id: LeadKey) -> Lead:
    """The lead, in quarantine or not, while no other arrives or leaves. Raises NotFound."""
    leads.hold_all()
    return leads.get_to_change(lead_id, seen_by=current_user, quarantined=True)
