"""One's saved views of the list."""

from __future__ import annotations

import uuid
from urllib.parse import parse_qsl

from flask import Blueprint, Response, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.errors import Conflict, NotFound, Refusal, UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.desk.filters import MAX_FIELDS, read_list
from leadintake.desk.forms import parse_form, redirect_with_reasons
from leadintake.leads.views.schemas import ViewGiven, ViewRenamed
from leadintake.leads.views.service import MAX_NAME_LENGTH, views

bp = Blueprint("views", __name__, url_prefix="/views")


@bp.get("")
@allow(Permission.READ_LEADS)
def show() -> Response:
    """Show one's views, to rename and delete them."""
    own = views.list_own(current_actor())
    return make_response(render_template("desk/views.html", views=own, longest=MAX_NAME_LENGTH))


@bp.post("")
@allow(Permission.READ_LEADS)
def save() -> AnyResponse:
    """Save the filter of the list."""
    form = parse_form(ViewGiven)
    query = _normalize(form.query)
    view = views.save(current_actor(), form.name, query)
    flash(f"Saved as “{view.name}”.")
    return redirect(f"{url_for('desk.queue.show')}?{query}", 303)


@bp.post("/<uuid:view_id>")
@allow(Permission.READ_LEADS)
def rename(view_id: uuid.UUID) -> AnyResponse:
    """Rename a view."""
    try:
        views.rename(current_actor(), view_id, parse_form(ViewRenamed).name)
    except NotFound as refusal:  # deleted in another tab
        return redirect_with_reasons(refusal, url_for(".show"))
    flash("It is renamed.")
    return redirect(url_for(".show"), 303)


@bp.post("/<uuid:view_id>/delete")
@allow(Permission.READ_LEADS)
def delete(view_id: uuid.UUID) -> AnyResponse:
    """Delete a view. Its leads stay as they are."""
    try:
        views.delete(current_actor(), view_id)
    except NotFound as refusal:  # deleted in another tab
        return redirect_with_reasons(refusal, url_for(".show"))
    flash("The view is deleted.")
    return redirect(url_for(".show"), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(UnprocessableContent)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused."""
    return redirect_with_reasons(refusal, url_for("desk.views.show"))


def _normalize(query: str) -> str:
    """Return the query as the list reads it, without the page. Raises UnprocessableContent."""
    try:
        typed = dict(parse_qsl(query, max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise UnprocessableContent({"query": ["The list cannot be filtered like this."]}) from error
    return read_list({name: value for name, value in typed.items() if name != "cursor"}).text
