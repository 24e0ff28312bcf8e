"""Notices of failed replies to their authors. Managers are told of every failed message anyway."""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.auth.service import auth
from leadintake.core.db.database import db
from leadintake.leads import permissions, visibility
from leadintake.leads.distribution import alerts, failures
from leadintake.leads.models import Lead
from leadintake.leads.replies.models import Reply
from leadintake.notifications.events import MessageFailed
from leadintake.notifications.personal import REPLY
from leadintake.notifications.service import notifications


def tell_author(message: MessageFailed) -> None:
    """Tell the author of a failed reply, if the author may still change the lead and is no manager."""
    if message.kind != REPLY:
        return
    reply = db.session.scalar(sa.select(Reply).where(Reply.message_id == message.message_id))
    lead = db.session.scalar(sa.select(Lead).where(Lead.id == message.lead_id))
    author = auth.get(reply.author_id) if reply is not None else None
    if lead is None or author is None or not author.active or permissions.may_assign(author):
        return
    is_hidden = author.id in visibility.screened_users(lead.id)
    if is_hidden or not permissions.may_change_status(author, lead):
        return
    limit = failures.MAX_NOTICES
    if notifications.below_hourly_limit(alerts.FAILURE, author.email, most_an_hour=limit):
        notifications.enqueue(
            alerts.FAILURE,
            author.email,
            lead_id=lead.id,
            about=alerts.subject_of(lead),
            manager=author.name,
            title=message.subject,
            addressee=message.recipient,
            reason=message.error[:500],
            link=alerts.link_to(lead),
        )
