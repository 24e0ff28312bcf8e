"""Templates of replies: read by all, edited by managers, with a preview."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.db.transaction import rollback
from leadintake.core.errors import Conflict, Errors, Forbidden, Refusal, UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.core.i18n.languages import ENGLISH, LANGUAGES
from leadintake.desk.forms import parse_form, redirect_with_reasons
from leadintake.desk.words import language_name
from leadintake.leads.replies.models import ReplyTemplate
from leadintake.leads.replies.schemas import TemplateText
from leadintake.leads.replies.templates import reply_templates
from leadintake.leads.replies.wording import FIELDS

bp = Blueprint("reply_templates", __name__, url_prefix="/replies/templates")
PREVIEW = "preview"
TEXTS = ("name", "language", "subject", "body")


@bp.get("")
@allow(Permission.READ_LEADS)
def show() -> Response:
    """Show all templates."""
    return make_response(render_template("desk/reply_templates.html", templates=reply_templates.list_all()))


@bp.get("/new")
@allow(Permission.UPDATE_ANY_LEAD)
def write() -> Response:
    """Show an empty form."""
    return _page(None, {"language": ENGLISH}, {})


@bp.get("/<uuid:template_id>")
@allow(Permission.UPDATE_ANY_LEAD)
def edit(template_id: uuid.UUID) -> Response:
    """Show the form of a template."""
    template = reply_templates.get(template_id)
    return _page(template, {name: getattr(template, name) for name in TEXTS}, {})


@bp.post("")
@allow(Permission.UPDATE_ANY_LEAD)
def create() -> AnyResponse:
    """Create a template, or preview it."""
    return _save(None)


@bp.post("/<uuid:template_id>")
@allow(Permission.UPDATE_ANY_LEAD)
def change(template_id: uuid.UUID) -> AnyResponse:
    """Change a template, or preview the change."""
    return _save(reply_templates.get(template_id))


@bp.post("/<uuid:template_id>/delete")
@allow(Permission.UPDATE_ANY_LEAD)
def delete(template_id: uuid.UUID) -> AnyResponse:
    """Delete a template."""
    template = reply_templates.get(template_id)
    reply_templates.delete(template, actor=current_actor())
    flash(f"Deleted: {template.name}. Replies that began with it stay as they are.")
    return redirect(url_for(".show"), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused."""
    return redirect_with_reasons(refusal, url_for("desk.reply_templates.show"))


def _save(template: ReplyTemplate | None) -> AnyResponse:
    try:
        text = parse_form(TemplateText, but=frozenset({PREVIEW}))
        if PREVIEW in request.form:
            reply_templates.check(text)
            return _page(template, request.form, {}, preview=(text.subject, text.body))
        if template is None:
            reply_templates.create(text, actor=current_actor())
        else:
            reply_templates.change(template, text, actor=current_actor())
    except UnprocessableContent as refusal:
        rollback()
        template = None if template is None else reply_templates.get(template.id)
        return _page(template, request.form, refusal.errors or {}, 422)
    flash(f"Saved: {text.name}.")
    return redirect(url_for("desk.reply_templates.show"), 303)


def _page(
    template: ReplyTemplate | None,
    typed: Mapping[str, str],
    errors: Errors,
    status: int = 200,
    *,
    preview: tuple[str, str] | None = None,
) -> Response:
    page = render_template(
        "desk/reply_template.html",
        template=template,
        typed=typed,
        errors=errors,
        languages=[(code, language_name(code)) for code in LANGUAGES],
        fields=FIELDS,
        preview=reply_templates.preview(*preview, current_actor()) if preview else None,
    )
    return make_response(page, status)
