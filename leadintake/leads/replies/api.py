"""JSON API of replies and their templates."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, if_match, respond
from leadintake.leads.reference import LeadKey
from leadintake.leads.replies.schemas import (
    ReplyList,
    ReplyText,
    ReplyView,
    TemplateList,
    TemplatePatch,
    TemplateText,
    TemplateView,
)
from leadintake.leads.replies.service import replies
from leadintake.leads.replies.templates import reply_templates
from leadintake.leads.service import leads

bp = Blueprint("replies", __name__, url_prefix="/leads/<lead:lead_id>/replies")
templates_bp = Blueprint("reply_templates", __name__, url_prefix="/reply-templates")


@bp.get("")
@allow(Permission.READ_LEADS)
@api({200: ReplyList}, refuses=(404,))
def read(lead_id: LeadKey) -> Response:
    """List the replies to the prospect, newest first."""
    lead = leads.read(lead_id, "replies", reader=current_actor(), actor=current_actor())
    return respond(ReplyList(replies.list_for(lead)))


@bp.post("")
@allow(Permission.UPDATE_LEADS)
@api({201: ReplyView}, json=ReplyText, headers=("If-Match",), refuses=(404, 409, 412))
def send(lead_id: LeadKey, json: ReplyText) -> Response:
    """Write to the prospect. It leaves ten seconds later, and records that the prospect was reached.

    The same text by the same person within a minute is the same reply.
    """
    return respond(replies.send(lead_id, json, actor=current_actor(), if_version=if_match()), 201)


@bp.delete("/<uuid:reply_id>")
@allow(Permission.UPDATE_LEADS)
@api({204: None}, refuses=(404, 409))
def take_back(lead_id: LeadKey, reply_id: uuid.UUID) -> Response:
    """Take back a reply that has not left. A lead that it marked as reached waits again."""
    replies.take_back(lead_id, reply_id, actor=current_actor())
    return Response(status=204)


@templates_bp.get("")
@allow(Permission.READ_LEADS)
@api({200: TemplateList})
def list_templates() -> Response:
    """List the templates of replies."""
    return respond(TemplateList([TemplateView.of(item) for item in reply_templates.list_all()]))


@templates_bp.post("")
@allow(Permission.UPDATE_ANY_LEAD)
@api({201: TemplateView}, json=TemplateText)
def create_template(json: TemplateText) -> Response:
    """Create a template."""
    return respond(TemplateView.of(reply_templates.create(json, actor=current_actor())), 201)


@templates_bp.get("/<uuid:template_id>")
@allow(Permission.READ_LEADS)
@api({200: TemplateView}, refuses=(404,))
def read_template(template_id: uuid.UUID) -> Response:
    """Show one template."""
    return respond(TemplateView.of(reply_templates.get(template_id)))


@templates_bp.patch("/<uuid:template_id>")
@allow(Permission.UPDATE_ANY_LEAD)
@api({200: TemplateView}, json=TemplatePatch, refuses=(404,))
def change_template(template_id: uuid.UUID, json: TemplatePatch) -> Response:
    """Change a template."""
    template = reply_templates.get(template_id)
    reply_templates.change(template, json.apply_to(template), actor=current_actor())
    return respond(TemplateView.of(template))


@templates_bp.delete("/<uuid:template_id>")
@allow(Permission.UPDATE_ANY_LEAD)
@api({204: None}, refuses=(404,))
def delete_template(template_id: uuid.UUID) -> Response:
    """Delete a template. Replies that began with it stay."""
    reply_templates.delete(reply_templates.get(template_id), actor=current_actor())
    return Response(status=204)
