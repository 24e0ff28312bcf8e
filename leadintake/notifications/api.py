"""The outbox over JSON, for those who look after it."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from leadintake.core.actor import current_person
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, respond
from leadintake.notifications.schemas import NotificationDetail, NotificationPage, NotificationQuery
from leadintake.notifications.service import notifications

bp = Blueprint("notifications", __name__, url_prefix="/notifications")


@bp.get("")
@allow("manage_notifications")
@api({200: NotificationPage}, query=NotificationQuery)
def read_outbox(query: NotificationQuery) -> Response:
    """List what is owed, sent and failed, newest first."""
    page = notifications.page(query.status, reader=current_person(), limit=query.limit, cursor=query.cursor)
    return respond(NotificationPage([NotificationDetail(*row) for row in page.items], page.next_cursor))


@bp.post("/<uuid:notification_id>/retry")
@allow("manage_notifications")
@api({200: NotificationDetail}, refuses=(404, 409))
def retry(notification_id: uuid.UUID) -> Response:
    """Send a message that failed or waits, now."""
    return respond(NotificationDetail.of(notifications.retry(notification_id, actor=current_person())))
