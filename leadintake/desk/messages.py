"""Messages of the outbox."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.core.errors import Conflict, Forbidden, Refusal
from leadintake.core.http.access import allow
from leadintake.desk.forms import parse_query, redirect_with_reasons
from leadintake.notifications import rehearsal
from leadintake.notifications.models import Status
from leadintake.notifications.schemas import NotificationQuery
from leadintake.notifications.service import notifications

bp = Blueprint("messages", __name__, url_prefix="/messages")
PAGE = 25


@bp.get("")
@allow("manage_notifications")
def show() -> Response:
    """Show messages, newest first; failed ones by default."""
    wanted = parse_query(NotificationQuery)
    page = notifications.page(wanted.status, reader=current_actor(), limit=PAGE, cursor=wanted.cursor)
    return make_response(
        render_template(
            "desk/messages.html",
            page=page,
            wanted=wanted,
            statuses=Status,
            rehearsal=rehearsal.explain(),
        )
    )


@bp.post("/<uuid:notification_id>/retry")
@allow("manage_notifications")
def retry(notification_id: uuid.UUID) -> AnyResponse:
    """Send a message again now."""
    message = notifications.retry(notification_id, actor=current_actor())
    flash(f"On its way to {message.recipient} again.")
    return redirect(url_for(".show", status=Status.FAILED), 303)


@bp.post("/retry-failed")
@allow("manage_notifications")
def retry_all_failed() -> AnyResponse:
    """Send all failed messages again now."""
    number = notifications.retry_all_failed(actor=current_actor())
    if number:
        words = "1 message is" if number == 1 else f"{number} messages are"
        flash(f"{words} on the way again.")
    else:
        flash("No message has failed.")
    return redirect(url_for(".show", status=Status.FAILED), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused."""
    return redirect_with_reasons(refusal, url_for("desk.messages.show", status=Status.FAILED))
