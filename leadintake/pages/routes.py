"""The intake page and its thank-you."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, make_response, render_template

from leadintake.core.access import anyone
from leadintake.core.types import new_id
from leadintake.leads.forms import IntakeForm

bp = Blueprint(
    "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static"
)


@bp.get("/")
@anyone
def intake() -> Response:
    """Show the form, with a fresh submission_id: two clicks make one lead."""
    form = IntakeForm()
    form.submission_id.data = str(new_id())
    return _fresh(render_template("intake.html", form=form))


@bp.get("/thanks/<uuid:reference>")
@anyone
def thanks(reference: uuid.UUID) -> Response:
    """Thank, say what happens next, give the reference number."""
    return _fresh(render_template("thanks.html", reference=reference))


def _fresh(page: str) -> Response:
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response
