"""The intake page, its thank-you, and the way out of its mails."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, make_response, render_template

from leadintake.core.access import anyone, without_database
from leadintake.core.types import new_id
from leadintake.leads import disclaimers, signs
from leadintake.leads.forms import IntakeForm
from leadintake.leads.reference import LeadKey
from leadintake.notifications.mailboxes import mailboxes
from leadintake.pages import assets

bp = Blueprint("pages", __name__, template_folder="templates")


@bp.get("/static/<name>")
@anyone
@without_database
def static(name: str) -> Response:
    """Send a style sheet, a script or the logo."""
    return assets.serve(name)


@bp.get("/")
@anyone
def intake() -> Response:
    """Show the form, with a fresh submission_id: two clicks make one lead."""
    form = IntakeForm()
    form.submission_id.data = str(new_id())
    form.opened.data = signs.opened()
    return _fresh(render_template("intake.html", form=form, disclaimer=disclaimers.shown()))


@bp.get("/thanks/<lead:reference>")
@anyone
def thanks(reference: LeadKey) -> Response:
    """Thank, say what happens next, give the reference number."""
    return _fresh(render_template("thanks.html", reference=reference))


@bp.get("/unsubscribe/<uuid:message_id>")
@anyone
def ask_to_unsubscribe(message_id: uuid.UUID) -> Response:
    """Ask first: programs open links in mails, too."""
    mailboxes.reached_by(message_id)
    return _fresh(render_template("unsubscribe.html", done=False))


@bp.post("/unsubscribe/<uuid:message_id>")
@anyone
def unsubscribe(message_id: uuid.UUID) -> Response:
    """Send the recipient of this message no more of its kind; mail programs post here too (RFC 8058)."""
    mailboxes.suppress(mailboxes.reached_by(message_id))
    return _fresh(render_template("unsubscribe.html", done=True))


def _fresh(page: str) -> Response:
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response
