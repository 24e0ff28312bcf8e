"""The reply to a prospect: written, sent in ten seconds, taken back until then."""

from __future__ import annotations

import uuid
from contextlib import suppress

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.db.transaction import rollback
from leadintake.core.errors import (
    Conflict,
    Errors,
    Forbidden,
    NotFound,
    PreconditionFailed,
    Refusal,
    UnprocessableContent,
)
from leadintake.core.http.access import allow
from leadintake.desk.forms import parse_form, read_form_version, redirect_with_reasons
from leadintake.desk.place import lead_address
from leadintake.leads.models import Lead
from leadintake.leads.reference import LeadKey
from leadintake.leads.replies.schemas import ReplyText
from leadintake.leads.replies.service import UNDO_SECONDS, replies
from leadintake.leads.replies.templates import language_of, list_fields_of_author, reply_templates
from leadintake.leads.service import leads

bp = Blueprint("replies", __name__, url_prefix="/leads/<lead:lead_id>/replies")
BEGIN, REPLACE = "begin", "replace"
"""Buttons of the form that name a template: for what is empty, and instead of what was typed."""
CHANGED = "This lead was changed meanwhile, and nothing was sent. Look at it again before you send this."


@bp.get("")
@allow(Permission.UPDATE_LEADS)
def show(lead_id: LeadKey) -> Response:
    """Show the form, filled in with a template if the address names one."""
    lead = leads.read(lead_id, "page", reader=current_actor(), actor=current_actor())
    empty = {"subject": "", "body": "", "template": ""}
    return _page(lead, _find_filled(request.args.get("template", ""), lead) or empty, {})


@bp.post("")
@allow(Permission.UPDATE_LEADS)
def send(lead_id: LeadKey) -> AnyResponse:
    """Enqueue the reply, or begin with a template. A refusal shows the form with all that was typed."""
    if request.form.keys() & {BEGIN, REPLACE}:
        return _begin(lead_id)
    try:
        text = parse_form(ReplyText)
        replies.send(lead_id, text, actor=current_actor(), if_version=read_form_version())
    except UnprocessableContent as refusal:
        return _show_again(lead_id, refusal.errors or {})
    except PreconditionFailed:
        return _show_again(lead_id, {"": [CHANGED]})
    except (Conflict, Forbidden) as refusal:
        return _show_again(lead_id, {"": [refusal.detail]})
    return redirect(lead_address(lead_id), 303)


@bp.post("/<uuid:reply_id>/undo")
@allow(Permission.UPDATE_LEADS)
def undo(lead_id: LeadKey, reply_id: uuid.UUID) -> AnyResponse:
    """Take the reply back."""
    try:
        is_open = replies.take_back(lead_id, reply_id, actor=current_actor())
    except NotFound as refusal:
        rollback()
        leads.get(lead_id, reader=current_actor())  # of a lead that is hidden the answer is 404
        return redirect_with_reasons(refusal, lead_address(lead_id))
    flash("Taken back: nothing was sent." + (" This prospect waits again." if is_open else ""))
    return redirect(lead_address(lead_id), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused, on the lead's page."""
    return redirect_with_reasons(refusal, lead_address((request.view_args or {})["lead_id"]))


def _begin(lead_id: LeadKey) -> Response:
    """Fill the form with a template. Text of one's own is replaced only by the button that asks for that."""
    lead = leads.get(lead_id, reader=current_actor())
    typed = _read_typed()
    replaces = REPLACE in request.form
    chosen = _find_filled(request.form.get(REPLACE if replaces else BEGIN, ""), lead)
    if chosen is None:
        return _page(lead, typed, {"": ["There is no such template any more."]}, 422)
    before = _find_filled(typed["template"], lead)
    own = [
        name
        for name in ("subject", "body")
        if not replaces and typed[name].strip() and (before is None or not _is_same(typed, before, name))
    ]
    texts = {name: typed[name] if name in own else chosen[name] for name in ("subject", "body")}
    return _page(lead, {**texts, "template": chosen["template"]}, {}, replaceable=bool(own))


def _find_filled(template_id: str, lead: Lead) -> dict[str, str] | None:
    """Return the texts of a template for the lead; None if there is no such template."""
    with suppress(ValueError, NotFound):
        template = reply_templates.get(uuid.UUID(template_id))
        subject, body = reply_templates.fill_for(template, lead, current_actor())
        return {"subject": subject, "body": body, "template": str(template.id)}
    return None


def _is_same(typed: dict[str, str], filled: dict[str, str], name: str) -> bool:
    """Return whether the text is still the template's. Forms end lines with CR LF."""
    return typed[name].split() == filled[name].split()


def _read_typed() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in ("subject", "body", "template")}


def _show_again(lead_id: LeadKey, errors: Errors) -> Response:
    rollback()
    lead = leads.get(lead_id, reader=current_actor())
    return _page(lead, _read_typed(), errors, 422)


def _page(
    lead: Lead, typed: dict[str, str], errors: Errors, status: int = 200, *, replaceable: bool = False
) -> Response:
    detail = leads.detail(lead, reader=current_actor())
    page = render_template(
        "desk/reply.html",
        lead=lead,
        back=lead_address(lead.id),
        list=request.args.get("list"),
        templates=reply_templates.list_all(first=language_of(lead)),
        language=language_of(lead),
        may_reply="reply" in detail.allowed,
        email_refused=detail.email_refused,
        typed=typed,
        empty_fields=list_fields_of_author(f"{typed['subject']}\n{typed['body']}", lead),
        errors=errors,
        replaceable=replaceable,
        undo_seconds=UNDO_SECONDS,
    )
    return make_response(page, status)
