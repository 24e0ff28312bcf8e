"""Pages for prospects."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, make_response, render_template

from leadintake.core.db.types import new_id
from leadintake.core.http.access import allow_anonymous, without_database
from leadintake.core.http.compression import compressed
from leadintake.leads import disclaimers
from leadintake.leads.intake import spam
from leadintake.leads.intake.form import IntakeForm
from leadintake.leads.reference import LeadKey
from leadintake.notifications.mailboxes import mailboxes
from leadintake.site import assets

bp = Blueprint("site", __name__, template_folder="templates")


@bp.get("/static/<name>")
@allow_anonymous
@without_database
def static(name: str) -> Response:
    """Send a style sheet, a script or the logo."""
    return assets.serve(name)


@bp.get("/")
@allow_anonymous
@compressed
def intake() -> Response:
    """Show the form, with a new submission_id: two clicks make one lead."""
    form = IntakeForm()
    form.translate()
    form.submission_id.data = str(new_id())
    form.opened.data = spam.seal_opening_time()
    return _respond_uncached(
        render_template("intake.html", form=form, disclaimer=disclaimers.render_current())
    )


@bp.get("/thanks/<lead:reference>")
@allow_anonymous
@compressed
def thanks(reference: LeadKey) -> Response:
    """Thank, and show the next step and the reference."""
    return _respond_uncached(render_template("thanks.html", reference=reference))


@bp.get("/unsubscribe/<uuid:message_id>")
@allow_anonymous
def ask_to_unsubscribe(message_id: uuid.UUID) -> Response:
    """Ask for confirmation. GET changes nothing: mail programs open links, too."""
    mailboxes.find_recipient(message_id)
    return _respond_uncached(render_template("unsubscribe.html", done=False))


@bp.post("/unsubscribe/<uuid:message_id>")
@allow_anonymous
def unsubscribe(message_id: uuid.UUID) -> Response:
    """Suppress the recipient's mailbox. Mail programs post here, too (RFC 8058)."""
    mailboxes.suppress(mailboxes.find_recipient(message_id))
    return _respond_uncached(render_template("unsubscribe.html", done=True))


def _respond_uncached(page: str) -> Response:
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response
