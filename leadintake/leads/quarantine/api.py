"""JSON API of the quarantine, for its reviewers."""

from __future__ import annotations

from flask import Blueprint, Response

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.db.pagination import PageQuery
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, respond
from leadintake.leads.api import detail_of
from leadintake.leads.quarantine.schemas import QuarantinedLead, QuarantinePage
from leadintake.leads.quarantine.service import quarantine
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas import LeadDetail
from leadintake.leads.service import leads

bp = Blueprint("quarantine", __name__, url_prefix="/quarantine")


@bp.get("")
@allow(Permission.REVIEW_QUARANTINE)
@api({200: QuarantinePage}, query=PageQuery)
def read(query: PageQuery) -> Response:
    """List the submissions that looked like spam, newest first."""
    page = quarantine.page(actor=current_actor(), limit=query.limit, cursor=query.cursor)
    return respond(QuarantinePage([QuarantinedLead.of(lead) for lead in page.items], page.next_cursor))


@bp.post("/<lead:lead_id>/release")
@allow(Permission.REVIEW_QUARANTINE)
@api({200: LeadDetail}, refuses=(404, 409))
def release(lead_id: LeadKey) -> Response:
    """Let a submission in after all: it is assigned, and everybody is told, as if it arrived now."""
    with leads.edit(lead_id, current_actor(), lock_assignment=True, quarantined=True) as lead:
        quarantine.release(lead, actor=current_actor())
    return detail_of(lead)


@bp.post("/<lead:lead_id>/discard")
@allow(Permission.REVIEW_QUARANTINE)
@api({204: None}, refuses=(404, 409))
def discard(lead_id: LeadKey) -> Response:
    """Put a submission away; it can be restored into quarantine."""
    with leads.edit(lead_id, current_actor(), quarantined=True) as lead:
        quarantine.discard(lead, actor=current_actor())
    return Response(status=204)
