"""The outbox over JSON, for those who look after it."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response
from flask_login import current_user

from leadintake.core.access import allow
from leadintake.core.api import respond, speaks
from leadintake.notifications.schemas import NotificationDetail, NotificationPage, NotificationQuery
from leadintake.notifications.service import notifications

bp = Blueprint("notifications", __name__, url_prefix="/notifications")


@bp.get("")
@allow("manage_notifications")
@speaks({200: NotificationPage}, query=NotificationQuery)
def read_outbox(query: NotificationQuery) -> Response:
    """List what is owed, sent and failed, newest first."""
    page = notifications.page(query.status, seen_by=current_user.id, limit=query.limit, cursor=query.cursor)
    return respond(NotificationPage([NotificationDetail.of(owed) for owed in page.items], page.next_cursor))


@bp.post("/<uuid:notification_id>/retry")
@allow("manage_notifications")
@speaks({200: NotificationDetail}, refuses=(404, 409))
def retry(notification_id: uuid.UUID) -> Response:
    """Send a message that failed or waits, now."""
    return respond(NotificationDetail.of(notifications.retry(notification_id, by=current_user)))
