"""JSON API of leads, for signed-in users."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, request, url_for
from werkzeug.http import quote_etag

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, if_match, respond
from leadintake.leads.distribution.handover import handover
from leadintake.leads.matches import MAX_COUNTED
from leadintake.leads.models import Lead
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas import (
    AssigneeChange,
    Declining,
    History,
    HistoryItem,
    LeadDetail,
    LeadPage,
    LeadPatch,
    LeadQuery,
    NotificationList,
)
from leadintake.leads.service import leads
from leadintake.leads.status import is_pending
from leadintake.leads.summaries import select_summaries, summary_of
from leadintake.notifications.schemas import NotificationSummary
from leadintake.notifications.service import notifications

bp = Blueprint("leads", __name__, url_prefix="/leads")


@bp.get("")
@allow(Permission.READ_LEADS)
@api({200: LeadPage}, query=LeadQuery)
def search(query: LeadQuery) -> Response:
    """List the leads the reader may see."""
    page = leads.page(
        query,
        reader=current_actor(),
        actor=current_actor(),
        limit=query.limit,
        cursor=query.cursor,
        shape=select_summaries,
    )
    answer = LeadPage([summary_of(row) for row in page.items], page.next_cursor)
    if query.count:
        found = leads.count(query, reader=current_actor())
        answer.total = min(found, MAX_COUNTED)
        if found > MAX_COUNTED:
            answer.total_is_minimum = True
    return respond(answer, headers=_link_to_next(page.next_cursor))


@bp.get("/<lead:lead_id>")
@allow(Permission.READ_LEADS)
@api({200: LeadDetail, 304: None}, headers=("If-None-Match",), refuses=(404,))
def read(lead_id: LeadKey) -> Response:
    """Show one lead."""
    answer = detail_of(_read(lead_id, "detail"))
    if request.if_none_match.contains_weak(answer.get_etag()[0] or ""):
        return Response(status=304, headers={"ETag": answer.headers["ETag"]})
    return answer


@bp.patch("/<lead:lead_id>")
@allow(Permission.UPDATE_LEADS)
@api({200: LeadDetail}, json=LeadPatch, headers=("If-Match",), refuses=(404, 409, 412))
def update(lead_id: LeadKey, json: LeadPatch) -> Response:
    """Record that the prospect was reached, or take that back.

    The assignee may reopen the lead for an hour, unless another user changed it since; managers at any time.
    """
    reopens = is_pending(json.status)
    with leads.edit(lead_id, current_actor(), if_version=if_match(), lock_assignment=reopens) as lead:
        leads.change_status(lead, json.status, actor=current_actor())
    return detail_of(lead)


@bp.put("/<lead:lead_id>/assignee")
@allow(Permission.TAKE_LEADS)
@api({200: LeadDetail}, json=AssigneeChange, headers=("If-Match",), refuses=(404, 412))
def assign(lead_id: LeadKey, json: AssigneeChange) -> Response:
    """Give the lead to somebody, or take one that nobody has."""
    with leads.edit(lead_id, current_actor(), if_version=if_match(), lock_assignment=True) as lead:
        leads.assign(lead, json.user_id, actor=current_actor())
    return detail_of(lead)


@bp.post("/<lead:lead_id>/decline")
@allow(Permission.UPDATE_LEADS)
@api({204: None}, json=Declining, headers=("If-Match",), refuses=(404, 409, 412))
def decline(lead_id: LeadKey, json: Declining) -> Response:
    """Refuse an assignment: the lead goes to the next, and by itself never back."""
    with leads.edit(lead_id, current_actor(), if_version=if_match(), lock_assignment=True) as lead:
        handover.decline(lead, json.reason, actor=current_actor())
    return Response(status=204)


@bp.delete("/<lead:lead_id>")
@allow(Permission.DELETE_LEADS)
@api({204: None}, headers=("If-Match",), refuses=(404, 412))
def delete(lead_id: LeadKey) -> Response:
    """Put the lead away."""
    with leads.edit(lead_id, current_actor(), if_version=if_match(), lock_assignment=True) as lead:
        leads.delete(lead, actor=current_actor())
    return Response(status=204)


@bp.post("/<lead:lead_id>/restore")
@allow(Permission.DELETE_LEADS)
@api({200: LeadDetail}, refuses=(404,))
def restore(lead_id: LeadKey) -> Response:
    """Bring a deleted lead back."""
    with leads.edit(lead_id, current_actor(), lock_assignment=True, deleted=True) as lead:
        leads.restore(lead, actor=current_actor())
    return detail_of(lead)


@bp.get("/<lead:lead_id>/history")
@allow(Permission.READ_LEADS)
@api({200: History}, refuses=(404,))
def history(lead_id: LeadKey) -> Response:
    """Tell what happened to the lead, newest first."""
    lead = _read(lead_id, "history")
    events = leads.history(lead)
    return respond(History([HistoryItem.of(event, reader=current_actor()) for event in events]))


@bp.get("/<lead:lead_id>/notifications", endpoint="owed")
@allow(Permission.READ_LEADS)
@api({200: NotificationList}, refuses=(404,))
def list_messages(lead_id: LeadKey) -> Response:
    """Tell which messages about the lead were sent to whom."""
    lead = _read(lead_id, "notifications")
    items = [NotificationSummary.of(message) for message in notifications.list_for_lead(lead.id)]
    return respond(NotificationList(items))


def _read(lead_id: LeadKey, part: str) -> Lead:
    return leads.read(lead_id, part, reader=current_actor(), actor=current_actor())


def detail_of(lead: Lead) -> Response:
    """Respond with the lead's detail for the reader."""
    detail = leads.detail(lead, reader=current_actor())
    return respond(detail, headers={"ETag": quote_etag(detail.entity_tag())})


def _link_to_next(cursor: str | None) -> Mapping[str, str]:
    if cursor is None:
        return {}
    address = url_for(".search", **{**request.args.to_dict(), "cursor": cursor})  # type: ignore[arg-type] # all are text
    return {"Link": f'<{address}>; rel="next"'}
