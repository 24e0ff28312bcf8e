"""Messages that are owed, sent and failed, for those who look after them."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, flash, make_response, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from leadintake.core.access import allow
from leadintake.core.errors import Conflict, Forbidden, Refusal
from leadintake.notifications import rehearsal
from leadintake.notifications.models import Status
from leadintake.notifications.schemas import NotificationQuery
from leadintake.notifications.service import notifications
from leadintake.pages.desk.forms import asked, say_why_not

bp = Blueprint("messages", __name__, url_prefix="/messages")
PAGE = 25


@bp.get("")
@allow("manage_notifications")
def show() -> Response:
    """Show messages, newest first: those that failed unless others are wanted."""
    wanted = asked(NotificationQuery)
    page = notifications.page(wanted.status, seen_by=current_user.id, limit=PAGE, cursor=wanted.cursor)
    return make_response(
        render_template(
            "desk/messages.html",
            page=page,
            wanted=wanted,
            statuses=Status,
            rehearsal=rehearsal.reason(),
        )
    )


@bp.post("/<uuid:notification_id>/retry")
@allow("manage_notifications")
def retry(notification_id: uuid.UUID) -> AnyResponse:
    """Send a message again, now."""
    owed = notifications.retry(notification_id, by=current_user)
    flash(f"On its way to {owed.recipient} again.")
    return redirect(url_for(".show", status=Status.FAILED), 303)


@bp.post("/retry-failed")
@allow("manage_notifications")
def retry_all_failed() -> AnyResponse:
    """Send every message that failed again, now."""
    number = notifications.retry_all_failed(by=current_user)
    if number:
        words = "1 message is" if number == 1 else f"{number} messages are"
        flash(f"{words} on the way again.")
    else:
        flash("No message has failed.")
    return redirect(url_for(".show", status=Status.FAILED), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_them_as_they_are(refusal: Refusal) -> AnyResponse:
    """Say why it was refused."""
    return say_why_not(refusal, url_for("desk.messages.show", status=Status.FAILED))
