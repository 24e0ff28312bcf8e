"""JSON API of tags."""

from __future__ import annotations

from flask import Blueprint, Response

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, if_match, respond
from leadintake.leads.api import detail_of
from leadintake.leads.reference import LeadKey
from leadintake.leads.schemas import LeadDetail
from leadintake.leads.service import leads
from leadintake.leads.tags import service
from leadintake.leads.tags.schemas import TagList, TagsChange

bp = Blueprint("tags", __name__)


@bp.get("/tags")
@allow(Permission.READ_LEADS)
@api({200: TagList})
def read() -> Response:
    """List the tags of leads the reader may see, most used first."""
    return respond(TagList([*service.suggest(reader=current_actor())]))


@bp.put("/leads/<lead:lead_id>/tags")
@allow(Permission.UPDATE_LEADS)
@api({200: LeadDetail}, json=TagsChange, headers=("If-Match",), refuses=(404, 412))
def change(lead_id: LeadKey, json: TagsChange) -> Response:
    """Replace the tags of the lead: its attorney, or a manager."""
    with leads.edit(lead_id, current_actor(), if_version=if_match()) as lead:
        service.change(lead, json.tags, actor=current_actor())
    return detail_of(lead)
